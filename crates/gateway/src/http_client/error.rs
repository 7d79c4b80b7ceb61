//! Why there is no answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::Uri;

/// A question without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {url}: {cause}")]
pub(crate) struct HttpError {
    pub(crate) url: Uri,
    pub(crate) cause: Cause,
}

/// What was in the way, and what to do about it.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Cause {
    #[error("only http:// and https:// are understood here")]
    Scheme,
    #[error("{0}; check that it runs, and that host and port are the right ones")]
    Connect(String),
    #[error("{0}; {advice}", advice = advice(.0))]
    Tls(rustls::Error),
    #[error("the URL or the token cannot be sent in a request")]
    Unsendable,
    #[error("that is not HTTP")]
    NotHttp,
    #[error("the connection ended before the answer did")]
    Cut,
    #[error("nothing came within {} s", .0.as_secs_f32())]
    TooLate(Duration),
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
}

impl Cause {
    pub(crate) fn of(error: &reqwest::Error, total: Duration) -> Self {
        if error.is_timeout() {
            return Self::TooLate(total);
        }
        if let Some(tls) = causes(error).find_map(tls) {
            return Self::Tls(tls.clone());
        }
        if error.is_connect() {
            let last = causes(error).last();
            return Self::Connect(last.map_or_else(String::new, ToString::to_string));
        }
        if error.is_builder() {
            return Self::Unsendable;
        }
        let hyper = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
        match hyper {
            Some(error) if error.is_parse() => Self::NotHttp,
            _ => Self::Cut,
        }
    }
}

/// The error and what is behind it.
fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&error| error.source())
}

/// An I/O error holds what rustls says, maybe inside another I/O error, and does not name it as its `source`.
fn tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
    inner.downcast_ref().or_else(|| tls(inner))
}

fn advice(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "name the certificate of its authority: --ca-file, or SSL_CERT_FILE"
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "use a name that its certificate has"
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "renew its certificate, or set the clock"
        }
        rustls::Error::InvalidMessage(_) => "where it speaks no TLS, use http://",
        _ => "check its certificate and its TLS versions",
    }
}
