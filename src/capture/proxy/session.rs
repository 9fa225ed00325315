//! One session: both its directions, and how it ends.

use std::cell::RefCell;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Sleep, sleep, timeout};

use super::copier::Copier;
use super::relay::{Ended, Half};
use super::stream::Stream;
use crate::model::{Party, Side, Str};
use crate::wire::End;

/// When one side has ended, the other may stay silent so long: both close at once in AMQP, and a client whose machine is
/// gone never does.
const HALF_CLOSED: Duration = Duration::from_secs(60);
/// A refused client may read its answer this long.
const FAREWELL: Duration = Duration::from_secs(2);

/// Both legs of a session.
pub(super) struct Session {
    client: Stream,
    broker: Stream,
    up: Half,
    down: Half,
    up_ended: bool,
    down_ended: bool,
    half_closed: Option<Pin<Box<Sleep>>>,
    /// How the first of the two directions ended.
    end: Option<End>,
    copier: Copier,
}

impl Session {
    pub(super) fn new(client: Stream, broker: Stream, copier: Copier) -> Self {
        Session {
            client,
            broker,
            up: Half::new(Side::Client),
            down: Half::new(Side::Broker),
            up_ended: false,
            down_ended: false,
            half_closed: None,
            end: None,
            copier,
        }
    }

    /// Passes on bytes as far as both sides allow. Ready when the session is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, buffer: &RefCell<Box<[u8]>>) -> Poll<End> {
        let buffer = &mut **buffer.borrow_mut();
        if !self.up_ended
            && let Poll::Ready(ended) = self.up.poll(cx, &mut self.client, &mut self.broker, buffer, &mut self.copier)
        {
            self.up_ended = true;
            self.note(Side::Client, ended);
        }
        if !self.down_ended
            && let Poll::Ready(ended) = self.down.poll(cx, &mut self.broker, &mut self.client, buffer, &mut self.copier)
        {
            self.down_ended = true;
            self.note(Side::Broker, ended);
        }
        if self.up_ended != self.down_ended {
            if std::mem::take(&mut self.copier.has_passed) {
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
            Ended::Eof => (from.into(), Str::from(format!("the {} closed its connection", from.name()))),
            Ended::Broken { whose, error } => {
                // RabbitMQ ends connections so, and clients tell it from an orderly end. A client's reset is not passed
                // on: bytes that it sent before still go to the broker.
                if whose == Side::Broker && error.kind() == io::ErrorKind::ConnectionReset {
                    self.client.end_with_reset().ok();
                }
                if whose == from {
                    (self.up_ended, self.down_ended) = (true, true);
                }
                (whose.into(), format!("the connection of the {} broke: {error}", whose.name()).into())
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
        let Some(refusal) = self.copier.refusal.take() else { return false };
        let client = &mut self.client;
        let farewell = async {
            if let Some(answer) = refusal {
                client.write_all(&answer).await?;
            }
            client.shutdown().await?;
            // Until it has read the answer: bytes that it sends meanwhile must not reset the connection.
            while client.read(&mut [0; 512]).await? > 0 {}
            io::Result::Ok(())
        };
        // It may go without reading it.
        drop(timeout(FAREWELL, farewell).await);
        true
    }
}
