//! One client, whatever it speaks: text frames over a WebSocket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

/// An answer that has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of payload of all clients together.
#[derive(Default)]
pub(super) struct Bytes {
    written: AtomicU64,
    read: AtomicU64,
}

impl Bytes {
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

pub(super) struct Client {
    stream: WebSocketStream<TcpStream>,
    bytes: Arc<Bytes>,
}

impl Client {
    pub(super) async fn open(
        gateway: SocketAddr,
        (path, subprotocol): (&str, &str),
        bytes: &Arc<Bytes>,
    ) -> Result<Self> {
        let mut request = format!("ws://{gateway}{path}").into_client_request()?;
        let offered = subprotocol.parse()?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", offered);
        let opening = async {
            let tcp = TcpStream::connect(gateway).await?;
            tcp.set_nodelay(true)?;
            anyhow::Ok(client_async(request, tcp).await?.0)
        };
        let stream = timeout(PATIENCE, opening).await.context("no handshake")??;
        let bytes = bytes.clone();
        Ok(Self { stream, bytes })
    }

    pub(super) async fn write(&mut self, text: impl Into<Utf8Bytes>) -> Result<()> {
        let text = text.into();
        self.bytes
            .written
            .fetch_add(text.len() as u64, Ordering::Relaxed);
        Ok(self.stream.send(Message::Text(text)).await?)
    }

    /// The next text; `None`: the connection is over.
    pub(super) async fn read(&mut self) -> Option<Utf8Bytes> {
        loop {
            match self.stream.next().await?.ok()? {
                Message::Text(text) => {
                    self.bytes
                        .read
                        .fetch_add(text.len() as u64, Ordering::Relaxed);
                    return Some(text);
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Reads up to the first text that has these words in it.
    pub(super) async fn until(&mut self, words: &str) -> Result<Utf8Bytes> {
        let reading = async {
            while let Some(text) = self.read().await {
                if text.contains(words) {
                    return Ok(text);
                }
            }
            bail!("the connection is over before {words} came")
        };
        timeout(PATIENCE, reading)
            .await
            .with_context(|| format!("{words} does not come"))?
    }

    /// Reads to the end, in a task of its own.
    pub(super) fn keep_reading(mut self) {
        tokio::spawn(async move { while self.read().await.is_some() {} });
    }

    /// Reads for so long.
    pub(super) async fn read_for(&mut self, time: Duration) {
        let _ = timeout(time, async { while self.read().await.is_some() {} }).await;
    }
}

/// Greeted in the native protocol, with that name and avatar.
pub(super) async fn native(
    gateway: SocketAddr,
    (name, avatar): (&str, &str),
    bytes: &Arc<Bytes>,
) -> Result<Client> {
    let mut client = Client::open(gateway, ("/v1/connect", "switchboard.v1.json"), bytes).await?;
    let hello = serde_json::json!({ "type": "hello", "name": name, "avatar": avatar });
    client.write(hello.to_string()).await?;
    client.until("\"welcome\"").await?;
    Ok(client)
}
