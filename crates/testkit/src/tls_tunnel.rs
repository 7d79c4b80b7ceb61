//! Plain TCP on this side, TLS on the other: for clients that speak no TLS themselves.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::Certificates;

/// Forwards each connection over a TLS connection of its own. It ends with the runtime that it was started in.
pub struct TlsTunnel(SocketAddr);

impl TlsTunnel {
    /// Starts one to what speaks TLS at `to`, with a certificate of this authority for 127.0.0.1.
    pub async fn start(to: SocketAddr, certificates: &Certificates) -> Self {
        Self::start_behind(to, certificates, b"").await
    }

    /// The same, with these bytes before TLS, as a PROXY header.
    pub async fn start_behind(
        to: SocketAddr,
        certificates: &Certificates,
        before: &'static [u8],
    ) -> Self {
        let connector = connector(certificates);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let connector = connector.clone();
                tokio::spawn(async move {
                    let mut behind = TcpStream::connect(to).await?;
                    behind.set_nodelay(true)?;
                    client.set_nodelay(true)?;
                    behind.write_all(before).await?;
                    let name = ServerName::try_from("127.0.0.1").expect("an address");
                    let mut behind = connector.connect(name, behind).await?;
                    copy_bidirectional(&mut client, &mut behind).await
                });
            }
        });
        Self(address)
    }

    /// Where it takes connections.
    pub fn address(&self) -> SocketAddr {
        self.0
    }

    /// `ws://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.0)
    }
}

fn connector(certificates: &Certificates) -> TlsConnector {
    let authority = CertificateDer::from_pem_file(certificates.path("ca.pem"));
    let mut authorities = RootCertStore::empty();
    let added = authorities.add(authority.expect("PEM"));
    added.expect("it is an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(authorities)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
