//! Redis behind TLS: by a private authority, with and without a certificate of ours.

use switchboard_cluster::backend::Reach;
use switchboard_cluster::redis::{self, ConfigError, RedisConfig};
use switchboard_testkit::{Certificates, RedisServer};

use crate::people::{enter, node};
use crate::redis_faults::{passes, reach};
use crate::stage::{connect_to, open_buckets, reached, within};

/// A Redis that speaks TLS on a port of its own, and asks clients for certificates or not.
fn server(certificates: &Certificates, asks: &str) -> (RedisServer, u16) {
    let port = RedisServer::absent().port();
    let server = RedisServer::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificates.path("server.pem"),
        "--tls-key-file",
        &certificates.path("server.key"),
        "--tls-ca-cert-file",
        &certificates.path("ca.pem"),
        "--tls-auth-clients",
        asks,
    ]);
    (server, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_where_the_url_names_it() {
    within(async {
        let certificates = Certificates::make();
        let (_server, port) = server(&certificates, "no");
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
        reach(&connect_to(url), refused).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_asks_for_a_certificate_gets_one() {
    within(async {
        let certificates = Certificates::make();
        let (_server, port) = server(&certificates, "yes");
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
