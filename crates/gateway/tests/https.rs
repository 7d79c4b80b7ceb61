//! A node behind TLS, asked by the commands.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::Arc;

use switchboard_testkit::{Certificates, GatewayProcess};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const BINARY: &str = env!("CARGO_BIN_EXE_switchboard");
const ADMIN: &str = "admin-token-admin-token";

/// TLS in front of a node, under an authority that nobody knows. It ends with the test's runtime.
struct TlsFront {
    address: SocketAddr,
    certificates: Certificates,
}

impl TlsFront {
    async fn start(node: &GatewayProcess, certificates: Certificates) -> Self {
        let acceptor = acceptor(&certificates);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let node = node.address().to_string();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, node) = (acceptor.clone(), node.clone());
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await?;
                    let mut node = TcpStream::connect(node).await?;
                    copy_bidirectional(&mut client, &mut node).await
                });
            }
        });
        Self {
            address,
            certificates,
        }
    }

    fn ca_file(&self) -> String {
        self.certificates.path("ca.pem")
    }

    fn url(&self) -> String {
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

/// The binary in an environment that holds the admin's token and `variables`.
fn switchboard(variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(BINARY)
        .env_clear()
        .env("SWITCHBOARD_ADMIN__TOKEN", ADMIN)
        // What it sends holds tokens: no proxy gets to see them.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("the binary starts");
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8(text).expect("text"))
}

fn node() -> GatewayProcess {
    GatewayProcess::start_ready(BINARY, &[&format!("admin.token={ADMIN}")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_behind_tls_is_drained_by_whom_its_authority_is_named() {
    let mut node = node();
    let front = TlsFront::start(&node, Certificates::make()).await;
    let url = front.url();
    let (code, told) = switchboard(&[], &["drain", "--url", &url]);
    assert_eq!(code, Some(1));
    assert!(
        told.starts_with(&format!("no answer from {url}/health: "))
            && told.contains("UnknownIssuer")
            && told.contains("--ca-file, or SSL_CERT_FILE"),
        "{told}"
    );
    let named = ["drain", "--url", &url, "--ca-file", &front.ca_file()];
    let (code, told) = switchboard(&[], &named);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(" moves its 0 connections and stops"),
        "{told}"
    );
    assert_eq!(node.wait().code(), Some(0), "{}", node.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_authorities_are_those_of_ssl_cert_file_where_it_is_set() {
    let node = node();
    let front = TlsFront::start(&node, Certificates::make()).await;
    let url = format!("{}/healthz", front.url());
    let ca_file = front.ca_file();
    let variable = [("SSL_CERT_FILE", &*ca_file)];
    let (code, told) = switchboard(&variable, &["healthcheck", "--url", &url]);
    assert_eq!((code, told), (Some(0), format!("{url} is well\n")));
    let nowhere = [("SSL_CERT_FILE", "/nowhere/ca.pem")];
    let (code, told) = switchboard(&nowhere, &["healthcheck", "--url", &url]);
    assert_eq!(code, Some(1));
    assert!(told.starts_with("no certificates to trust"), "{told}");
    // A plain question needs none.
    let plain = format!("http://{}/healthz", node.address());
    let (code, told) = switchboard(&nowhere, &["healthcheck", "--url", &plain]);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_and_a_port_without_tls_are_told_apart() {
    let node = node();
    let front = TlsFront::start(&node, Certificates::for_name("DNS:gw-1.example")).await;
    let plain = format!("https://{}", node.address());
    for (url, words) in [
        (front.url(), "use a name that its certificate has"),
        (plain, "where it speaks no TLS, use http://"),
    ] {
        let asked = ["healthcheck", "--url", &url, "--ca-file", &front.ca_file()];
        let (code, told) = switchboard(&[], &asked);
        assert_eq!(code, Some(1));
        assert!(told.contains(words), "{told}");
    }
}
