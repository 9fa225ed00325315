//! The relay's thread: takes clients, brings each to the broker, and lets them end.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::backlog::{BATCH_LINGER, Sender, What};
use super::connect::connect;
use super::copier::{Copier, Shared};
use super::relay::READ_BYTES;
use super::session::Session;
use super::tls::Tls;
use crate::clock;
use crate::config::{self, Config};
use crate::live::{Refused, Sessions};
use crate::model::{Party, Str};
use crate::wire::{End, Gate};

/// After a failed accept, mostly for want of file descriptors: time for some to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// RabbitMQ lets this user in from loopback only (`loopback_users`).
const GUEST: &str = "guest";

/// The state that all sessions of the relay share.
pub(super) struct Relay {
    config: Arc<Config>,
    tls: Tls,
    shared: Rc<Shared>,
    /// The bytes read from a session, until they are written on.
    buffer: RefCell<Box<[u8]>>,
    /// Cuts the sessions that are not over by the end of the drain.
    cut: CancellationToken,
    next_id: Cell<u64>,
}

impl Relay {
    pub(super) fn new(config: Arc<Config>, tls: Tls, sessions: Sessions, backlog: Sender, waits: bool) -> Self {
        Relay {
            config,
            tls,
            shared: Rc::new(Shared { sessions, backlog, waits }),
            buffer: RefCell::new(vec![0; READ_BYTES].into()),
            cut: CancellationToken::new(),
            next_id: Cell::new(1),
        }
    }

    fn settings(&self) -> &config::Proxy {
        &self.config.proxy
    }

    /// Serves until `cancel`, then until the sessions have ended or the drain is over. Must run in a `LocalSet`.
    ///
    /// # Errors
    /// The socket cannot be waited for.
    pub(super) async fn serve(self, listener: std::net::TcpListener, cancel: CancellationToken) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        let relay = Rc::new(self);
        let running = TaskTracker::new();
        let serving = async {
            cancel.run_until_cancelled(relay.accept(&listener, &running)).await;
            // From now on the kernel refuses clients.
            drop(listener);
            relay.drain(&running).await;
        };
        tokio::select! {
            () = serving => {}
            () = relay.keep_flushing() => {}
        }
        Ok(())
    }

    async fn accept(self: &Rc<Self>, listener: &TcpListener, running: &TaskTracker) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) if running.len() < self.settings().sessions_max => {
                    running.spawn_local(self.clone().session(stream, peer));
                }
                Ok((_, peer)) => {
                    self.shared.sessions.refused(Refused::TooMany);
                    debug!(client = %peer, "refused: proxy.sessions_max is reached");
                }
                Err(error) => {
                    warn!(%error, "a client could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Lets the sessions end by themselves for a while; then ends them.
    async fn drain(&self, running: &TaskTracker) {
        let drain = self.settings().drain;
        if !running.is_empty() {
            info!(
                sessions = running.len(),
                seconds = drain.as_secs_f64(),
                "the proxy takes no more clients and drains"
            );
        }
        running.close();
        if tokio::time::timeout(drain, running.wait()).await.is_err() {
            self.cut.cancel();
            running.wait().await;
        }
    }

    /// Hands batches over that do not fill up, for ever. The last one goes when the backlog is closed.
    async fn keep_flushing(&self) {
        loop {
            self.shared.backlog.begun.notified().await;
            tokio::time::sleep(BATCH_LINGER).await;
            self.shared.backlog.flush();
        }
    }

    async fn session(self: Rc<Self>, stream: TcpStream, peer: SocketAddr) {
        if let Err(why) = self.clone().bring(stream, peer).await {
            self.shared.sessions.refused(why);
        }
    }

    /// One client, from its connection to its end. `Err`: it did not come as far as the broker.
    async fn bring(self: Rc<Self>, stream: TcpStream, peer: SocketAddr) -> Result<(), Refused> {
        let refused = |error: &dyn std::fmt::Display, why: Refused| {
            warn!(client = %peer, reason = why.name(), %error, "a client was not let through");
            why
        };
        let local = stream.local_addr().map_err(|error| refused(&error, Refused::ClientGone))?;
        stream.set_nodelay(true).map_err(|error| refused(&error, Refused::ClientGone))?;
        let opening = async {
            let client = self.tls.accept(stream).await.map_err(|error| refused(&error, Refused::Tls))?;
            let connected = connect(self.settings(), &self.tls, (peer, local)).await;
            connected.map(|broker| (client, broker)).map_err(|error| refused(&error, error.refused()))
        };
        let Some(opened) = self.cut.run_until_cancelled(opening).await else { return Err(Refused::Draining) };
        let (client, (broker, ends)) = opened?;
        let id = self.next_id.replace(self.next_id.get() + 1);
        let name = Str::from(format!("{peer} -> {local}"));
        let now = clock::now();
        let is_tls = self.tls.from_clients.is_some();
        self.shared.sessions.opened(id, peer.to_string(), name.clone(), is_tls, now);
        if let Some((from, to)) = ends {
            self.shared.sessions.connected(id, format!("{from} -> {to}"));
        }
        self.shared.backlog.tell(id, now, What::Opened(name.clone()));
        let refuses_guest = self.settings().refuse_guest && !peer.ip().to_canonical().is_loopback();
        let gate = refuses_guest.then(|| Gate::refusing(GUEST));
        let mut session = Session::new(client, broker, Copier::new(id, peer, gate, self.shared.clone()));
        let end = self.cut.run_until_cancelled(poll_fn(|cx| session.poll(cx, &self.buffer))).await;
        let end = match end {
            Some(end) => end,
            None => {
                warn!(session = %name, "cut: it had not ended when proxy.drain was over");
                End { by: Party::Hoptrail, text: "hoptrail stopped, and the session had not ended in time".into() }
            }
        };
        let was_refused = session.refuse().await;
        self.shared.backlog.tell(id, clock::now(), What::Ended(Box::new(end)));
        if was_refused { Err(Refused::Guest) } else { Ok(()) }
    }
}
