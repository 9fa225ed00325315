//! Coverage: the virtual hosts that each source observes, and the gaps.

use crate::journal::{Order, Term};
use crate::model::api::{CoverageReport, GapView};
use crate::model::{Kind, Timestamp};

use super::damage::{Answer, Damage};
use super::error::Unreadable;
use super::handles::Handles;
use super::period::Period;

/// Gaps in the answer. Older gaps are found with `/events?kind=gap`.
const GAPS_MAX: usize = 100;

/// All sources, and the newest gaps.
///
/// # Errors
/// Too much of the journal cannot be read.
pub fn coverage(handles: &Handles, now: Timestamp) -> Result<Answer<CoverageReport>, Unreadable> {
    let reader = &handles.reader;
    let range = Period::default().seqs(reader)?;
    let (mut gaps, mut left_out) = (Vec::new(), Damage::default());
    for event in reader.find(&Term::Kind(Kind::Gap), range, Order::Descending).take(GAPS_MAX) {
        match event {
            Ok(event) => gaps.extend(GapView::of(&event)),
            Err(error) => left_out.note(error)?,
        }
    }
    let report = CoverageReport {
        at: now,
        sources: handles.live.sources.report(),
        gaps,
        first_seq: reader.first_seq().0,
        last_seq: reader.last_seq().0,
    };
    Ok(Answer { view: report, left_out })
}
