//! Redis behind TLS: by a private authority, with and without a certificate of ours.

use std::path::Path;
use std::process::Command;

use switchboard_cluster::backend::Reach;
use switchboard_cluster::redis::{self, ConfigError, RedisConfig};
use switchboard_testkit::RedisServer;
use tempfile::TempDir;

use crate::people::{enter, node};
use crate::redis_faults::{passes, reach};
use crate::stage::{connect_to, open_buckets, reached, within};

/// An authority, and certificates that it signed for `127.0.0.1`.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> Self {
        let these = Self(tempfile::tempdir().expect("a directory"));
        these.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem");
        for name in ["server", "client"] {
            these.openssl(&format!("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"));
            std::fs::write(these.0.path().join("names"), "subjectAltName=IP:127.0.0.1")
                .expect("a file can be written");
            these.openssl(&format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out {name}.pem"));
        }
        these
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .output()
            .expect("this test needs openssl in the PATH");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {said}");
    }

    fn path(&self, name: &str) -> String {
        let path: &Path = self.0.path();
        path.join(name).to_str().expect("a plain path").to_owned()
    }

    /// A Redis that speaks TLS on a port of its own, and asks clients for certificates or not.
    fn server(&self, asks: &str) -> (RedisServer, u16) {
        let port = RedisServer::absent().port();
        let server = RedisServer::start_with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &self.path("server.pem"),
            "--tls-key-file",
            &self.path("server.key"),
            "--tls-ca-cert-file",
            &self.path("ca.pem"),
            "--tls-auth-clients",
            asks,
        ]);
        (server, port)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_where_the_url_names_it() {
    within(async {
        let certificates = Certificates::make();
        let (_server, port) = certificates.server("no");
        let url = format!("rediss://127.0.0.1:{port}");
        let backend = reached(connect_to(format!(
            "{url}?caFile={}",
            certificates.path("ca.pem")
        )))
        .await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;
        open_buckets(&backend).await;
        enter(&backend, "gw-a").await;

        let refused =
            |reach: &Reach| matches!(reach, Reach::Never(why) if why.contains("InvalidCertificate"));
        let x = connect_to(url); println!("{:?}", *x.reach.borrow());
        reach(&x, refused).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_asks_for_a_certificate_gets_one() {
    within(async {
        let certificates = Certificates::make();
        let (_server, port) = certificates.server("yes");
        let url = format!(
            "rediss://127.0.0.1:{port}?caFile={}&certFile={}&keyFile={}",
            certificates.path("ca.pem"),
            certificates.path("client.pem"),
            certificates.path("client.key"),
        );
        reached(connect_to(url)).await;
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_is_missing_is_said_before_anything_is_tried() {
    let error = redis::connect(&RedisConfig::new("rediss://host?caFile=/nowhere.pem")).err();
    assert!(matches!(error, Some(ConfigError::Setup(why)) if why.contains("/nowhere.pem")));
}
