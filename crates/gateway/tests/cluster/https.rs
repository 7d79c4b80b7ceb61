//! A node behind TLS, asked by the commands.

use std::process::{Command, Output};

use switchboard_testkit::{Certificates, GatewayProcess};

use crate::support::{BINARY, TlsFront};

const ADMIN: &str = "admin-token-admin-token";

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
    let front = TlsFront::start(node.address(), Certificates::make()).await;
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
    let front = TlsFront::start(node.address(), Certificates::make()).await;
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
    let front = TlsFront::start(node.address(), Certificates::for_name("DNS:gw-1.example")).await;
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
