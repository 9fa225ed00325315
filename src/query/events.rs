//! One event by its number.

use crate::model::Seq;
use crate::model::api::EventView;

use super::error::Unreadable;
use super::handles::Handles;

/// The event of a number, and the numbers that the journal holds.
#[derive(Debug)]
pub struct Looked {
    /// The event with its body; `None`: the journal has no event of that number.
    pub event: Option<EventView>,
    /// The oldest event that is kept.
    pub first: Seq,
    /// The newest event; before `first` while there is none.
    pub last: Seq,
}

/// The event of that number.
///
/// # Errors
/// The journal cannot be read at that number.
pub fn event(handles: &Handles, seq: Seq) -> Result<Looked, Unreadable> {
    let reader = &handles.reader;
    let event = reader.event(seq)?.map(|event| EventView::full(&event));
    Ok(Looked { event, first: reader.first_seq(), last: reader.last_seq() })
}
