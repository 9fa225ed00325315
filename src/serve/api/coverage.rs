//! `/coverage`: what is observed, by which source, and what was not.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use crate::clock;
use crate::journal::{Order, Term};
use crate::model::Kind;
use crate::model::api::{CoverageReport, GapView};
use crate::serve::damage::Damage;
use crate::serve::desk::Desk;
use crate::serve::facts::{Facts, Unreadable};
use crate::serve::http::parameters::{Parameters, Period};
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::json;
use crate::serve::search::seqs;

const PATH: &str = "/api/v1/coverage";

/// Gaps in the answer; older ones are found with `/events?kind=gap`.
const GAPS_MAX: usize = 100;

/// The route of this resource.
pub(in crate::serve) fn router() -> Router<Desk> {
    Router::new().route(PATH, get(report))
}

/// Sources and gaps.
async fn report(State(desk): State<Desk>, uri: Uri) -> Result<Response, Refusal> {
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
