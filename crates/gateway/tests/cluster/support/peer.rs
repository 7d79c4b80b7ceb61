//! A client that keeps what it heard until the test asks for it.

mod requests;
mod resume;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use switchboard_client::{Closed, ConnectError, Connection, Disconnected, Options};
use switchboard_protocol::client_message::{Ping, Received};
use switchboard_protocol::server_message::Welcome;
use switchboard_protocol::{ClientMessage, PeerId, ServerMessage};
use switchboard_testkit::GatewayProcess;
use tokio::time::timeout;

pub(crate) use resume::Ticket;

/// Whoever waits longer for a message waits in vain, also on a loaded machine: no signal is unanswered for longer than
/// 25 s with the windows used here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A welcomed client.
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) welcome: Welcome,
    pub(crate) connection: Connection,
    receipts: bool,
    /// For each sender, the last id that was read.
    seen: BTreeMap<PeerId, u64>,
    heard: VecDeque<ServerMessage>,
    next_id: u64,
}

/// A client of `gateway` that says `received`.
pub(crate) fn options(gateway: &GatewayProcess) -> Options {
    Options {
        open_timeout: PATIENCE,
        ..Options::new(gateway.url())
    }
}

impl Peer {
    pub(crate) async fn open(options: &Options) -> Result<Self, ConnectError> {
        let (connection, welcome) = Connection::open(options).await?;
        let (id, receipts) = (welcome.peer, options.receipts);
        Ok(Self {
            id,
            welcome,
            connection,
            receipts,
            seen: BTreeMap::new(),
            heard: VecDeque::new(),
            next_id: 1,
        })
    }

    pub(crate) async fn to(gateway: &GatewayProcess) -> Self {
        Self::open(&options(gateway))
            .await
            .unwrap_or_else(|error| panic!("{error}\n{}", gateway.log()))
    }

    pub(crate) async fn in_room(gateway: &GatewayProcess, room: &str) -> Self {
        let mut peer = Self::to(gateway).await;
        peer.join(room).await;
        peer
    }

    /// The first message that `pick` takes, among those heard before or else yet to come; others wait their turn.
    pub(crate) async fn hear<T>(
        &mut self,
        what: &str,
        pick: impl Fn(&ServerMessage) -> Option<T>,
    ) -> T {
        let kept = self
            .heard
            .iter()
            .enumerate()
            .find_map(|(index, message)| Some((index, pick(message)?)));
        if let Some((index, picked)) = kept {
            self.heard.remove(index);
            return picked;
        }
        loop {
            let message = match timeout(PATIENCE, self.next()).await {
                Ok(Ok(message)) => message,
                Ok(Err(ended)) => panic!("waiting for {what}: {ended}; heard {:?}", self.heard),
                Err(_) => panic!("waited for {what} in vain; heard {:?}", self.heard),
            };
            if let Some(picked) = pick(&message) {
                return picked;
            }
            self.heard.push_back(message);
        }
    }

    async fn next(&mut self) -> Result<ServerMessage, Disconnected> {
        let message = self.connection.next().await?;
        if let ServerMessage::Signal(signal) = &message {
            let (from, id) = (signal.from, signal.id);
            self.seen.insert(from, id);
            if self.receipts {
                self.say(&ClientMessage::Received(Received { from, id }));
            }
        }
        Ok(message)
    }

    /// How the gateway closes this connection; what it says before is kept.
    pub(crate) async fn closed(&mut self) -> Closed {
        match timeout(PATIENCE, self.ended()).await {
            Ok(closed) => closed,
            Err(_) => panic!("was never closed; heard {:?}", self.heard),
        }
    }

    /// The same, and however long it takes.
    pub(crate) async fn ended(&mut self) -> Closed {
        loop {
            match self.next().await {
                Ok(message) => self.heard.push_back(message),
                Err(Disconnected::Closed(closed)) => return closed,
                Err(ended) => panic!("expected a close frame: {ended}; heard {:?}", self.heard),
            }
        }
    }

    /// Reads on until something else has come about; what comes is kept.
    pub(crate) async fn listening<T>(&mut self, until: impl Future<Output = T>) -> T {
        tokio::select! {
            result = until => result,
            closed = self.ended() => panic!("was closed: {closed}"),
        }
    }

    /// Everything heard that nobody asked for, without reading on.
    pub(crate) fn heard(&mut self) -> Vec<ServerMessage> {
        self.heard.drain(..).collect()
    }

    /// A ping and its pong: the gateway has taken everything said before.
    pub(crate) async fn ping(&mut self) {
        let id = self.ask(|id| ClientMessage::Ping(Ping { id: Some(id) }));
        self.hear("Pong", |message| {
            matches!(message, ServerMessage::Pong(pong) if pong.re == Some(id)).then_some(())
        })
        .await;
    }

    /// Everything said to it until now that nobody asked for.
    pub(crate) async fn unasked(&mut self) -> Vec<ServerMessage> {
        self.ping().await;
        self.heard()
    }

    /// Writes what the kernel takes of it; the rest goes with the next reading.
    pub(crate) fn say(&mut self, message: &ClientMessage<'_>) {
        self.connection
            .feed(message)
            .expect("the message can be written");
        self.connection.try_flush();
    }

    /// Says something under the next id.
    pub(crate) fn ask<'a>(&mut self, message: impl FnOnce(u64) -> ClientMessage<'a>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.say(&message(id));
        id
    }

    /// One signal each way, delivered and answered.
    pub(crate) async fn exchange(&mut self, other: &mut Peer, room: &str) {
        for _ in 0..2 {
            let id = self.signal(room, Some(other.id), "offer", r#"{"type":"offer"}"#);
            let from = self.id;
            let came = |message: &ServerMessage| matches!(message, ServerMessage::Signal(signal) if signal.from == from && signal.id == id);
            other
                .hear("Signal", |message| came(message).then_some(()))
                .await;
            other
                .connection
                .flush()
                .await
                .expect("the receipt can be written");
            assert_eq!(self.answers(1).await, [(id, other.id.to_string(), Ok(()))]);
            std::mem::swap(self, other);
        }
    }

    /// Says goodbye; the gateway closes with 1000.
    pub(crate) async fn bye(self) {
        let ended = timeout(PATIENCE, self.connection.bye())
            .await
            .expect("the gateway answers a goodbye");
        assert!(
            matches!(&ended, Disconnected::Closed(closed) if closed.code == 1000),
            "{ended}"
        );
    }
}
