//! One session's bytes, both ways at once.
//!
//! Bytes read from one side are written to the other before more is read, so that a slow reader slows its peer down.
//! Only bytes that the writer did not take are kept. The end of one side's bytes ends only the other's reading, as in
//! TCP itself.

use crate::model::Side;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::copier::Copier;
use super::stream::Stream;

/// Bytes read at a time: as many as the kernel has at hand on loopback. A session keeps at most twice as many for slow
/// readers.
pub(super) const READ_BYTES: usize = 64 << 10;
/// Reads of one side before the others have their turn.
const READS_AT_ONCE: usize = 16;

/// How a side's bytes came to their end.
#[derive(Debug)]
pub(super) enum Ended {
    /// Orderly.
    Eof,
    /// Its connection broke, or the other's did: nothing can be passed on.
    Broken { whose: Side, error: io::Error },
    /// [`Copier::pass`] wanted it so.
    Refused,
}

/// One direction.
pub(super) struct Half {
    from: Side,
    /// Read and not written yet: `leftover[written..]`.
    leftover: Vec<u8>,
    written: usize,
    /// Everything is read.
    eof: bool,
    /// Bytes may lie in the writer, which has to be told.
    unflushed: bool,
}

impl Half {
    pub(super) fn new(from: Side) -> Self {
        Half { from, leftover: Vec::new(), written: 0, eof: false, unflushed: false }
    }

    /// Passes on bytes as far as both sides allow now. Ready when all of them have been passed on, and the end, too.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut Stream,
        writer: &mut Stream,
        buffer: &mut [u8],
        copier: &mut Copier,
    ) -> Poll<Ended> {
        let to = self.from.other();
        for _ in 0..READS_AT_ONCE {
            let before = self.written;
            let left = self.poll_write_leftover(cx, writer);
            if self.written != before {
                copier.moved();
            }
            if let Err(error) = ready!(left) {
                return Poll::Ready(Ended::Broken { whose: to, error });
            }
            if self.eof {
                let shut = ready!(Pin::new(&mut *writer).poll_shutdown(cx));
                return Poll::Ready(match shut {
                    // The other side may have gone altogether by now, which it is free to do.
                    Ok(()) | Err(_) => Ended::Eof,
                });
            }
            if copier.poll_ready(cx).is_pending() {
                return self.poll_flush(cx, writer, to);
            }
            let mut read = ReadBuf::new(buffer);
            match Pin::new(&mut *reader).poll_read(cx, &mut read) {
                Poll::Pending => return self.poll_flush(cx, writer, to),
                // A peer that ends TLS without a word has ended all the same.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => self.eof = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Ended::Broken { whose: self.from, error }),
                Poll::Ready(Ok(())) if read.filled().is_empty() => self.eof = true,
                Poll::Ready(Ok(())) => {
                    let bytes = read.filled();
                    if copier.pass(self.from, bytes).is_break() {
                        return Poll::Ready(Ended::Refused);
                    }
                    self.unflushed = true;
                    let written = match Pin::new(&mut *writer).poll_write(cx, bytes) {
                        Poll::Ready(Ok(written)) => written,
                        Poll::Ready(Err(error)) => return Poll::Ready(Ended::Broken { whose: to, error }),
                        Poll::Pending => 0,
                    };
                    self.leftover.extend_from_slice(bytes.get(written..).unwrap_or_default());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write_leftover(&mut self, cx: &mut Context<'_>, writer: &mut Stream) -> Poll<io::Result<()>> {
        while let Some(rest) = self.leftover.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *writer).poll_write(cx, rest)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => self.written += written,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if self.written > 0 {
            // Sessions are many, and few have something left over.
            (self.leftover, self.written) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }

    /// Nothing can be read now: the writer sends the bytes that it keeps back.
    fn poll_flush(&mut self, cx: &mut Context<'_>, writer: &mut Stream, to: Side) -> Poll<Ended> {
        if self.unflushed {
            match Pin::new(writer).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Ended::Broken { whose: to, error }),
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }
}
