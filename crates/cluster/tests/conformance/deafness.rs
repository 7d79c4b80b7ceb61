//! A connection that answers and brings nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchboard_testkit::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::people::node;
use crate::redis_faults::{gap, is_lost, passes, reach};
use crate::stage::{connect_to, reached, within};

/// Stands between a node and Redis, and can keep to itself what subscriptions bring.
struct Proxy {
    port: u16,
    connections: Arc<Connections>,
}

#[derive(Default)]
struct Connections {
    made: AtomicUsize,
    /// Those made before so many others bring nothing.
    deaf: AtomicUsize,
}

impl Proxy {
    async fn start(server: &RedisServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, redis) = (Arc::<Connections>::default(), server.port());
        let accepted = connections.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", redis)).await else {
                    continue;
                };
                let number = accepted.made.fetch_add(1, Ordering::Relaxed);
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let connections = accepted.clone();
                let is_deaf = move || number < connections.deaf.load(Ordering::Relaxed);
                tokio::spawn(pump(from_client, to_server, || false));
                tokio::spawn(pump(from_server, to_client, is_deaf));
            }
        });
        Self { port, connections }
    }

    /// From now on the present connections bring nothing.
    fn deafen(&self) {
        let made = self.connections.made.load(Ordering::Relaxed);
        self.connections.deaf.store(made, Ordering::Relaxed);
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_deaf: impl Fn() -> bool) {
    let mut bytes = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let mut chunk = bytes[..count].to_vec();
        if is_deaf() {
            chunk = without_messages(&String::from_utf8_lossy(&chunk)).into_bytes();
        }
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

/// The same without pushes of RESP3 as `>3 $7 message $12 sb:node:gw-a $5 probe`, each word on a line of its own.
fn without_messages(text: &str) -> String {
    const HEAD: &str = ">3\r\n$7\r\nmessage\r\n";
    let mut parts = text.split(HEAD);
    let first = parts.next().unwrap_or_default();
    let behind = |part: &str| part.split_inclusive("\r\n").skip(4).collect::<String>();
    first.to_owned() + &parts.map(behind).collect::<String>()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_brings_nothing_is_opened_anew_and_then_the_connection_is() {
    within(async {
        let server = RedisServer::start();
        let proxy = Proxy::start(&server).await;
        let backend = reached(connect_to(format!("redis://127.0.0.1:{}", proxy.port))).await;
        let mut inbox = backend.bus.subscribe(&node("gw-a")).await.unwrap();
        passes(&backend, &mut *inbox).await;
        proxy.deafen();
        reach(&backend, is_lost).await;
        // To subscribe anew does not help here; a new connection does.
        gap(&mut *inbox).await;
        passes(&backend, &mut *inbox).await;
    })
    .await;
}
