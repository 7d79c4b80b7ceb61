//! TLS in front of something that speaks none.

use std::net::SocketAddr;
use std::sync::Arc;

use switchboard_testkit::Certificates;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// TLS under an authority that nobody knows. It ends with the test's runtime.
pub(crate) struct TlsFront {
    address: SocketAddr,
    certificates: Certificates,
}

impl TlsFront {
    /// In front of what listens at `behind`.
    pub(crate) async fn start(behind: SocketAddr, certificates: Certificates) -> Self {
        let acceptor = acceptor(&certificates);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await?;
                    let mut behind = TcpStream::connect(behind).await?;
                    copy_bidirectional(&mut client, &mut behind).await
                });
            }
        });
        Self {
            address,
            certificates,
        }
    }

    pub(crate) fn ca_file(&self) -> String {
        self.certificates.path("ca.pem")
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

fn acceptor(certificates: &Certificates) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(certificates.path("server.pem"));
    let key = PrivateKeyDer::from_pem_file(certificates.path("server.key"));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.expect("PEM")], key.expect("PEM"))
        .expect("certificate and key match");
    TlsAcceptor::from(Arc::new(config))
}
