//! `/coverage`: what is observed, by which source, and what was not.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::clock;
use crate::journal::{Order, Term};
use crate::model::Kind;
use crate::model::api::{CoverageReport, GapView};

use super::damage::Damage;
use super::facts::{Facts, Unreadable};
use super::problem::Refusal;
use super::query::{Parameters, Period};
use super::reply::{Desk, json};
use super::search::seqs;

/// Gaps in the answer; older ones are found with `/events?kind=gap`.
const GAPS_MAX: usize = 100;

/// Sources and gaps.
pub(super) async fn report(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
    Parameters::read(&uri, &[])?;
    let (report, damage) = desk.ask(|facts| Ok(gather(facts)?)).await?;
    Ok(damage.warn(json(&report)))
}

fn gather(facts: &dyn Facts) -> Result<(CoverageReport, Damage), Unreadable> {
    let range = seqs(facts, Period::default())?;
    let (mut gaps, mut damage) = (Vec::new(), Damage::default());
    for event in facts.read(Some(&Term::Kind(Kind::Gap)), range, Order::Descending).take(GAPS_MAX) {
        match event {
            Ok(event) => gaps.extend(event.gap.as_ref().map(|gap| GapView::new(event.seq, gap))),
            Err(error) => damage.note(error)?,
        }
    }
    let report = CoverageReport {
        at: clock::now().to_string(),
        sources: facts.sources(),
        gaps,
        first_seq: facts.first_seq().0,
        last_seq: facts.last_seq().0,
    };
    Ok((report, damage))
}
