//! TLS towards Redis: rustls with ring.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fred::rustls::crypto::ring;
use fred::rustls::pki_types::pem::PemObject;
use fred::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use fred::rustls::{ClientConfig, RootCertStore};
use fred::rustls_native_certs::load_native_certs;
use fred::types::config::{TlsConfig, TlsHostMapping};

use super::config_error::ConfigError;

/// Where certificates are, each file as PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TlsFiles {
    /// Of those who may vouch for Redis. Without it, the system's: those that `SSL_CERT_FILE` or `SSL_CERT_DIR` name, if
    /// one is set.
    pub(super) authorities: Option<PathBuf>,
    /// To show to a Redis that asks its clients for one (`tls-auth-clients`).
    pub(super) certificate: Option<PathBuf>,
    /// To that one.
    pub(super) key: Option<PathBuf>,
}

impl TlsFiles {
    /// How the URL calls them.
    pub(super) const PARAMETERS: [&str; 3] = ["caFile", "certFile", "keyFile"];

    /// Each with the name that the URL has for it.
    pub(super) fn named(self) -> Vec<(&'static str, PathBuf)> {
        let files = [self.authorities, self.certificate, self.key];
        let named = Self::PARAMETERS.into_iter().zip(files);
        named
            .filter_map(|(name, file)| Some((name, file?)))
            .collect()
    }

    /// Reads them.
    pub(super) fn load(&self) -> Result<TlsConfig, ConfigError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(setup)?
            .with_root_certificates(self.roots()?);
        let config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(setup)?,
            _ => builder.with_no_client_auth(),
        };
        Ok(TlsConfig {
            connector: config.into(),
            // A Cluster names its nodes by address, certificates name them by the host of the URL.
            hostnames: TlsHostMapping::DefaultHost,
        })
    }

    fn roots(&self) -> Result<RootCertStore, ConfigError> {
        let mut roots = RootCertStore::empty();
        match &self.authorities {
            Some(file) => {
                let certificates = certificates(file)?;
                if certificates.is_empty() {
                    return Err(unreadable(file, &"it holds no certificate in PEM"));
                }
                for certificate in certificates {
                    roots.add(certificate).map_err(setup)?;
                }
            }
            None => {
                roots.add_parsable_certificates(load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            let nobody =
                "there is no certificate of anybody who may vouch for it (caFile, SSL_CERT_FILE)";
            return Err(ConfigError::Setup(nobody.into()));
        }
        Ok(roots)
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    certificates.map_err(|error| unreadable(file, &error))
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Setup(format!("{}: {error}", file.display()))
}

fn setup(error: impl std::fmt::Display) -> ConfigError {
    ConfigError::Setup(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_or_holds_nothing_is_named() {
        let missing = TlsFiles {
            authorities: Some("/nowhere/ca.pem".into()),
            ..TlsFiles::default()
        };
        let error = missing.load().expect_err("there is none").to_string();
        assert!(error.contains("/nowhere/ca.pem"), "{error}");
        let empty = TlsFiles {
            authorities: Some("/dev/null".into()),
            ..TlsFiles::default()
        };
        let error = empty
            .load()
            .expect_err("there is nothing in it")
            .to_string();
        assert!(
            error.contains("/dev/null: it holds no certificate"),
            "{error}"
        );
    }
}
