//! The copy of a session's bytes for the observer, and the check of the session's login.

use std::future::Future;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tracing::warn;

use super::backlog::Sender;
use crate::clock;
use crate::live::Sessions;
use crate::model::Side;
use crate::wire::{Gate, Verdict};

/// Where the copiers of all sessions tell of their bytes.
pub(super) struct Shared {
    pub(super) sessions: Sessions,
    pub(super) backlog: Sender,
    /// `record.on_full = "wait"`.
    pub(super) waits: bool,
}

/// Copies a session's bytes for the observer, and checks its login.
pub(super) struct Copier {
    id: u64,
    peer: SocketAddr,
    gate: Option<Gate>,
    shared: Rc<Shared>,
    /// Waits for room in the backlog.
    waiting: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Bytes passed since this was looked at.
    pub(super) has_passed: bool,
    /// The client is refused, with this answer.
    pub(super) refusal: Option<Option<Vec<u8>>>,
}

impl Copier {
    pub(super) fn new(id: u64, peer: SocketAddr, gate: Option<Gate>, shared: Rc<Shared>) -> Self {
        Copier { id, peer, gate, shared, waiting: None, has_passed: false, refusal: None }
    }

    /// These bytes come next from this side. `Break`: they are not to be passed on, and the session ends.
    pub(super) fn pass(&mut self, side: Side, bytes: &[u8]) -> ControlFlow<()> {
        self.has_passed = true;
        self.shared.sessions.passed(side, bytes.len() as u64);
        self.shared.backlog.pass(self.id, clock::now(), side, bytes);
        if side == Side::Client { self.judge(bytes) } else { ControlFlow::Continue(()) }
    }

    /// Bytes that had waited were written.
    pub(super) fn moved(&mut self) {
        self.has_passed = true;
    }

    /// Whether more may be read; otherwise the task is woken when it may.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.shared.waits || !self.shared.backlog.is_full() {
            self.waiting = None;
            return Poll::Ready(());
        }
        let shared = self.shared.clone();
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(async move { shared.backlog.room().await }));
        let ready = waiting.as_mut().poll(cx);
        if ready.is_ready() {
            self.waiting = None;
        }
        ready
    }

    fn judge(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        match self.gate.as_mut().map(|gate| gate.feed(bytes)) {
            None | Some(Verdict::Undecided) => ControlFlow::Continue(()),
            Some(Verdict::Pass) => {
                self.gate = None;
                ControlFlow::Continue(())
            }
            // The client's name is masked in its events; here it is not, and so it is left out.
            Some(Verdict::Refuse { answer, .. }) => {
                warn!(client = %self.peer, "guest was refused: it came from another machine (proxy.refuse_guest)");
                self.refusal = Some(answer);
                ControlFlow::Break(())
            }
        }
    }
}
