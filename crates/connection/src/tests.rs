//! Sessions whose task panics, over transports in memory, on two nodes of one cluster.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use switchboard_cluster::memory::MemoryCluster;
use switchboard_cluster::{Credential, Format, InFlightMax, Node, NodeInfo, Settings, Status};
use switchboard_dialects::native::Native;
use switchboard_dialects::{Content, Dialect, Frame, Heard, Introduction};
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::limits::Limits;
use switchboard_protocol::{CloseCode, Codec, NodeId, PeerId, ServerMessage, UserId};
use switchboard_session::grants::Grants;
use switchboard_session::{Closing, Rules};
use switchboard_traces::Traces;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{advance, timeout};
use tokio_util::task::TaskTracker;

use crate::authenticate::{Authenticate, Identity, Refusal};
use crate::connection::{Arrival, Connection};
use crate::host::{Coming, Host, Seat};
use crate::mailbox::Mailbox;
use crate::transport::{Ended, Gone, Transport};

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

    fn hear(&mut self, content: Content<'_>, heard: &mut dyn FnMut(Heard<'_>)) {
        assert!(!matches!(content, Content::Text("trip")), "by a test");
        self.native.hear(content, heard);
    }

    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Frame),
    ) -> Result<(), EncodeError> {
        let is_welcome = matches!(message, ServerMessage::Welcome(_));
        assert!(!(self.at_welcome && is_welcome), "by a test");
        self.native.say(message, say)
    }
}

/// The gateway's end.
struct End {
    said: UnboundedReceiver<Frame>,
    told: UnboundedSender<Frame>,
}

impl Transport for End {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Ended>> {
        self.said.poll_recv(cx).map(|said| said.ok_or(Ended::Gone))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, frame: Frame) -> Result<(), Gone> {
        self.told.send(frame).map_err(|_| Gone)
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }

    fn unwritten(&self) -> usize {
        0
    }
}

/// There is always room.
struct Standing;

impl Seat for Standing {
    fn admit(&mut self, _: Coming) -> Result<(), Closing> {
        Ok(())
    }

    fn welcomed(&mut self, _: &PeerId, _: bool) {}
}

/// Anybody may come in.
struct Open;

#[async_trait]
impl Authenticate for Open {
    async fn authenticate(&self, _: &Introduction<'_>, peer: &PeerId) -> Result<Identity, Refusal> {
        Ok(Identity {
            user: UserId::anonymous(peer),
            name: None,
            avatar: None,
            grants: Grants::default(),
            expires_at: None,
            is_verified: false,
            credential: Credential::default(),
        })
    }
}

/// The client's end.
struct Client {
    says: UnboundedSender<Frame>,
    hears: UnboundedReceiver<Frame>,
    welcome: Value,
}

impl Client {
    fn connect(host: &Arc<Host>, at_welcome: bool) -> Self {
        let ((says, said), (told, hears)) = (unbounded_channel(), unbounded_channel());
        let dialect = Tripping {
            native: Native::new(Codec::Json),
            at_welcome,
        };
        let arrival = Arrival {
            transport: Box::new(End { said, told }),
            dialect: Box::new(dialect),
            peer: PeerId::random(),
            mailbox: Arc::new(Mailbox::new(1 << 20)),
            seat: Box::new(Standing),
            token: None,
            authenticate: Arc::new(Open),
        };
        let mut connection = Connection::new(host.clone(), arrival);
        host.spawn(async move { connection.run().await });
        Self {
            says,
            hears,
            welcome: Value::Null,
        }
    }

    async fn welcomed(host: &Arc<Host>, resume: Value) -> Self {
        let mut client = Self::connect(host, false);
        client.say(&json!({ "type": "hello", "resume": resume }).to_string());
        client.welcome = client.hear("welcome").await;
        client
    }

    async fn in_room(host: &Arc<Host>) -> Self {
        let mut client = Self::welcomed(host, Value::Null).await;
        client.say(r#"{"type":"join","id":1,"room":"r"}"#);
        client.hear("joined").await;
        client
    }

    /// The session over another connection.
    async fn resumed(&self, host: &Arc<Host>) -> Self {
        let secret = &self.welcome["resume"]["secret"];
        let resume = json!({ "peer": self.welcome["peer"], "secret": secret });
        Self::welcomed(host, resume).await
    }

    fn say(&self, text: &str) {
        self.says
            .send(Frame::Text(text.into()))
            .expect("it is heard");
    }

    async fn next(&mut self) -> Option<Frame> {
        let next = timeout(PATIENCE, self.hears.recv()).await;
        next.expect("something is said in time")
    }

    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let Some(Frame::Text(text)) = self.next().await else {
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
            if let Frame::Close(Some(closing)) = message {
                code = Some(closing.code.number());
                // The closing handshake is over.
                (self.says, _) = unbounded_channel();
            }
        }
        code
    }
}

async fn gateways(window: Duration) -> [Arc<Host>; 2] {
    let cluster = MemoryCluster::new();
    [
        gateway(&cluster, window).await,
        gateway(&cluster, window).await,
    ]
}

async fn gateway(cluster: &MemoryCluster, window: Duration) -> Arc<Host> {
    let id = NodeId::start("test");
    let node = Node::new(id, settings(window), cluster.backend(), Arc::new(()));
    node.start();
    let mut status = node.status();
    let serving = status.wait_for(|status| *status == Status::Serving);
    let serving = timeout(PATIENCE, serving).await;
    drop(serving.expect("it serves in time").expect("it goes on"));
    let tasks = TaskTracker::new();
    let host = Host::new(
        node,
        Arc::new(rules(window)),
        Arc::new(()),
        (),
        Arc::new(()),
        tasks,
    );
    Arc::new(host)
}

fn settings(window: Duration) -> Settings {
    Settings {
        info: NodeInfo {
            ops_address: "127.0.0.1:1".into(),
            version: "0".into(),
            format: Format::OWN,
            started_at: 0,
        },
        cluster_key: None,
        lease: Duration::from_secs(4),
        delivery_deadline: Duration::from_secs(75),
        heartbeat_timeout: Duration::from_secs(40),
        resume_window: window,
        in_flight: InFlightMax {
            signals: 1024,
            bytes: 1 << 20,
            node_bytes: 1 << 28,
        },
        away_max: 1000,
        away_bytes: 1 << 24,
        sessions_per_user: 5,
        revocations_kept: Duration::from_secs(3600),
        linger_max: Duration::from_millis(1),
        local_shortcut: false,
        traces: Traces::off(),
    }
}

fn rules(window: Duration) -> Rules {
    Rules {
        hello_timeout: Duration::from_secs(10),
        heartbeat: Duration::from_secs(15),
        heartbeat_timeout: Duration::from_secs(40),
        resume_window: window,
        limits: Limits {
            in_flight: 1024,
            in_flight_bytes: 1 << 20,
            max_message_bytes: 1 << 18,
            signals_per_second: 100,
            burst: 400,
        },
        outbox_bytes_max: 1 << 20,
        requests_per_second: 1000,
        bytes_per_second: 1 << 20,
        fan_out_bytes_per_second: 1 << 24,
        room_capacity: 64,
        room_capacity_max: 1000,
        outlives_token: None,
        rooms_max: 16,
    }
}

/// It has nothing left to wait for.
async fn stops(host: &Host) {
    host.tasks.close();
    let waiting = host.tasks.wait();
    timeout(PATIENCE, waiting).await.expect("no task is left");
    assert!(host.node.stop(PATIENCE).await, "no session is left");
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

#[tokio::test(start_paused = true)]
async fn a_client_that_pings_without_a_pause_does_not_put_its_hello_off() {
    let [a, _] = gateways(WINDOW).await;
    let mut client = Client::connect(&a, false);
    // Whenever the task has its turn, there is one more.
    for _ in 0..1_000_000 {
        client.says.send(Frame::Ping).expect("it is heard");
    }
    let mut waited = Duration::ZERO;
    while waited < Duration::from_secs(11) {
        advance(Duration::from_millis(100)).await;
        waited += Duration::from_millis(100);
    }
    assert!(
        !client.hears.is_empty(),
        "it is closed though more is to be read"
    );
    assert_eq!(client.end().await, Some(CloseCode::Timeout.number()));
}
