//! TLS on `listen`: rustls on ring, TLS 1.2 and 1.3, and a certificate that is replaced while connections live on.
//!
//! The files are read every [`LOOK_EVERY`], and at once on SIGHUP, and their contents compared. Nothing watches them:
//! inotify does not see that Kubernetes has exchanged the folder that a mounted secret is a link into, and nothing over NFS.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::config::{CertificateFiles, Contents, Pair};
use crate::metrics::{CertificateMetrics, CertificateReload};

/// How often the files are read: certificates are renewed weeks before they end.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What a connection keeps of what its client does not take. rustls' own bound is four times as much.
const UNSENT_BYTES_MAX: usize = 16 * 1024;
/// Offered HTTP/2, browsers would take it for pages, and this server does not have it.
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// The certificate of a listener.
pub(crate) struct Tls {
    files: CertificateFiles,
    serving: Mutex<Serving>,
    metrics: CertificateMetrics,
}

struct Serving {
    acceptor: TlsAcceptor,
    /// When its certificate ends.
    not_after: SystemTime,
    /// Of what the files held when they were looked at last, whether it is served or not.
    seen: blake3::Hash,
}

impl Tls {
    /// Reads the certificate and its key for the first time.
    ///
    /// # Errors
    /// They are no pair.
    pub(crate) fn load(
        files: CertificateFiles,
        metrics: CertificateMetrics,
    ) -> anyhow::Result<Self> {
        let contents = files.read();
        let seen = contents.hash();
        let pair = contents.pair().context("tls.cert_file, tls.key_file")?;
        say_if_ended(&pair);
        let not_after = pair.not_after;
        metrics.ends(since_epoch(not_after));
        Ok(Self {
            files,
            serving: Mutex::new(Serving {
                acceptor: acceptor(pair),
                not_after,
                seen,
            }),
            metrics,
        })
    }

    /// Shakes hands with a client. How long that may take is the caller's business.
    ///
    /// # Errors
    /// The client is gone, speaks no TLS that is spoken here, or does not take the certificate.
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = self.serving.lock().acceptor.clone();
        let bound = |connection: &mut rustls::ServerConnection| {
            connection.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        };
        acceptor.accept_with(stream, bound).await
    }

    /// Serves what the files hold, from then on, whenever it has changed, until told to stop.
    pub(crate) async fn keep_fresh(
        self: Arc<Self>,
        mut hang_ups: HangUps,
        every: Duration,
        stop: CancellationToken,
    ) {
        loop {
            let is_asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hang_ups.0.recv() => true,
                () = sleep(every) => false,
            };
            let files = self.files.clone();
            // A file may lie on a disk that does not answer.
            if let Ok(contents) = spawn_blocking(move || files.read()).await {
                self.take(contents, is_asked);
            }
        }
    }

    /// Looked at by itself, what has not changed is not worth a line, and so a pair that cannot be used is told of once.
    fn take(&self, contents: Contents, is_asked: bool) {
        let hash = contents.hash();
        let is_known = std::mem::replace(&mut self.serving.lock().seen, hash) == hash;
        if is_known && !is_asked {
            return;
        }
        let pair = contents.pair().map_err(|why| why.to_string());
        let pair = pair.and_then(|pair| self.unless_it_has_ended(pair));
        self.metrics.refused(pair.is_err());
        match pair {
            Ok(_) if is_known => {
                tracing::info!("the certificate is read again and has not changed");
            }
            Ok(pair) => {
                let ends = pair.not_after;
                say_if_ended(&pair);
                let not_after = humantime::format_rfc3339_seconds(ends).to_string();
                let mut serving = self.serving.lock();
                (serving.acceptor, serving.not_after) = (acceptor(pair), ends);
                drop(serving);
                self.metrics.ends(since_epoch(ends));
                self.metrics.reloads.count(CertificateReload::Replaced, 1);
                tracing::info!(
                    not_after,
                    "the certificate is replaced: connections from now on get the new one, which is good until {not_after}"
                );
            }
            Err(why) => {
                self.metrics.reloads.count(CertificateReload::Failed, 1);
                tracing::warn!(
                    %why,
                    "the new certificate or key cannot be used, so connections go on getting the one before: {why}"
                );
            }
        }
    }

    /// A certificate that has ended takes the place of none that has not: every client would refuse it.
    fn unless_it_has_ended(&self, pair: Pair) -> Result<Pair, String> {
        let now = SystemTime::now();
        let is_worse = pair.not_after < now && self.serving.lock().not_after >= now;
        match is_worse {
            true => {
                let ended = humantime::format_rfc3339_seconds(pair.not_after);
                let cert = self.files.cert.display();
                Err(format!(
                    "the certificate in {cert} ended at {ended}, and the one before has not"
                ))
            }
            false => Ok(pair),
        }
    }
}

/// SIGHUP. From the moment that this is made the signal does not end the process.
pub(crate) struct HangUps(Signal);

impl HangUps {
    pub(crate) fn new() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }
}

/// One acceptor has one certificate. A new one knows no sessions of the one before: who resumed such a session would not
/// see the new certificate.
fn acceptor(pair: Pair) -> TlsAcceptor {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair.certified)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Arc::new(config).into()
}

fn say_if_ended(pair: &Pair) {
    if pair.not_after < SystemTime::now() {
        let ended = humantime::format_rfc3339_seconds(pair.not_after).to_string();
        tracing::warn!(
            not_after = ended,
            "the certificate ended at {ended}: clients refuse it"
        );
    }
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
