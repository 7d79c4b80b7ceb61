//! What a connection begins with before HTTP: the header of PROXY protocol, then TLS, each where it is configured.
//!
//! Both must be there within one time, as the head of a request must be after them. Until then the connection is one of the
//! unfinished (`doors`) and is cut off like those.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use switchboard_cluster::Repeated;
use switchboard_proxy_protocol::{self as proxy_protocol, Malformed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::doors::{Passage, Visit};
use crate::metrics::{OpeningFailure, OpeningFailures};
use crate::source::Proxies;
use crate::tls::Tls;

/// Said to a client that speaks HTTP where TLS is spoken.
const SPEAK_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
    Content-Length: 45\r\n\r\nthis port speaks TLS: use https:// or wss://\n";

static UNTRUSTED: Repeated = Repeated::new();
static NO_HEADER: Repeated = Repeated::new();

/// What the connections of a listener begin with.
pub(crate) struct Preamble {
    /// Each begins with a header of PROXY protocol, and comes from one of these.
    pub(crate) proxies: Option<Arc<Proxies>>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) failures: OpeningFailures,
}

/// A connection on which HTTP comes next.
pub(super) enum Opened {
    Plain(Passage),
    Tls(Box<TlsStream<Passage>>),
}

/// Why HTTP does not come.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("it is not from a trusted proxy")]
    UntrustedProxy,
    #[error("no PROXY header: {0}")]
    ProxyHeader(#[from] Malformed),
    #[error("plain HTTP where TLS is spoken")]
    PlainHttp,
    #[error("no TLS: {0}")]
    Tls(io::Error),
    #[error("it took too long")]
    TooSlow,
    #[error("the client is gone: {0}")]
    Gone(#[from] io::Error),
}

impl Preamble {
    /// `None`: it has failed, and is counted.
    pub(super) async fn open(
        &self,
        passage: Passage,
        visit: &Arc<Visit>,
        within: Duration,
    ) -> Option<Opened> {
        let refused = match timeout(within, self.read(passage, visit)).await {
            Ok(Ok(opened)) => return Some(opened),
            Ok(Err(refused)) => refused,
            Err(_) => Refused::TooSlow,
        };
        tracing::debug!(%refused, "a connection ended before its first request");
        if let Some(failure) = refused.failure() {
            self.failures.count(failure, 1);
        }
        None
    }

    async fn read(&self, mut passage: Passage, visit: &Arc<Visit>) -> Result<Opened, Refused> {
        if let Some(proxies) = &self.proxies {
            if !proxies.trusts(visit.peer()) {
                if let Some(said) = UNTRUSTED.happened() {
                    tracing::warn!(
                        "a connection that comes from no proxy of `proxy.trusted` was closed: `proxy.protocol` is \
                         `required`{said}"
                    );
                }
                return Err(Refused::UntrustedProxy);
            }
            match proxy_header(&mut passage).await?.client {
                Some(client) => visit.came_for(client),
                None => visit.came_for_nobody(),
            }
        }
        let Some(tls) = &self.tls else {
            return Ok(Opened::Plain(passage));
        };
        let mut first = [0];
        if passage.peek(&mut first).await? == 0 {
            return Err(Refused::Gone(io::ErrorKind::UnexpectedEof.into()));
        }
        // Methods are written in capitals, and no record of TLS begins with one.
        if first[0].is_ascii_uppercase() {
            say(&mut passage, SPEAK_TLS).await;
            return Err(Refused::PlainHttp);
        }
        match tls.accept(passage).await {
            Ok(stream) => {
                visit.encrypted();
                Ok(Opened::Tls(Box::new(stream)))
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Refused::Tls(error)),
            Err(error) => Err(Refused::Gone(error)),
        }
    }
}

/// Takes the header off the stream, and nothing of what comes behind it.
async fn proxy_header(passage: &mut Passage) -> Result<proxy_protocol::Header, Refused> {
    let (mut bytes, mut len) = ([0; proxy_protocol::BYTES_MAX], 0);
    loop {
        let come = passage.peek(&mut bytes[len..]).await?;
        if come == 0 {
            return Err(Refused::Gone(io::ErrorKind::UnexpectedEof.into()));
        }
        let header = proxy_protocol::read(&bytes[..len + come]).inspect_err(|why| {
            if let Some(said) = NO_HEADER.happened() {
                tracing::warn!(
                    %why,
                    "a trusted proxy sends no PROXY header, or one that cannot be read: {why}; set it up to send one, or \
                     set `proxy.protocol` to `off`{said}"
                );
            }
        })?;
        let end = header.map_or(len + come, |header| header.len);
        passage.read_exact(&mut bytes[len..end]).await?;
        if let Some(header) = header {
            return Ok(header);
        }
        len = end;
    }
}

/// Says it as far as the client takes it, with what the client has said read: the connection would be reset otherwise, and
/// the words be lost.
async fn say(passage: &mut Passage, words: &[u8]) {
    let _ = passage.read(&mut [0; 4096]).await;
    let _ = passage.write_all(words).await;
    let _ = passage.shutdown().await;
}

impl Refused {
    /// As it is counted. A connection that is closed before it says anything, as some health checks do, is no failure.
    fn failure(&self) -> Option<OpeningFailure> {
        match self {
            Self::UntrustedProxy => Some(OpeningFailure::UntrustedProxy),
            Self::ProxyHeader(_) => Some(OpeningFailure::ProxyHeader),
            Self::PlainHttp => Some(OpeningFailure::PlainHttp),
            Self::Tls(_) => Some(OpeningFailure::Tls),
            Self::TooSlow => Some(OpeningFailure::TooSlow),
            Self::Gone(_) => None,
        }
    }
}
