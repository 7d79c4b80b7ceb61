//! An issuer of tokens that publishes its keys over HTTP, as well or as badly as it is told. Also a provider of whatever else
//! is asked for over HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How it answers.
#[derive(Debug, Clone)]
pub enum Manner {
    /// With these keys, and what caches are told of them.
    Keys(Value, &'static str),
    /// With this text.
    Says(String),
    /// With this status.
    Status(u16),
    /// Not at all: it holds the connection.
    Hangs,
    /// With more than anybody should read: so many MB.
    Floods(usize),
}

/// It stops with its owner.
pub struct FakeIssuer {
    shared: Arc<Shared>,
    address: SocketAddr,
}

struct Shared {
    manner: Mutex<Manner>,
    connected: AtomicUsize,
    asked: AtomicUsize,
    last: Mutex<String>,
    stopped: AtomicBool,
}

impl FakeIssuer {
    /// On a free port.
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            manner: Mutex::new(manner),
            connected: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            last: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = shared.clone();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                serving.connected.fetch_add(1, Ordering::SeqCst);
                let serving = serving.clone();
                thread::spawn(move || serving.answer(socket, address));
            }
        });
        Self { shared, address }
    }

    /// What it is called in tokens.
    pub fn name(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where its keys are.
    pub fn jwks_url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    /// Where it says so.
    pub fn discovery_url(&self) -> String {
        format!("http://{}/.well-known/openid-configuration", self.address)
    }

    /// From now on it answers like this.
    pub fn turn(&self, manner: Manner) {
        *self.shared.manner.lock().expect("no panic") = manner;
    }

    /// The last question for its keys: the request, with its headers and its body.
    pub fn last_question(&self) -> String {
        self.shared.last.lock().expect("no panic").clone()
    }

    /// How many connections it took, whatever was said on them: also for its metadata, and such as begin TLS.
    pub fn connected(&self) -> usize {
        self.shared.connected.load(Ordering::SeqCst)
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Drop for FakeIssuer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the one that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn answer(&self, mut socket: TcpStream, address: SocketAddr) {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            match socket.read(&mut byte) {
                Ok(1) => request.push(byte[0]),
                _ => return,
            }
        }
        let is_discovery = request.starts_with(b"GET /.well-known/");
        if is_discovery {
            let metadata = json!({
                "issuer": format!("http://{address}/"),
                "jwks_uri": format!("http://{address}/jwks.json"),
            });
            return send(&mut socket, 200, "", metadata.to_string().as_bytes());
        }
        request.extend(body(&mut socket, &request));
        *self.last.lock().expect("no panic") = String::from_utf8_lossy(&request).into_owned();
        self.asked.fetch_add(1, Ordering::SeqCst);
        let manner = self.manner.lock().expect("no panic").clone();
        match manner {
            Manner::Keys(keys, caching) => {
                let set = json!({ "keys": keys }).to_string();
                send(&mut socket, 200, caching, set.as_bytes());
            }
            Manner::Says(text) => send(&mut socket, 200, "", text.as_bytes()),
            Manner::Status(status) => send(&mut socket, status, "", b"{\"keys\": []}"),
            Manner::Hangs => {
                let _ = socket.set_read_timeout(Some(Duration::from_secs(30)));
                let _ = socket.read(&mut byte);
            }
            Manner::Floods(megabytes) => flood(&mut socket, megabytes),
        }
    }
}

/// What the head says comes after it.
fn body(socket: &mut TcpStream, head: &[u8]) -> Vec<u8> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    match socket.read_exact(&mut body) {
        Ok(()) => body,
        Err(_) => Vec::new(),
    }
}

fn send(socket: &mut TcpStream, status: u16, caching: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status} .\r\ncontent-type: application/json\r\ncache-control: {caching}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    // The one that asked may have gone.
    let _ = socket.write_all(head.as_bytes());
    let _ = socket.write_all(body);
}

fn flood(socket: &mut TcpStream, megabytes: usize) {
    let _ = socket.write_all(b"HTTP/1.1 200 .\r\nconnection: close\r\n\r\n{\"keys\": [");
    let megabyte = vec![b' '; 1 << 20];
    for _ in 0..megabytes {
        if socket.write_all(&megabyte).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_counts_also_without_a_question_for_keys() {
        let issuer = FakeIssuer::start(Manner::Status(404));
        let ask = |said: &[u8]| {
            let mut socket = TcpStream::connect(issuer.address).expect("it listens");
            socket.write_all(said).expect("it reads");
            socket.shutdown(std::net::Shutdown::Write).expect("open");
            // Over once it has answered or given up.
            let _ = socket.read_to_end(&mut Vec::new());
        };
        ask(b"GET /.well-known/openid-configuration HTTP/1.1\r\n\r\n");
        ask(b"\x16\x03\x01\x00\x01\x01");
        assert_eq!((issuer.connected(), issuer.asked()), (2, 0));
        ask(b"GET /jwks.json HTTP/1.1\r\n\r\n");
        assert_eq!((issuer.connected(), issuer.asked()), (3, 1));
    }
}
