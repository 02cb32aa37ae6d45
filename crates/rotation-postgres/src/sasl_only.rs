//! For connections without TLS: lets no server ask for a password but by SCRAM, of which whoever listens
//! learns nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The code of AuthenticationSASL in the message of type `R`.
const SASL: [u8; 4] = 10_u32.to_be_bytes();

/// A stream that reads on only if the server's first word on authentication is SASL.
#[derive(Debug)]
pub(crate) struct SaslOnly<S> {
    stream: S,
    /// What was read and is not passed on yet.
    held: Vec<u8>,
    decided: bool,
}

impl<S> SaslOnly<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            held: Vec::new(),
            decided: false,
        }
    }
}

/// What the server asks for must not be told without TLS.
#[derive(Debug, thiserror::Error)]
#[error("the server asks for the password in another way than SCRAM, which takes TLS")]
pub(crate) struct NotSasl;

/// How many bytes have to be there to go on, of a message that begins so; `None` if what is there may pass.
/// An error is a server that must not hear a password.
fn needed(held: &[u8]) -> io::Result<Option<usize>> {
    let [kind, length @ ..] = held else {
        return Ok(Some(5));
    };
    let Some((length, rest)) = length.split_first_chunk() else {
        return Ok(Some(5));
    };
    let whole = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    match (kind, rest.first_chunk::<4>()) {
        (b'R', None) => Ok(Some(9)),
        (b'R', Some(code)) if *code == SASL => Ok(None),
        (b'R', Some(_)) => Err(io::Error::new(io::ErrorKind::InvalidData, NotSasl)),
        // An error ends the login; a notice or the like comes before the word on authentication.
        (b'E', _) => Ok(None),
        _ => {
            let end = whole.saturating_add(1);
            match held.get(end..) {
                Some(next) => Ok(needed(next)?.map(|more| end.saturating_add(more))),
                None if end > 64 * 1024 => Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the server does not speak PostgreSQL's protocol",
                )),
                None => Ok(Some(end)),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SaslOnly<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.decided {
            let Some(needed) = needed(&this.held)? else {
                this.decided = true;
                break;
            };
            let mut bytes = [0; 1024];
            let room = needed.saturating_sub(this.held.len()).min(bytes.len());
            let mut into = ReadBuf::new(bytes.get_mut(..room).unwrap_or_default());
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut into))?;
            if into.filled().is_empty() {
                // The end: whatever it was, the driver says so.
                this.decided = true;
            }
            this.held.extend_from_slice(into.filled());
        }
        if this.held.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let count = this.held.len().min(buf.remaining());
        let rest = this.held.split_off(count);
        buf.put_slice(&this.held);
        this.held = rest;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SaslOnly<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    #[test]
    fn only_sasl_may_be_asked_for() {
        let sasl = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
        let notice = message(b'N', b"SNOTICE\0\0");
        assert_eq!(needed(&[]).unwrap(), Some(5));
        assert_eq!(needed(&sasl[..5]).unwrap(), Some(9));
        assert_eq!(needed(&sasl).unwrap(), None);
        assert_eq!(needed(&[notice.clone(), sasl].concat()).unwrap(), None);
        assert_eq!(needed(&notice).unwrap(), Some(notice.len() + 5));
        assert_eq!(needed(&message(b'E', b"SFATAL\0\0")).unwrap(), None);
        for code in [0_u32, 3, 5, 7, 11, 12] {
            let other = message(b'R', &code.to_be_bytes());
            assert!(needed(&other).is_err(), "{code}");
            assert!(needed(&[notice.clone(), other].concat()).is_err(), "{code}");
        }
        assert!(needed(b"HTTP/1.1 400 Bad Request").is_err());
    }
}
