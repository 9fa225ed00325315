//! The accept loop: takes connections within a bound, and lets running requests finish at the end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config;

use super::connection::{Limits, drive};

/// The pause after a failed accept. Most failures are for want of file descriptors, and some may be closed meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// The time for running requests to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves `router` on `listener` until `cancel`. Connections run on `tracker`; each ends at the latest a grace time
/// after `cancel`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: &config::Serve,
    cancel: CancellationToken,
    tracker: &TaskTracker,
) {
    let places = Arc::new(Semaphore::new(config.connections_max));
    let limits = Limits { header_timeout: config.header_timeout, idle_timeout: config.idle_timeout, grace: GRACE };
    while let Some((stream, place)) = next(&listener, &places, &cancel).await {
        let (router, cancel) = (router.clone(), cancel.clone());
        tracker.spawn(async move {
            drive(stream, router, limits, cancel).await;
            drop(place);
        });
    }
}

/// The next connection with its place, or `None` at the end. Without a free place no connection is accepted: further
/// clients wait in the listen backlog.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    cancel: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accept = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    cancel.run_until_cancelled(accept).await?
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn connections_beyond_the_bound_wait_and_all_end_at_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = config::Serve {
            listen: address,
            connections_max: 1,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
        };
        let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
        let router = Router::new().route("/", get(async || "hello"));
        let server = {
            let (cancel, connections) = (cancel.clone(), tracker.clone());
            tracker.spawn(async move { serve(listener, router, &config, cancel, &connections).await })
        };
        let mut first = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        let waiting = async {
            let answer = ask(&mut second).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        };
        let leading = async {
            let answer = ask(&mut first).await;
            assert!(answer.ends_with("hello"), "{answer}");
        };
        // The second client is answered only once the first has given its place back.
        tokio::join!(waiting, leading);
        let _third = TcpStream::connect(address).await.unwrap();
        cancel.cancel();
        server.await.unwrap();
        tracker.close();
        tokio::time::timeout(Duration::from_secs(10), tracker.wait()).await.expect("connections end");
    }
}
