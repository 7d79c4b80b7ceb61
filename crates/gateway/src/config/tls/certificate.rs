//! A certificate and its key, read from two files.

use std::path::PathBuf;
use std::time::SystemTime;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::validity::not_after;
use crate::config::readable;

/// Where a certificate with its chain, and its key, are.
#[derive(Debug, Clone)]
pub(crate) struct CertificateFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// What both files hold at one moment, or why they cannot be read.
pub(crate) struct Contents {
    files: CertificateFiles,
    cert: Result<Vec<u8>, String>,
    key: Result<Vec<u8>, String>,
}

/// A certificate with the key that belongs to it.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) certified: CertifiedKey,
    /// The end of the certificate itself, not of those above it.
    pub(crate) not_after: SystemTime,
}

/// Why two files are no pair, in words that name the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPair {
    #[error("{0}")]
    Certificate(String),
    #[error("{0}")]
    Key(String),
    #[error("the key in {key} is not that of the first certificate in {cert}")]
    Mismatch { cert: String, key: String },
}

impl CertificateFiles {
    /// Reads both. Blocks.
    pub(crate) fn read(&self) -> Contents {
        Contents {
            cert: readable::bytes(&self.cert),
            key: readable::bytes(&self.key),
            files: self.clone(),
        }
    }
}

impl Contents {
    /// Two with the same hash hold the same, or cannot be read for the same reason.
    pub(crate) fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for content in [&self.cert, &self.key] {
            let (kind, bytes) = match content {
                Ok(bytes) => (1, &bytes[..]),
                Err(why) => (0, why.as_bytes()),
            };
            hasher.update(&[kind]);
            hasher.update(blake3::hash(bytes).as_bytes());
        }
        hasher.finalize()
    }

    /// The pair that they hold.
    pub(crate) fn pair(self) -> Result<Pair, NoPair> {
        let (cert_file, key_file) = (
            self.files.cert.display().to_string(),
            self.files.key.display().to_string(),
        );
        let cert = self.cert.map_err(NoPair::Certificate)?;
        let key = self.key.map_err(NoPair::Key)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&cert).collect();
        let chain = match chain {
            Ok(chain) if !chain.is_empty() => chain,
            Ok(_) | Err(pem::Error::NoItemsFound) => {
                return Err(NoPair::Certificate(format!(
                    "{cert_file} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
                )));
            }
            Err(error) => {
                return Err(NoPair::Certificate(format!(
                    "{cert_file} is not PEM throughout: {error}"
                )));
            }
        };
        let no_certificate =
            |why: &str| NoPair::Certificate(format!("the first certificate in {cert_file} {why}"));
        let not_after =
            not_after(&chain[0]).ok_or_else(|| no_certificate("is no X.509 certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| {
            NoPair::Key(format!(
                "{key_file} holds no private key in PEM (PKCS#8, PKCS#1 or SEC1; one with a passphrase cannot be used)"
            ))
        })?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider());
        match certified {
            Ok(certified) => Ok(Pair {
                certified,
                not_after,
            }),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(NoPair::Mismatch {
                cert: cert_file,
                key: key_file,
            }),
            Err(Error::InvalidCertificate(why)) => {
                Err(no_certificate(&format!("cannot be used: {why:?}")))
            }
            Err(error) => Err(NoPair::Key(format!(
                "the key in {key_file} cannot be used: {error}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use switchboard_testkit::Certificates;

    use super::*;

    fn pair(cert: &str, key: &str) -> Result<Pair, NoPair> {
        let (cert, key) = (cert.into(), key.into());
        CertificateFiles { cert, key }.read().pair()
    }

    #[test]
    fn each_kind_of_key_file_is_read() {
        let certificates = Certificates::make();
        let (cert, pkcs8) = (
            certificates.path("server.pem"),
            certificates.path("server.key"),
        );
        let sec1 = certificates.path("server.sec1");
        certificates.openssl(&format!("ec -in {pkcs8} -out {sec1}"));
        let rsa = certificates.path("rsa.pem");
        let pkcs1 = certificates.path("rsa.key");
        certificates.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=rsa -keyout {pkcs1}.8 -out {rsa}"
        ));
        certificates.openssl(&format!("rsa -traditional -in {pkcs1}.8 -out {pkcs1}"));
        for (cert, key, begin) in [
            (&cert, &pkcs8, "-----BEGIN PRIVATE KEY"),
            (&cert, &sec1, "-----BEGIN EC PRIVATE KEY"),
            (&rsa, &pkcs1, "-----BEGIN RSA PRIVATE KEY"),
        ] {
            let text = fs::read_to_string(key).expect("a key");
            assert!(text.contains(begin), "{text}");
            pair(cert, key).expect(key);
        }
    }

    #[test]
    fn the_whole_chain_is_sent() {
        let certificates = Certificates::make();
        let chain = certificates.path("chain.pem");
        let files = ["server.pem", "ca.pem"].map(|file| certificates.path(file));
        let files = files.map(|file| fs::read(file).expect("a certificate"));
        fs::write(&chain, files.concat()).expect("a file");
        let pair = pair(&chain, &certificates.path("server.key")).expect("a pair");
        assert_eq!(pair.certified.cert.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_file() {
        let certificates = Certificates::make();
        let [cert, key, other] =
            ["server.pem", "server.key", "client.key"].map(|file| certificates.path(file));
        let file = |name: &str, text: &str| {
            let path = certificates.path(name);
            fs::write(&path, text).expect("a file");
            path
        };
        let broken = file(
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        );
        let cut = fs::read_to_string(&cert).expect("text")[..200].to_owned();
        let cut = file("cut.pem", &cut);
        let secret = certificates.path("secret.key");
        certificates.openssl(&format!(
            "pkcs8 -topk8 -in {key} -out {secret} -passout pass:x"
        ));
        let missing = certificates.path("missing");
        for (cert, key, words) in [
            (
                &cert,
                &other,
                format!("the key in {other} is not that of the first certificate in {cert}"),
            ),
            (&key, &key, format!("{key} holds no certificate in PEM")),
            (&cert, &cert, format!("{cert} holds no private key in PEM")),
            (
                &cert,
                &secret,
                format!("{secret} holds no private key in PEM"),
            ),
            (
                &broken,
                &key,
                format!("the first certificate in {broken} is no X.509 certificate"),
            ),
            (&cut, &key, format!("{cut} is not PEM throughout")),
            (&missing, &key, format!("there is no {missing}")),
            (&cert, &missing, format!("there is no {missing}")),
        ] {
            let told = pair(cert, key).expect_err("no pair").to_string();
            assert!(told.starts_with(&words), "{told}");
        }
    }

    #[test]
    fn contents_that_changed_have_another_hash() {
        let certificates = Certificates::make();
        let files = CertificateFiles {
            cert: certificates.path("server.pem").into(),
            key: certificates.path("server.key").into(),
        };
        let hash = files.read().hash();
        assert_eq!(files.read().hash(), hash);
        let (cert, key) = (fs::read(&files.cert), fs::read(&files.key));
        let (cert, key) = (cert.expect("a file"), key.expect("a file"));
        fs::write(&files.cert, &key).expect("a file");
        fs::write(&files.key, &cert).expect("a file");
        let swapped = files.read().hash();
        assert_ne!(swapped, hash);
        fs::remove_file(&files.key).expect("it is there");
        let missing = files.read().hash();
        assert!(![hash, swapped].contains(&missing));
        assert_eq!(files.read().hash(), missing);
    }
}
