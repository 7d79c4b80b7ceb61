//! `openssl s_client`: another implementation of TLS than the gateway's.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use switchboard_testkit::Certificates;

/// What openssl saw of a server.
pub(crate) struct SClient {
    /// `serial=…`, as openssl writes it; empty where there was no handshake.
    pub(crate) serial: String,
    /// Everything that it said.
    pub(crate) said: String,
}

impl SClient {
    /// Shakes hands, trusting the authority of `certificates`.
    pub(crate) fn ask(server: SocketAddr, certificates: &Certificates, more: &[&str]) -> Self {
        let output = Command::new("openssl")
            .args(["s_client", "-connect", &server.to_string(), "-CAfile"])
            .arg(certificates.path("ca.pem"))
            .args(more)
            .stdin(Stdio::null())
            .output()
            .expect("this test needs openssl in the PATH");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let serial = match said.contains("-----BEGIN CERTIFICATE-----") {
            true => serial(&said),
            false => String::new(),
        };
        Self { serial, said }
    }
}

/// Of the first certificate in a text.
fn serial(text: &str) -> String {
    let mut reading = Command::new("openssl")
        .args(["x509", "-noout", "-serial"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl starts");
    let mut input = reading.stdin.take().expect("it is piped");
    // It may have what it needs before all is written.
    let _ = input.write_all(text.as_bytes());
    drop(input);
    let output = reading.wait_with_output().expect("openssl ends");
    String::from_utf8(output.stdout).expect("text")
}
