//! One HTTP request after another, each on a connection of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use switchboard_testkit::GatewayProcess;

const PATIENCE: Duration = Duration::from_secs(60);

/// A request that has been begun, perhaps all of it.
pub(crate) struct Http {
    stream: TcpStream,
}

impl Http {
    /// Status and body.
    pub(crate) fn get(gateway: &GatewayProcess, path: &str) -> (u16, String) {
        Self::request(gateway, "GET", path, "")
    }

    /// Status and body.
    pub(crate) fn post(gateway: &GatewayProcess, path: &str, body: &str) -> (u16, String) {
        Self::request(gateway, "POST", path, body)
    }

    /// Status and body.
    pub(crate) fn request(
        gateway: &GatewayProcess,
        method: &str,
        path: &str,
        body: &str,
    ) -> (u16, String) {
        let answer = Self::begin(gateway, method, path, body.len(), body).read_to_end();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    /// Says how long the body is, and sends some of it.
    pub(crate) fn begin(
        gateway: &GatewayProcess,
        method: &str,
        path: &str,
        length: usize,
        body: &str,
    ) -> Self {
        let mut stream = TcpStream::connect(gateway.address()).expect("the gateway listens");
        let host = gateway.address();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        // A gateway that has refused it already says why in what can be read.
        let _ = stream.write_all([&head, body].concat().as_bytes());
        Self { stream }
    }

    /// All that the gateway answers until it closes the connection.
    pub(crate) fn read_to_end(mut self) -> String {
        let patience = self.stream.set_read_timeout(Some(PATIENCE));
        patience.expect("a time-out can be set");
        let mut answer = Vec::new();
        // A connection that is closed with unread bytes is reset, behind what was answered.
        if let Err(error) = self.stream.read_to_end(&mut answer) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "{answer:?}"
            );
        }
        String::from_utf8(answer).expect("an answer is text")
    }
}
