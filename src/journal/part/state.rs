//! The changing state of a partition: its span, and the index over it.

use std::sync::Arc;

use crate::journal::index::{Recent, Run};
use crate::model::Event;

use super::span::Span;

/// What changes.
#[derive(Default)]
pub(super) struct State {
    pub(super) span: Option<Span>,
    pub(super) runs: Vec<Arc<Run>>,
    /// Full lists, oldest first, that wait to be written.
    pub(super) frozen: Vec<Arc<Recent>>,
    pub(super) recent: Recent,
}

impl State {
    pub(super) fn cover(&mut self, events: &[Event]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let span = Span { first: first.seq, last: last.seq, first_at: first.at, last_at: last.at };
        let span = self.span.map_or(span, |known| Span { last: span.last, last_at: span.last_at, ..known });
        self.span = Some(span);
    }

    pub(super) fn freeze(&mut self) {
        if self.recent.base().is_some() {
            self.frozen.push(Arc::new(std::mem::take(&mut self.recent)));
        }
    }
}
