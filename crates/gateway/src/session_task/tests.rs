//! Sessions whose task panics, over sockets in memory, on two nodes of one cluster.

use std::net::Ipv4Addr;
use std::pin::Pin;

use axum::Error;
use axum::extract::ws::CloseFrame;
use futures_util::{Sink, Stream};
use serde_json::{Value, json};
use switchboard_cluster::Status;
use switchboard_cluster::memory::MemoryCluster;
use switchboard_protocol::Codec;
use switchboard_protocol::codec::EncodeError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::*;
use crate::caller::Caller;
use crate::capacity::Capacity;
use crate::config::Config;
use crate::connection;
use crate::dialect::Frame;
use crate::dialect::native::Native;
use crate::serve::assemble_on;
use crate::source::Source;

/// A test that waits longer for something waits in vain.
const PATIENCE: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_secs(60);

/// The native dialect, which panics at the word `trip`, or as it says `welcome`.
struct Tripping {
    native: Native,
    at_welcome: bool,
}

impl Dialect for Tripping {
    fn name(&self) -> &'static str {
        self.native.name()
    }

    fn resumes(&self) -> bool {
        true
    }

    fn hear(&mut self, frame: Frame<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        assert!(!matches!(frame, Frame::Text("trip")), "by a test");
        self.native.hear(frame, heard);
    }

    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Message),
    ) -> Result<(), EncodeError> {
        let is_welcome = matches!(message, ServerMessage::Welcome(_));
        assert!(!(self.at_welcome && is_welcome), "by a test");
        self.native.say(message, say)
    }
}

/// The gateway's end of a socket.
struct Socket {
    said: UnboundedReceiver<Message>,
    told: UnboundedSender<Message>,
}

impl crate::wire::Socket for Socket {}

impl Stream for Socket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.said.poll_recv(cx).map(|said| said.map(Ok))
    }
}

impl Sink<Message> for Socket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.told.send(message).map_err(Error::new)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}

/// The client's end.
struct Client {
    says: UnboundedSender<Message>,
    hears: UnboundedReceiver<Message>,
    welcome: Value,
}

impl Client {
    fn connect(gateway: &Arc<Gateway>, at_welcome: bool) -> Self {
        let ((says, said), (told, hears)) = (unbounded_channel(), unbounded_channel());
        let caller = Caller {
            token: None,
            source: Source::of(Ipv4Addr::LOCALHOST.into()),
            refused: None,
            carriers: Carriers::default(),
        };
        let dialect = Tripping {
            native: Native::new(Codec::Json),
            at_welcome,
        };
        let wire = Wire::new(Socket { said, told });
        connection::start(gateway.clone(), wire, Box::new(dialect), caller);
        Self {
            says,
            hears,
            welcome: Value::Null,
        }
    }

    async fn welcomed(gateway: &Arc<Gateway>, resume: Value) -> Self {
        let mut client = Self::connect(gateway, false);
        client.say(&json!({ "type": "hello", "resume": resume }).to_string());
        client.welcome = client.hear("welcome").await;
        client
    }

    async fn in_room(gateway: &Arc<Gateway>) -> Self {
        let mut client = Self::welcomed(gateway, Value::Null).await;
        client.say(r#"{"type":"join","id":1,"room":"r"}"#);
        client.hear("joined").await;
        client
    }

    /// The session over another connection.
    async fn resumed(&self, gateway: &Arc<Gateway>) -> Self {
        let secret = &self.welcome["resume"]["secret"];
        let resume = json!({ "peer": self.welcome["peer"], "secret": secret });
        Self::welcomed(gateway, resume).await
    }

    fn say(&self, text: &str) {
        self.says.send(Message::text(text)).expect("it is heard");
    }

    async fn next(&mut self) -> Option<Message> {
        let next = timeout(PATIENCE, self.hears.recv()).await;
        next.expect("something is said in time")
    }

    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let Some(Message::Text(text)) = self.next().await else {
                panic!("no {kind} any more");
            };
            let said: Value = serde_json::from_str(&text).expect("JSON");
            if said["type"] == kind {
                return said;
            }
        }
    }

    /// The code that the connection is closed with; `None`: it is lost.
    async fn end(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(message) = self.next().await {
            if let Message::Close(Some(CloseFrame { code: told, .. })) = message {
                code = Some(told);
                // The closing handshake is over.
                (self.says, _) = unbounded_channel();
            }
        }
        code
    }
}

async fn gateways(window: Duration) -> [Arc<Gateway>; 2] {
    let cluster = MemoryCluster::new();
    [
        gateway(&cluster, window).await,
        gateway(&cluster, window).await,
    ]
}

async fn gateway(cluster: &MemoryCluster, window: Duration) -> Arc<Gateway> {
    let mut config = Config::default();
    config.session.resume_window = window;
    let capacity = Capacity::new(&config.limits, None);
    let address = (Ipv4Addr::LOCALHOST, 1).into();
    let gateway = assemble_on(cluster.backend(), config, capacity, address);
    gateway.node.start();
    let mut status = gateway.node.status();
    let serving = status.wait_for(|status| *status == Status::Serving);
    let serving = timeout(PATIENCE, serving).await;
    drop(serving.expect("it serves in time").expect("it goes on"));
    gateway
}

/// It has nothing left to wait for.
async fn stops(gateway: &Gateway) {
    gateway.tasks.close();
    let waiting = gateway.tasks.wait();
    timeout(PATIENCE, waiting).await.expect("no task is left");
    assert_eq!(gateway.registry.len(), 0);
    assert!(gateway.node.stop(PATIENCE).await, "no session is left");
}

#[tokio::test]
async fn a_session_whose_task_panics_is_away_and_goes_on_elsewhere() {
    let [a, b] = gateways(WINDOW).await;
    let mut alice = Client::in_room(&a).await;
    let mut bob = Client::in_room(&b).await;
    alice.hear("member-joined").await;
    bob.say("trip");
    assert_eq!(bob.end().await, None);
    assert_eq!(alice.hear("member-updated").await["connection"], "away");
    let mut bob = bob.resumed(&a).await;
    assert_eq!(bob.welcome["resumed"], true);
    assert_eq!(alice.hear("member-updated").await["connection"], "live");
    let signal = json!({ "type": "signal", "id": 2, "room": "r", "kind": "offer", "payload": 1 });
    alice.say(&signal.to_string());
    assert_eq!(bob.hear("signal").await["id"], 2);
    assert_eq!(alice.hear("delivered").await["id"], 2);
    stops(&b).await;
}

#[tokio::test]
async fn a_session_whose_task_panicked_and_whose_client_stays_away_expires() {
    let [a, b] = gateways(Duration::from_millis(200)).await;
    let mut alice = Client::in_room(&a).await;
    let bob = Client::in_room(&b).await;
    alice.hear("member-joined").await;
    bob.say("trip");
    let left = alice.hear("member-left").await;
    assert_eq!(
        (&left["peer"], &left["reason"]),
        (&bob.welcome["peer"], &json!("expired"))
    );
    stops(&b).await;
}

#[tokio::test]
async fn a_session_that_panics_again_is_closed_and_leaves() {
    let [a, b] = gateways(WINDOW).await;
    let mut alice = Client::in_room(&a).await;
    let mut bob = Client::in_room(&b).await;
    bob.say("trip");
    assert_eq!(bob.end().await, None);
    let mut bob = bob.resumed(&b).await;
    bob.say("trip");
    assert_eq!(bob.end().await, Some(CloseCode::Protocol.number()));
    assert_eq!(alice.hear("member-left").await["reason"], "disconnected");
    assert_eq!(bob.resumed(&a).await.welcome["resumed"], false);
    stops(&b).await;
}

#[tokio::test]
async fn a_session_whose_welcome_panics_is_no_ghost() {
    let [_, b] = gateways(WINDOW).await;
    let mut bob = Client::connect(&b, true);
    bob.say(r#"{"type":"hello"}"#);
    assert_eq!(bob.end().await, None);
    assert_eq!(b.node.away_count(), 1);
    stops(&b).await;
}
