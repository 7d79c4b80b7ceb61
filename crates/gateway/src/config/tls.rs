//! The certificate that clients see on `listen`.

mod certificate;
mod validity;

use std::path::PathBuf;

pub(crate) use self::certificate::{CertificateFiles, Contents, NoPair, Pair};

/// Keys `tls.*`: both are set, or none.
#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    /// The certificate and those between it and its authority, in PEM. Default unset: no TLS.
    pub cert_file: Option<PathBuf>,
    /// The private key of the first of them, in PEM. Default unset.
    pub key_file: Option<PathBuf>,
}

impl TlsConfig {
    /// Both files; `None`: `listen` speaks no TLS.
    pub(crate) fn files(&self) -> Option<CertificateFiles> {
        let (cert, key) = self.cert_file.clone().zip(self.key_file.clone())?;
        Some(CertificateFiles { cert, key })
    }
}
