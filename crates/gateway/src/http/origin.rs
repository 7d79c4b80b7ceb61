//! From which pages a browser may come (RFC 6454): pages of other sites can open WebSockets, so a gateway has to look.
//!
//! On loopback it also looks at `Host`: a site whose name leads to 127.0.0.1 all of a sudden (DNS rebinding) is of the
//! same origin for its browser, and only that name tells.

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use switchboard_cluster::Repeated;

use crate::config::{Config, Origin};

// Close reasons of WebSockets: 123 bytes at most.
const FOREIGN: &str =
    "pages of this origin may not connect here: list it in `origins` (ALLOWED_ORIGINS)";
const FILE: &str = "a page opened from a file (Origin: null) may not connect: serve it by `static_dir`, or list `*` in `origins`";
const FOREIGN_HOST: &str = "this node answers to names of loopback only, as localhost: list the page's origin in `origins`";

static REFUSED_HOST: Repeated = Repeated::new();

/// The rule for origins.
pub(crate) enum Origins {
    /// Any: `*` was said.
    Any,
    /// Page and node are on this machine: nothing was said, and the node listens on loopback.
    Loopback,
    /// The page must come from the address it connects to.
    Same,
    /// One of these.
    Listed(Vec<Origin>),
}

/// What a rule looks at in the head of a request.
#[derive(Clone, Copy)]
pub(crate) struct RequestHead<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) uri: &'a Uri,
    /// Over which schemes the client came, as a trusted proxy says, or this node's own TLS. Empty: unknown.
    pub(crate) schemes: &'a [String],
}

/// Why a page may not connect, in words for whoever made it.
pub(crate) type OriginRefusal = &'static str;

impl Origins {
    pub(crate) fn from_config(config: &Config) -> Self {
        match &config.origins[..] {
            [] if is_loopback(config.listen) => Self::Loopback,
            [] => Self::Same,
            listed if listed.iter().any(Origin::is_any) => Self::Any,
            listed => Self::Listed(listed.to_vec()),
        }
    }

    /// Whether a handshake may go on. Clients that are no browsers send no origin.
    pub(crate) fn check_handshake(&self, asked: RequestHead<'_>) -> Result<(), OriginRefusal> {
        if matches!(self, Self::Loopback) && !names_loopback(asked.headers, asked.uri) {
            return Err(FOREIGN_HOST);
        }
        let mut origins = asked.headers.get_all(header::ORIGIN).iter();
        origins.try_for_each(|origin| self.check(origin, asked))
    }

    /// Whether a page of `origin` may send this request and read the answer.
    pub(crate) fn check(
        &self,
        origin: &HeaderValue,
        asked: RequestHead<'_>,
    ) -> Result<(), OriginRefusal> {
        if matches!(self, Self::Any) {
            return Ok(());
        }
        if origin == "null" {
            return Err(FILE);
        }
        let page = origin.to_str().ok().and_then(Origin::of_page);
        let page = page.ok_or(FOREIGN)?;
        let may = match self {
            Self::Any => true,
            Self::Loopback => is_loopback_name(page.host()),
            Self::Listed(listed) => listed.contains(&page),
            Self::Same => is_same(&page, asked),
        };
        if may { Ok(()) } else { Err(FOREIGN) }
    }
}

/// Whether the page comes from the address that it asks. Default ports count as said. Where neither a trusted proxy
/// nor this node's own TLS tells the scheme, it is taken to be the page's own: TLS may end in front of this node.
fn is_same(page: &Origin, asked: RequestHead<'_>) -> bool {
    let scheme = page.scheme();
    let is_web = ["http", "https"].contains(&scheme);
    let fits = asked.schemes.is_empty() || asked.schemes.iter().any(|told| told == scheme);
    let mut hosts = hosts(asked.headers, asked.uri).peekable();
    is_web
        && fits
        && hosts.peek().is_some()
        && hosts.all(|host| {
            let asked = host.and_then(|host| Origin::of_page(&format!("{scheme}://{host}")));
            asked.as_ref() == Some(page)
        })
}

/// Whether a listener is to refuse names that are not those of loopback.
pub(crate) fn guards_names(config: &Config, listener: SocketAddr) -> bool {
    config.origins.is_empty() && is_loopback(listener)
}

/// Refuses requests for other names. Handshakes of WebSockets go on, and are refused in words that a page can read; a page
/// cannot make another request look like one.
pub(crate) async fn loopback_names_only(request: Request, next: Next) -> Response {
    let is_handshake = request.headers().contains_key(header::UPGRADE);
    if is_handshake || names_loopback(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    if let Some(said) = REFUSED_HOST.happened() {
        tracing::warn!(
            "a request for a name that is not this machine's was refused; behind a proxy, set `origins`{said}"
        );
    }
    (
        StatusCode::FORBIDDEN,
        format!("{FOREIGN_HOST} (ALLOWED_ORIGINS)\n"),
    )
        .into_response()
}

/// Whether every name that the request is for, if any, is one of loopback.
fn names_loopback(headers: &HeaderMap, uri: &Uri) -> bool {
    hosts(headers, uri).all(|host| {
        let asked = host.and_then(|host| Origin::of_page(&format!("http://{host}")));
        asked.is_some_and(|asked| is_loopback_name(asked.host()))
    })
}

/// The hosts that a request is for: one at most, unless somebody tries something. `None`: no text.
fn hosts<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> impl Iterator<Item = Option<&'a str>> {
    let lines = headers.get_all(header::HOST).iter();
    let in_target = uri.authority().map(|authority| Some(authority.as_str()));
    lines.map(|host| host.to_str().ok()).chain(in_target)
}

fn is_loopback(listener: SocketAddr) -> bool {
    listener.ip().to_canonical().is_loopback()
}

/// RFC 6761 section 6.3 keeps `localhost` and all below it for loopback.
fn is_loopback_name(host: &str) -> bool {
    if let Ok(v4) = host.parse::<Ipv4Addr>() {
        return v4.is_loopback();
    }
    if let Some(v6) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        let v6 = v6.parse::<Ipv6Addr>();
        return v6.is_ok_and(|v6| v6.to_canonical().is_loopback());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    name == "localhost" || name.ends_with(".localhost")
}
