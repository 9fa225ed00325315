//! One connection: HTTP/1 over a stream, closed when it is idle for too long or sends its head too slowly.
//!
//! hyper has one time limit for a request's head, which also runs while a kept connection is idle. Here the two limits
//! are apart: a [`Phase`] says whether the connection is idle, reads a head or answers. The phase is checked once a
//! second.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// The time between two checks of a connection's phase; limits hold to within this.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a request's head: the longest URL, and the cookies of a host name that many programs share.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The times of a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Limits {
    /// The time from the first byte of a request's head to its last.
    pub(in crate::serve) header_timeout: Duration,
    /// The time without a request, and the time for the client to take an answer.
    pub(in crate::serve) idle_timeout: Duration,
    /// The time for the running request once the server stops.
    pub(in crate::serve) grace: Duration,
}

/// Serves one connection to its end.
pub(in crate::serve) async fn drive<S>(stream: S, router: Router, limits: Limits, cancel: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let phase = Phase::default();
    let service = TowerToHyperService::new(router);
    let handler = {
        let phase = phase.clone();
        service_fn(move |request: Request<Incoming>| {
            phase.set(Doing::Answering);
            let (answer, phase) = (service.call(request), phase.clone());
            async move {
                let answer = answer.await;
                phase.set(Doing::Idle);
                answer
            }
        })
    };
    let io = TokioIo::new(Watched { stream, phase: phase.clone() });
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = pin!(builder.serve_connection(io, handler));
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = connection.as_mut() => return finished(ended),
            _ = look.tick() => {
                if phase.is_over(&limits) {
                    return tracing::debug!("an idle connection was closed");
                }
            }
            () = cancel.cancelled() => break,
        }
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => finished(ended),
        () = sleep(limits.grace) => tracing::warn!("a request was cut off: it did not finish in the grace time"),
    }
}

/// Clients go away and send nonsense all day. Only a line of debugging tells of it.
fn finished(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Idle,
    ReadingHead,
    Answering,
}

/// The activity of the connection, and when it began.
#[derive(Clone)]
struct Phase(Arc<Mutex<(Doing, Instant)>>);

impl Default for Phase {
    fn default() -> Self {
        Phase(Arc::new(Mutex::new((Doing::Idle, Instant::now()))))
    }
}

impl Phase {
    fn set(&self, doing: Doing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (doing, Instant::now());
    }

    /// Bytes came in: on an idle connection they begin a request.
    fn read(&self) {
        let mut phase = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if phase.0 == Doing::Idle {
            *phase = (Doing::ReadingHead, Instant::now());
        }
    }

    fn is_over(&self, limits: &Limits) -> bool {
        let (doing, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match doing {
            Doing::Idle => since.elapsed() >= limits.idle_timeout,
            Doing::ReadingHead => since.elapsed() >= limits.header_timeout,
            // The router has a limit of its own.
            Doing::Answering => false,
        }
    }
}

/// A stream that tells its phase when bytes come in.
struct Watched<S> {
    stream: S,
    phase: Phase,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.phase.read();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio_util::task::TaskTracker;

    const LIMITS: Limits = Limits {
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(60),
        grace: Duration::from_secs(5),
    };
    const REQUEST: &[u8] = b"GET /quick HTTP/1.1\r\nhost: h\r\n\r\n";

    /// A client's end of a connection that is being served.
    fn connect(cancel: &CancellationToken) -> DuplexStream {
        let (client, server) = duplex(64 * 1024);
        let slow = async || {
            sleep(Duration::from_secs(3)).await;
            "slow"
        };
        let stuck = std::future::pending::<&'static str>;
        let router = Router::new().route("/quick", get(async || "quick"));
        let router = router.route("/slow", get(slow)).route("/stuck", get(stuck));
        TaskTracker::new().spawn(drive(server, router, LIMITS, cancel.clone()));
        client
    }

    async fn answer(client: &mut DuplexStream) -> String {
        let mut bytes = vec![0; 4096];
        let len = client.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    /// Waits until the server closes the connection, and gives the seconds that this took.
    async fn seconds_until_closed(client: &mut DuplexStream) -> u64 {
        let begun = Instant::now();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_kept_between_requests_until_it_is_idle_for_too_long() {
        let mut client = connect(&CancellationToken::new());
        for _ in 0..3 {
            sleep(Duration::from_secs(45)).await;
            client.write_all(REQUEST).await.unwrap();
            assert!(answer(&mut client).await.ends_with("quick"));
        }
        assert!((59..=61).contains(&seconds_until_closed(&mut client).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_byte_by_byte_is_cut_off() {
        let mut client = connect(&CancellationToken::new());
        let (mut reader, mut writer) = tokio::io::split(&mut client);
        let begun = Instant::now();
        let drip = async {
            for byte in REQUEST {
                if writer.write_all(&[*byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        };
        let mut read = Vec::new();
        tokio::select! { () = drip => {}, _ = reader.read_to_end(&mut read) => {} }
        assert!((10..=12).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        assert!(read.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_a_running_request_finishes_and_an_idle_connection_closes() {
        let cancel = CancellationToken::new();
        let (mut busy, mut idle) = (connect(&cancel), connect(&cancel));
        busy.write_all(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        sleep(Duration::from_secs(1)).await;
        cancel.cancel();
        assert_eq!(seconds_until_closed(&mut idle).await, 0);
        assert!(answer(&mut busy).await.ends_with("slow"));
        assert_eq!(seconds_until_closed(&mut busy).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_end_a_request_that_does_not_finish_is_cut_off() {
        let cancel = CancellationToken::new();
        let mut client = connect(&cancel);
        client.write_all(b"GET /stuck HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        sleep(Duration::from_secs(1)).await;
        cancel.cancel();
        assert_eq!(seconds_until_closed(&mut client).await, 5);
    }
}
