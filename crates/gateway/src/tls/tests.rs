use std::fs;
use std::os::unix::fs::symlink;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version,
};
use switchboard_testkit::Certificates;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::{TlsConnector, client as tls_client};

use super::*;
use crate::metrics::{Metrics, Now};

/// Some looks of a watcher that looks so often.
const SHORT: Duration = Duration::from_millis(5);

struct Rig {
    tls: Arc<Tls>,
    metrics: Metrics,
    /// Those that are served from the start.
    first: Certificates,
    /// Others that the client trusts as well.
    other: Certificates,
    authorities: RootCertStore,
    client: ClientConfig,
    folder: tempfile::TempDir,
}

/// Both ends of a connection.
type Both = (tls_client::TlsStream<DuplexStream>, TlsStream<DuplexStream>);

impl Rig {
    fn new() -> Self {
        let (first, other) = (Certificates::make(), Certificates::make());
        let folder = tempfile::tempdir().expect("a folder");
        let metrics = Metrics::new();
        let files = CertificateFiles {
            cert: folder.path().join("tls.crt"),
            key: folder.path().join("tls.key"),
        };
        put(&folder, &first, "server.pem", "server.key");
        let tls = Tls::load(files, metrics.certificate()).expect("a pair");
        let mut authorities = RootCertStore::empty();
        for certificates in [&first, &other] {
            let authority = CertificateDer::from_pem_file(certificates.path("ca.pem"));
            authorities
                .add(authority.expect("PEM"))
                .expect("an authority");
        }
        let client = client(&authorities, &[&version::TLS12, &version::TLS13]);
        Self {
            tls: Arc::new(tls),
            metrics,
            first,
            other,
            authorities,
            client,
            folder,
        }
    }

    async fn connect_as(&self, client: &ClientConfig) -> io::Result<Both> {
        let (near, far) = duplex(64 * 1024);
        let connector = TlsConnector::from(Arc::new(client.clone()));
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let (near, far) = tokio::join!(connector.connect(name, near), self.tls.accept(far));
        let (mut near, mut far) = (near?, far?);
        echo(&mut near, &mut far).await;
        Ok((near, far))
    }

    async fn connect(&self) -> Both {
        self.connect_as(&self.client).await.expect("they agree")
    }

    /// The certificate that a new client sees.
    async fn seen(&self) -> Vec<u8> {
        let (near, _far) = self.connect().await;
        let chain = near.get_ref().1.peer_certificates().expect("one");
        chain[0].to_vec()
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.metrics.text(&Now::default()).expect("text");
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.expect(name).parse().expect("a number")
    }

    fn reloads(&self, outcome: &str) -> f64 {
        self.metric(&format!(
            "switchboard_tls_certificate_reloads_total{{outcome=\"{outcome}\"}}"
        ))
    }

    fn is_refused(&self) -> bool {
        self.metric("switchboard_tls_certificate_refused") == 1.0
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !is_so(self) {
            assert!(tokio::time::Instant::now() < deadline, "never {what}");
            sleep(SHORT).await;
        }
    }
}

fn client(
    authorities: &RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("ring has them")
        .with_root_certificates(authorities.clone())
        .with_no_client_auth()
}

fn put(folder: &tempfile::TempDir, from: &Certificates, cert: &str, key: &str) {
    for (file, source) in [("tls.crt", cert), ("tls.key", key)] {
        fs::copy(from.path(source), folder.path().join(file)).expect("it can be copied");
    }
}

fn der(certificates: &Certificates) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_file(certificates.path("server.pem"));
    certificate.expect("PEM").to_vec()
}

/// What one end says the other hears: tickets are read on the way.
async fn echo(near: &mut tls_client::TlsStream<DuplexStream>, far: &mut TlsStream<DuplexStream>) {
    let mut heard = [0; 4];
    far.write_all(b"ping").await.expect("open");
    far.flush().await.expect("open");
    near.read_exact(&mut heard).await.expect("open");
    near.write_all(&heard).await.expect("open");
    near.flush().await.expect("open");
    far.read_exact(&mut heard).await.expect("open");
    assert_eq!(&heard, b"ping");
}

#[tokio::test]
async fn both_versions_are_spoken_and_http_1_1_alone() {
    let rig = Rig::new();
    for (spoken, expected) in [
        (&version::TLS12, ProtocolVersion::TLSv1_2),
        (&version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let mut client = client(&rig.authorities, &[spoken]);
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (near, _far) = rig.connect_as(&client).await.expect("they agree");
        let connection = near.get_ref().1;
        assert_eq!(connection.protocol_version(), Some(expected));
        assert_eq!(connection.alpn_protocol(), Some(&b"http/1.1"[..]));
        client.alpn_protocols = vec![b"h2".to_vec()];
        assert!(rig.connect_as(&client).await.is_err(), "h2 is not spoken");
    }
}

#[tokio::test]
async fn a_pair_that_changed_is_served_from_then_on_and_connections_live_on() {
    let rig = Rig::new();
    let stop = CancellationToken::new();
    let hang_ups = HangUps::new().expect("a signal");
    let renewing = tokio::spawn(rig.tls.clone().keep_fresh(hang_ups, SHORT, stop.clone()));
    let (mut near, mut far) = rig.connect().await;
    assert_eq!(rig.seen().await, der(&rig.first));
    let ends = rig.metric("switchboard_tls_certificate_not_after_seconds");
    let now = since_epoch(SystemTime::now()).as_secs_f64();
    let day = 86_400.0;
    assert!(now + day < ends && ends < now + 3.0 * day, "{ends}");
    // Key and certificate do not come at the same moment.
    put(&rig.folder, &rig.other, "server.pem", "client.key");
    // Twice, if the watcher looked between the two files.
    rig.until("refused", |rig| rig.reloads("failed") >= 1.0)
        .await;
    rig.until("refused", Rig::is_refused).await;
    assert_eq!(rig.seen().await, der(&rig.first));
    put(&rig.folder, &rig.other, "server.pem", "server.key");
    rig.until("replaced", |rig| rig.reloads("replaced") == 1.0)
        .await;
    assert!(!rig.is_refused());
    assert_eq!(rig.seen().await, der(&rig.other));
    echo(&mut near, &mut far).await;
    stop.cancel();
    renewing.await.expect("it ends when told to stop");
}

#[tokio::test]
async fn who_resumes_a_session_of_the_certificate_before_shakes_hands_in_full() {
    let rig = Rig::new();
    let kind = async |rig: &Rig| rig.connect().await.0.get_ref().1.handshake_kind();
    assert_eq!(kind(&rig).await, Some(HandshakeKind::Full));
    assert_eq!(kind(&rig).await, Some(HandshakeKind::Resumed));
    put(&rig.folder, &rig.other, "server.pem", "server.key");
    rig.tls.take(rig.tls.files.read(), false);
    assert_eq!(kind(&rig).await, Some(HandshakeKind::Full));
    assert_eq!(rig.reloads("replaced"), 1.0);
}

#[tokio::test]
async fn what_cannot_be_used_is_told_of_once_and_again_when_asked() {
    let rig = Rig::new();
    let look = |is_asked| rig.tls.take(rig.tls.files.read(), is_asked);
    assert!(!rig.is_refused());
    fs::remove_file(rig.folder.path().join("tls.key")).expect("it is there");
    for _ in 0..3 {
        look(false);
        assert!(rig.is_refused(), "for as long as it is so");
    }
    assert_eq!(rig.reloads("failed"), 1.0);
    look(true);
    assert_eq!(rig.reloads("failed"), 2.0);
    assert_eq!(rig.seen().await, der(&rig.first));
    // The same pair as before the mishap.
    put(&rig.folder, &rig.first, "server.pem", "server.key");
    look(false);
    assert_eq!(rig.reloads("replaced"), 1.0);
    assert!(!rig.is_refused());
    look(true);
    assert_eq!((rig.reloads("replaced"), rig.reloads("failed")), (1.0, 2.0));
}

/// The files are links into a folder that is a link itself, and that one is exchanged.
#[tokio::test]
async fn a_secret_that_kubernetes_exchanges_is_seen() {
    let rig = Rig::new();
    let within = |name: &str| rig.folder.path().join(name);
    for (folder, certificates) in [("..first", &rig.first), ("..second", &rig.other)] {
        fs::create_dir(within(folder)).expect("a folder");
        for (file, source) in [("tls.crt", "server.pem"), ("tls.key", "server.key")] {
            fs::copy(certificates.path(source), within(folder).join(file)).expect("a file");
        }
    }
    let exchange = |folder: &str| {
        symlink(folder, within("..tmp")).expect("a link");
        fs::rename(within("..tmp"), within("..data")).expect("it takes its place");
    };
    exchange("..first");
    for file in ["tls.crt", "tls.key"] {
        fs::remove_file(within(file)).expect("it is there");
        symlink(format!("..data/{file}"), within(file)).expect("a link");
    }
    rig.tls.take(rig.tls.files.read(), false);
    assert_eq!(rig.reloads("replaced"), 0.0, "the same pair");
    exchange("..second");
    rig.tls.take(rig.tls.files.read(), false);
    assert_eq!(rig.seen().await, der(&rig.other));
}

#[tokio::test]
async fn a_certificate_that_has_ended_does_not_replace_one_that_has_not() {
    let rig = Rig::new();
    rig.other.openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 0 -extfile names -out ended.pem",
    );
    put(&rig.folder, &rig.other, "ended.pem", "server.key");
    rig.tls.take(rig.tls.files.read(), false);
    assert!(rig.is_refused());
    assert_eq!(rig.seen().await, der(&rig.first));
    put(&rig.folder, &rig.other, "server.pem", "server.key");
    rig.tls.take(rig.tls.files.read(), false);
    assert!(!rig.is_refused());
    assert_eq!(rig.seen().await, der(&rig.other));
}
