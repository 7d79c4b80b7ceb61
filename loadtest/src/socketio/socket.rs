//! One client: Socket.IO over a WebSocket, from the first frame.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::packet::{self, Packet};

/// An answer that has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connected, with an id by which others reach it.
pub(super) struct Socket {
    stream: WebSocketStream<TcpStream>,
    id: String,
}

/// An event as it came: a JSON array.
pub(super) struct Event(Utf8Bytes);

impl Event {
    /// Its name and argument, if it has exactly one.
    pub(super) fn name_and_argument(&self) -> Option<(&str, &str)> {
        let Packet::Event(body) = packet::read(&self.0) else {
            return None;
        };
        packet::name_and_argument(body).map(|(name, argument)| (name, argument.get()))
    }
}

impl Socket {
    /// Connects as this user.
    pub(super) async fn open(server: SocketAddr, user: &str) -> Result<Self> {
        timeout(PATIENCE, Self::connect(server, user))
            .await
            .context("the server does not answer")?
    }

    async fn connect(server: SocketAddr, user: &str) -> Result<Self> {
        let tcp = TcpStream::connect(server).await?;
        tcp.set_nodelay(true)?;
        let url = format!("ws://{server}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = client_async(url, tcp)
            .await
            .context("the server does not speak Socket.IO over WebSocket")?;
        let id = String::new();
        let mut socket = Self { stream, id };
        loop {
            let text = socket.read().await?;
            match packet::read(&text) {
                Packet::Open => socket.feed(packet::connect(user)).await?,
                // Some servers begin with one.
                Packet::Ping => socket.feed(packet::PONG.to_owned()).await?,
                Packet::Connected(body) => {
                    socket.id = packet::socket_id(body).context("connected without an id")?;
                    return Ok(socket);
                }
                Packet::Refused(body) => bail!("the server refuses {user}: {body}"),
                _ => continue,
            }
            socket.flush().await?;
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Sends an event now.
    pub(super) async fn emit(&mut self, name: &str, argument: &Value) -> Result<()> {
        self.feed(packet::event(name, argument)).await?;
        self.flush().await
    }

    /// Takes a frame to send with the next [`flush`](Self::flush), or earlier.
    pub(super) async fn feed(&mut self, text: String) -> Result<()> {
        self.stream.feed(Message::text(text)).await?;
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Result<()> {
        self.stream.flush().await?;
        Ok(())
    }

    /// The next event; meanwhile pings are answered. Cancel safe, but for the flush of a pong: the next one takes it along.
    pub(super) async fn next(&mut self) -> Result<Event> {
        loop {
            let text = self.read().await?;
            match packet::read(&text) {
                Packet::Event(_) => return Ok(Event(text)),
                Packet::Ping => {
                    self.feed(packet::PONG.to_owned()).await?;
                    self.flush().await?;
                }
                Packet::Closed => bail!("the server disconnects"),
                _ => {}
            }
        }
    }

    /// The argument of the next event of this name.
    pub(super) async fn expect(&mut self, name: &str) -> Result<Value> {
        let arrival = async {
            loop {
                let event = self.next().await?;
                if let Some((_, argument)) = event
                    .name_and_argument()
                    .filter(|(found, _)| *found == name)
                {
                    return Ok(serde_json::from_str(argument)?);
                }
            }
        };
        timeout(PATIENCE, arrival)
            .await
            .with_context(|| format!("{name} does not come"))?
    }

    async fn read(&mut self) -> Result<Utf8Bytes> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(frame))) => bail!("the server closes: {frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error).context("the connection broke"),
                None => bail!("the connection ended"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;

    const OPEN: &str =
        r#"0{"sid":"transport","upgrades":[],"pingInterval":25000,"pingTimeout":60000}"#;

    /// A server that says these frames after each one that it reads; all that it read.
    async fn serve(listener: TcpListener, turns: Vec<Vec<&str>>) -> Vec<String> {
        let (tcp, _) = listener.accept().await.expect("a client comes");
        let mut stream = accept_async(tcp).await.expect("it speaks WebSocket");
        let mut read = Vec::new();
        for (turn, frames) in turns.into_iter().enumerate() {
            if turn > 0 {
                let frame = stream.next().await.expect("it goes on").expect("a frame");
                read.push(frame.into_text().expect("text").to_string());
            }
            for frame in frames {
                let sent = stream.send(Message::text(frame)).await;
                sent.expect("the client reads");
            }
        }
        read
    }

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    #[tokio::test]
    async fn a_socket_connects_answers_pings_and_finds_the_event_it_waits_for() {
        let (listener, address) = listen().await;
        let connected = r#"40{"sid":"ada"}"#;
        let events = vec![r#"42["noise",{"a":1}]"#, r#"42["news",{"b":2}]"#];
        let server = serve(listener, vec![vec![OPEN], vec![connected, "2"], events]);
        let client = async {
            let mut socket = Socket::open(address, "u1").await.expect("connected");
            let news = socket.expect("news").await.expect("it comes");
            (socket.id().to_owned(), news)
        };
        let (read, (id, news)) = tokio::join!(server, client);
        assert_eq!(read, [r#"40{"userId":"u1"}"#, "3"]);
        assert_eq!((id.as_str(), news), ("ada", json!({"b": 2})));
    }

    #[tokio::test]
    async fn a_refusal_says_why() {
        let (listener, address) = listen().await;
        let refused = r#"44{"message":"Authentication required"}"#;
        let server = serve(listener, vec![vec![OPEN], vec![refused]]);
        let (_, opened) = tokio::join!(server, Socket::open(address, "u1"));
        let error = opened.err().expect("nobody is let in").to_string();
        assert!(error.contains("Authentication required"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_disconnects_ends_the_wait() {
        let (listener, address) = listen().await;
        let server = serve(listener, vec![vec![OPEN], vec![r#"40{"sid":"ada"}"#, "41"]]);
        let client = async {
            let mut socket = Socket::open(address, "u1").await.expect("connected");
            socket.expect("news").await
        };
        let (_, outcome) = tokio::join!(server, client);
        let error = outcome.expect_err("no news comes").to_string();
        assert_eq!(error, "the server disconnects");
    }
}
