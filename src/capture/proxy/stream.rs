//! One of a session's two connections: plain or by TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

/// A connection to a client or to the broker.
pub(super) enum Stream {
    Plain(TcpStream),
    /// TLS in which the client began.
    FromClient(Box<server::TlsStream<TcpStream>>),
    /// TLS in which hoptrail began.
    ToBroker(Box<client::TlsStream<TcpStream>>),
}

impl Stream {
    /// Makes it end with a reset, as its peer's connection did. Bytes that the kernel still holds for it are then not
    /// sent.
    pub(super) fn end_with_reset(&self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => stream,
            Stream::FromClient(stream) => stream.get_ref().0,
            Stream::ToBroker(stream) => stream.get_ref().0,
        }
        .set_zero_linger()
    }
}

macro_rules! each {
    ($connection:expr, $stream:ident => $do:expr) => {
        match $connection.get_mut() {
            Stream::Plain($stream) => $do,
            Stream::FromClient($stream) => $do,
            Stream::ToBroker($stream) => $do,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
