//! One session: both its directions, what is copied of them, and how it ends.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Sleep, sleep, timeout};
use tracing::warn;

use super::leg::Leg;
use super::listen::Relay;
use super::relay::{Ended, Half, Watch};
use crate::clock;
use crate::live::Direction;
use crate::model::{Party, Str};
use crate::wire::{End, Gate, Side, Verdict};

/// When one side has ended, the other may stay silent so long: both close at once in AMQP, and a client whose machine is
/// gone never does.
const HALF_CLOSED: Duration = Duration::from_secs(60);
/// A refused client may read its answer this long.
const FAREWELL: Duration = Duration::from_secs(2);

/// Both legs of a session.
pub(super) struct Session {
    client: Leg,
    broker: Leg,
    up: Half,
    down: Half,
    up_ended: bool,
    down_ended: bool,
    half_closed: Option<Pin<Box<Sleep>>>,
    /// What ended first.
    end: Option<End>,
    tap: Tap,
}

impl Session {
    pub(super) fn new(client: Leg, broker: Leg, tap: Tap) -> Self {
        Session {
            client,
            broker,
            up: Half::new(Side::Client),
            down: Half::new(Side::Broker),
            up_ended: false,
            down_ended: false,
            half_closed: None,
            end: None,
            tap,
        }
    }

    /// Passes on what can be; ready when the session is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, buffer: &RefCell<Box<[u8]>>) -> Poll<End> {
        let buffer = &mut **buffer.borrow_mut();
        if !self.up_ended
            && let Poll::Ready(ended) = self.up.poll(cx, &mut self.client, &mut self.broker, buffer, &mut self.tap)
        {
            self.up_ended = true;
            self.note(Side::Client, ended);
        }
        if !self.down_ended
            && let Poll::Ready(ended) = self.down.poll(cx, &mut self.broker, &mut self.client, buffer, &mut self.tap)
        {
            self.down_ended = true;
            self.note(Side::Broker, ended);
        }
        if self.up_ended != self.down_ended {
            if std::mem::take(&mut self.tap.has_passed) {
                self.half_closed = None;
            }
            let patience = self.half_closed.get_or_insert_with(|| Box::pin(sleep(HALF_CLOSED)));
            if patience.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        } else if !self.up_ended {
            return Poll::Pending;
        }
        let over = || End { by: Party::Hoptrail, text: "both sides were gone".into() };
        Poll::Ready(self.end.take().unwrap_or_else(over))
    }

    /// One direction has ended. Where a connection broke on being read, its other direction is gone with it.
    fn note(&mut self, from: Side, ended: Ended) {
        let (by, text) = match ended {
            Ended::Eof => (from.party(), Str::from(format!("the {} closed its connection", from.name()))),
            Ended::Broken { whose, error } => {
                // RabbitMQ ends connections so, and clients tell it from an orderly end. Not the other way: what a client
                // sent before its reset still goes to the broker.
                if whose == Side::Broker && error.kind() == io::ErrorKind::ConnectionReset {
                    self.client.end_with_reset().ok();
                }
                if whose == from {
                    (self.up_ended, self.down_ended) = (true, true);
                }
                (whose.party(), format!("the connection of the {} broke: {error}", whose.name()).into())
            }
            Ended::Refused => {
                (self.up_ended, self.down_ended) = (true, true);
                (Party::Hoptrail, "the user may connect from the broker's machine only (proxy.refuse_guest)".into())
            }
        };
        self.end.get_or_insert(End { by, text });
    }

    /// Answers a client that was refused; whether it was.
    pub(super) async fn refuse(mut self) -> bool {
        let Some(refusal) = self.tap.refusal.take() else { return false };
        let client = &mut self.client;
        let farewell = async {
            if let Some(answer) = refusal {
                client.write_all(&answer).await?;
            }
            client.shutdown().await?;
            // Until it has read that: what it sends on meanwhile must not reset the connection.
            while client.read(&mut [0; 512]).await? > 0 {}
            io::Result::Ok(())
        };
        // It may go without reading it.
        drop(timeout(FAREWELL, farewell).await);
        true
    }
}

/// What stands beside a session's bytes: copies them for the observer, and watches over its login.
pub(super) struct Tap {
    id: u64,
    peer: SocketAddr,
    gate: Option<Gate>,
    relay: Rc<Relay>,
    /// Waits for room in the backlog.
    waiting: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Bytes passed since this was looked at.
    has_passed: bool,
    /// The client is refused, with this answer.
    refusal: Option<Option<Vec<u8>>>,
}

impl Tap {
    pub(super) fn new(id: u64, peer: SocketAddr, gate: Option<Gate>, relay: Rc<Relay>) -> Self {
        Tap { id, peer, gate, relay, waiting: None, has_passed: false, refusal: None }
    }

    fn judge(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        match self.gate.as_mut().map(|gate| gate.feed(bytes)) {
            None | Some(Verdict::Undecided) => ControlFlow::Continue(()),
            Some(Verdict::Pass) => {
                self.gate = None;
                ControlFlow::Continue(())
            }
            // What the client calls itself is masked in its events; here it is not.
            Some(Verdict::Refuse { answer, .. }) => {
                warn!(client = %self.peer, "guest was refused: it came from another machine (proxy.refuse_guest)");
                self.refusal = Some(answer);
                ControlFlow::Break(())
            }
        }
    }
}

impl Watch for Tap {
    fn pass(&mut self, side: Side, bytes: &[u8]) -> ControlFlow<()> {
        let direction = if side == Side::Client { Direction::FromClient } else { Direction::FromBroker };
        self.has_passed = true;
        self.relay.sessions().passed(direction, bytes.len() as u64);
        self.relay.backlog.pass(self.id, clock::now(), side, bytes);
        if side == Side::Client { self.judge(bytes) } else { ControlFlow::Continue(()) }
    }

    fn moved(&mut self) {
        self.has_passed = true;
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.relay.waits || !self.relay.backlog.is_full() {
            self.waiting = None;
            return Poll::Ready(());
        }
        let relay = self.relay.clone();
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(async move { relay.backlog.room().await }));
        let ready = waiting.as_mut().poll(cx);
        if ready.is_ready() {
            self.waiting = None;
        }
        ready
    }
}
