//! A Socket.IO client as pages have it: long polling first, a WebSocket as soon as that works, and back after a moment where the
//! connection is lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::Stage;
use super::http::Http;
use crate::socketio::packet::{self, Packet};

// The defaults of socket.io-client 4.8.
const TIMEOUT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MOST: Duration = Duration::from_secs(5);
const JITTER: f64 = 0.5;

const PATH: &str = "/socket.io/?EIO=4&transport=polling";
/// Between the packets of a polling answer.
const SEPARATOR: char = '\u{1e}';

pub(super) struct Client {
    stage: Arc<Stage>,
    number: usize,
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// At the first node.
    pub(super) async fn open(stage: Arc<Stage>, number: usize) -> Result<Self> {
        let socket = connect(stage.nodes[0], number).await?;
        Ok(Self {
            stage,
            number,
            socket,
        })
    }

    /// Stays until the connection is lost, and then comes to the second node.
    pub(super) async fn run(mut self) {
        stay(&mut self.socket).await;
        let mut tries = 0;
        loop {
            sleep(pause(tries)).await;
            tries += 1;
            self.stage.tries();
            match connect(self.stage.nodes[1], self.number).await {
                Ok(socket) => {
                    self.socket = socket;
                    self.stage.is_back(false);
                    stay(&mut self.socket).await;
                    tries = 0;
                }
                Err(error) => self.stage.failed(&format_args!("{error:#}")),
            }
        }
    }
}

/// Answers pings.
async fn stay(socket: &mut WebSocketStream<TcpStream>) {
    while let Some(Ok(message)) = socket.next().await {
        let is_ping = message
            .to_text()
            .is_ok_and(|text| packet::read(text) == Packet::Ping);
        if is_ping && socket.send(Message::text(packet::PONG)).await.is_err() {
            return;
        }
    }
}

fn pause(tries: u32) -> Duration {
    let pause = PAUSE.saturating_mul(1 << tries.min(8)).min(PAUSE_MOST);
    pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * fastrand::f64())
}

async fn connect(server: SocketAddr, number: usize) -> Result<WebSocketStream<TcpStream>> {
    timeout(TIMEOUT, try_connect(server, number))
        .await
        .context("the server does not answer")?
}

#[derive(Deserialize)]
struct Opened {
    sid: String,
}

async fn try_connect(server: SocketAddr, number: usize) -> Result<WebSocketStream<TcpStream>> {
    let mut polls = Http::connect(server).await?;
    let opened = polls.get(PATH).await?;
    let opened = opened
        .strip_prefix('0')
        .context("the server opens nothing")?;
    let Opened { sid } = serde_json::from_str(opened)?;
    let path = format!("{PATH}&sid={sid}");
    let mut posts = Http::connect(server).await?;
    posts
        .post(&path, packet::connect(&format!("user-{number}")))
        .await?;

    let is_probed = AtomicBool::new(false);
    let polling = async {
        let mut is_connected = false;
        while !(is_connected && is_probed.load(Ordering::Relaxed)) {
            for text in polls.get(&path).await?.split(SEPARATOR) {
                match packet::read(text) {
                    Packet::Connected(_) => is_connected = true,
                    Packet::Refused(why) => bail!("the server refuses: {why}"),
                    Packet::Closed => bail!("the server closes"),
                    Packet::Ping => drop(posts.post(&path, packet::PONG.into()).await?),
                    _ => {}
                }
            }
        }
        Ok(())
    };
    let probing = async {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{server}/socket.io/?EIO=4&transport=websocket&sid={sid}");
        let (mut socket, _) = client_async(url, stream).await?;
        socket.send(Message::text("2probe")).await?;
        let answer = socket.next().await.context("the WebSocket ended")??;
        if answer.to_text()? != "3probe" {
            bail!("the WebSocket answers {answer}");
        }
        is_probed.store(true, Ordering::Relaxed);
        Ok(socket)
    };
    let ((), mut socket) = tokio::try_join!(polling, probing)?;
    socket.send(Message::text("5")).await?;
    Ok(socket)
}
