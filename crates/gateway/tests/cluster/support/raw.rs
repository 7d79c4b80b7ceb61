//! A connection that says exactly what it is told to, also what no client would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use switchboard_testkit::GatewayProcess;
use tokio::net::TcpSocket;

const PATIENCE: Duration = Duration::from_secs(30);
const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// A WebSocket, frame by frame (RFC 6455 section 5.2).
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
}

impl Raw {
    /// Connects to `path` with these lines in the handshake.
    pub(crate) fn open(gateway: &GatewayProcess, path: &str, headers: &[&str]) -> Self {
        let stream = TcpStream::connect(gateway.address()).expect("the gateway listens");
        Self::upgrade(stream, path, headers)
    }

    /// The same at another address, such as that of a proxy, from this address of this machine.
    pub(crate) async fn through(
        front: SocketAddr,
        from: [u8; 4],
        path: &str,
        headers: &[&str],
    ) -> Self {
        Self::upgrade(connect_from(front, from).await, path, headers)
    }

    /// A native connection in JSON that takes few bytes before the gateway has to wait.
    pub(crate) async fn narrow(gateway: &GatewayProcess) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .set_recv_buffer_size(4096)
            .expect("a buffer can be small");
        let stream = socket
            .connect(gateway.address())
            .await
            .expect("the gateway listens");
        Self::upgrade(blocking(stream), "/v1/connect", &[])
    }

    /// A native connection in JSON from another address of this machine.
    pub(crate) async fn from(gateway: &GatewayProcess, address: [u8; 4]) -> Self {
        Self::through(gateway.address(), address, "/v1/connect", &[]).await
    }

    fn upgrade(mut stream: TcpStream, path: &str, headers: &[&str]) -> Self {
        let more: String = headers
            .iter()
            .map(|header| format!("{header}\r\n"))
            .collect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"
        );
        stream
            .write_all(request.as_bytes())
            .expect("the gateway reads");
        let head = head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self { stream }
    }

    /// One whole frame, masked with zeros.
    pub(crate) fn send(&mut self, opcode: u8, body: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match body.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length @ 126..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(body);
        // A gateway that has closed already says why in what can be read.
        let _ = self.stream.write_all(&frame);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes());
    }

    /// Opcode and body of the next frame; `None` at the end of the connection.
    pub(crate) fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let [first, second] = self.bytes::<2>()?;
        let length = match second {
            126 => u16::from_be_bytes(self.bytes()?).into(),
            127 => u64::from_be_bytes(self.bytes()?),
            length => length.into(),
        };
        let mut body = vec![0; usize::try_from(length).expect("a frame fits into memory")];
        self.stream.read_exact(&mut body).ok()?;
        Some((first & 0x0f, body))
    }

    /// The next text.
    pub(crate) fn read_text(&mut self) -> String {
        loop {
            match self.read() {
                Some((TEXT, body)) => return String::from_utf8(body).expect("text is UTF-8"),
                Some((CLOSE, body)) => panic!("closed: {:?}", String::from_utf8_lossy(&body)),
                Some(_) => {}
                None => panic!("the connection ended"),
            }
        }
    }

    /// The first text that begins so; Engine.IO's pings on the way are answered.
    pub(crate) fn until(&mut self, begins: &str) -> String {
        loop {
            let text = self.read_text();
            if text.starts_with(begins) {
                return text;
            }
            if text == "2" {
                self.text("3");
            }
        }
    }

    /// Says `hello`: the `welcome`, or else the number of the close frame and its reason, which is an object for 4429 and 4503.
    pub(crate) fn hello(&mut self, hello: &Value) -> Result<Value, (u16, Value)> {
        self.text(&hello.to_string());
        match self.read() {
            Some((TEXT, body)) => Ok(serde_json::from_slice(&body).expect("JSON")),
            Some((CLOSE, body)) => {
                let (code, reason) = body.split_at(2);
                let code = u16::from_be_bytes(code.try_into().expect("two bytes"));
                let words = || String::from_utf8_lossy(reason).into_owned().into();
                Err((
                    code,
                    serde_json::from_slice(reason).unwrap_or_else(|_| words()),
                ))
            }
            other => panic!("{other:?}"),
        }
    }

    /// The number and the words of the close frame.
    pub(crate) fn closed(&mut self) -> (u16, String) {
        loop {
            match self.read() {
                Some((CLOSE, body)) => {
                    let code = u16::from_be_bytes(body[..2].try_into().expect("a code"));
                    return (code, String::from_utf8_lossy(&body[2..]).into_owned());
                }
                Some(_) => {}
                None => panic!("the connection ended without a close frame"),
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// A TCP connection from this address of this machine.
async fn connect_from(to: SocketAddr, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind((from, 0).into())
        .expect("all of 127.0.0.0/8 is this machine");
    blocking(socket.connect(to).await.expect("somebody listens"))
}

fn blocking(stream: tokio::net::TcpStream) -> TcpStream {
    let stream = stream.into_std().expect("a stream is one");
    stream.set_nonblocking(false).expect("a stream can block");
    stream
}

/// A TCP connection to a gateway that waits for answers, but not for ever.
pub(crate) fn http(gateway: &GatewayProcess) -> TcpStream {
    let stream = TcpStream::connect(gateway.address()).expect("the gateway listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    stream
}

/// Sends a request with these header lines; the whole answer, head and all.
pub(crate) fn exchange(gateway: &GatewayProcess, request_line: &str, headers: &[&str]) -> String {
    let answer = exchange_bytes(gateway, request_line, headers);
    String::from_utf8(answer).expect("the gateway answers in text")
}

/// As [`exchange`], where the answer is no text.
pub(crate) fn exchange_bytes(
    gateway: &GatewayProcess,
    request_line: &str,
    headers: &[&str],
) -> Vec<u8> {
    let more: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    let host = gateway.address();
    send_for_bytes(
        gateway,
        &format!("{request_line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"),
    )
}

/// Sends a request as it stands, after which the gateway closes the connection; the whole answer.
pub(crate) fn send(gateway: &GatewayProcess, request: &str) -> String {
    let answer = send_for_bytes(gateway, request);
    String::from_utf8(answer).expect("the gateway answers in text")
}

fn send_for_bytes(gateway: &GatewayProcess, request: &str) -> Vec<u8> {
    let mut stream = http(gateway);
    stream
        .write_all(request.as_bytes())
        .expect("the gateway reads");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("the gateway answers");
    answer
}

/// Sends a request with these header lines and no others; the head of the answer.
pub(crate) fn opening(gateway: &GatewayProcess, request_line: &str, headers: &[&str]) -> String {
    let mut stream = TcpStream::connect(gateway.address()).expect("the gateway listens");
    let host = gateway.address();
    let lines = headers.join("\r\n");
    let request = format!("{request_line} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the gateway reads");
    head(&mut stream)
}

/// Reads up to the end of an answer's head.
fn head(stream: &mut TcpStream) -> String {
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the gateway answers");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text")
}
