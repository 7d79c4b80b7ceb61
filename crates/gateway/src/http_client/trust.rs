//! Which certificates a client trusts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use http::Uri;
use reqwest::{Certificate, ClientBuilder, blocking};

/// Who must have signed the certificate of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trust<'a> {
    /// Nobody: the client asks `http://` only. It does not read the system's certificates, so it works on a machine
    /// without any.
    PlainHttp,
    /// An authority that the system knows (if `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, one that is in there), or one
    /// in this file.
    Authorities { ca_file: Option<&'a Path> },
}

/// The certificates of authorities are not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotTrust {
    #[error("cannot read the certificates of {}; name a file that is there", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("{} holds no certificate of an authority in PEM", .0.display())]
    NoCertificate(PathBuf),
    #[error(
        "no certificates to trust: install the system's (ca-certificates), or name a file of them"
    )]
    System(#[source] reqwest::Error),
}

impl<'a> Trust<'a> {
    /// What a question to `url` needs.
    pub(crate) fn for_url(url: &Uri, ca_file: Option<&'a Path>) -> Self {
        match url.scheme_str() {
            Some("https") => Self::Authorities { ca_file },
            _ => Self::PlainHttp,
        }
    }

    pub(crate) fn apply<B: Builder>(self, builder: B) -> Result<B, CannotTrust> {
        Ok(match self {
            Self::PlainHttp => builder.trust_nobody(),
            Self::Authorities { ca_file: None } => builder,
            Self::Authorities {
                ca_file: Some(file),
            } => builder.trust_also(certificates(file)?),
        })
    }
}

/// What a client is built with: the asynchronous one, and the blocking one.
pub(crate) trait Builder: Sized {
    fn trust_nobody(self) -> Self;
    fn trust_also(self, authorities: Vec<Certificate>) -> Self;
}

impl Builder for ClientBuilder {
    fn trust_nobody(self) -> Self {
        self.tls_certs_only([])
    }

    fn trust_also(self, authorities: Vec<Certificate>) -> Self {
        self.tls_certs_merge(authorities)
    }
}

impl Builder for blocking::ClientBuilder {
    fn trust_nobody(self) -> Self {
        self.tls_certs_only([])
    }

    fn trust_also(self, authorities: Vec<Certificate>) -> Self {
        self.tls_certs_merge(authorities)
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, CannotTrust> {
    let pem = fs::read(file).map_err(|error| CannotTrust::Unreadable(file.into(), error))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(CannotTrust::NoCertificate(file.into())),
    }
}
