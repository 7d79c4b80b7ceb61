//! Observers.

use serde_json::json;
use switchboard_client::Options;
use switchboard_protocol::server_message::{Joined, Reason};
use switchboard_protocol::{ErrorCode, PeerId, ServerMessage};
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, SECRET_SETTING, hear, options, token};

const ROOM: &str = "study-1";

async fn come(gateway: &GatewayProcess, user: &str, hidden: bool) -> Peer {
    let token = token(user, json!({ "hidden": hidden }));
    Peer::open(&Options {
        token: Some(token),
        ..options(gateway)
    })
    .await
    .expect("a good token")
}

/// Two in a room for two, on different nodes, and an observer that came between them.
struct Observed {
    cluster: Cluster,
    alice: Peer,
    bob: Peer,
    observer: Peer,
}

impl Observed {
    async fn start() -> Self {
        let cluster = Cluster::start(2, &[SECRET_SETTING]);
        let [a, b] = &cluster.nodes[..] else {
            panic!("two nodes were started")
        };
        let mut alice = come(a, "alice", false).await;
        alice
            .try_join(ROOM, Some(2))
            .await
            .expect("the room is new");
        let mut observer = come(b, "observer", true).await;
        assert_eq!(members(&observer.join(ROOM).await), [alice.id]);
        let mut bob = come(b, "bob", false).await;
        assert_eq!(members(&bob.join(ROOM).await), [alice.id, bob.id]);
        assert_eq!(hear!(alice, Ready).peers, [alice.id, bob.id]);
        assert_eq!(hear!(observer, MemberJoined).member.peer, bob.id);
        Self {
            cluster,
            alice,
            bob,
            observer,
        }
    }

    /// Ends the observer, and looks at all that Alice heard.
    async fn nobody_heard_of_it(mut self) {
        let of_observer = self.observer.id;
        self.observer.bye().await;
        // Bob's return comes after the observer's end, so alice would have heard of it.
        self.bob.leave(ROOM).await;
        self.bob.join(ROOM).await;
        hear!(self.alice, Ready);
        let told = self.alice.unasked().await;
        assert!(
            told.iter().all(|message| !tells_of(message, of_observer)),
            "{told:?}"
        );
        for node in &self.cluster.nodes {
            assert!(!node.log().contains("panicked"));
        }
    }
}

fn members(joined: &Joined) -> Vec<PeerId> {
    joined.members.iter().map(|member| member.peer).collect()
}

fn tells_of(message: &ServerMessage, peer: PeerId) -> bool {
    format!("{message:?}").contains(peer.as_str())
}

#[tokio::test]
async fn an_observer_takes_no_place_and_makes_nobody_ready() {
    let observed = Observed::start().await;
    let mut carol = come(&observed.cluster.nodes[0], "carol", false).await;
    assert_eq!(
        carol.try_join(ROOM, None).await.map_err(|error| error.code),
        Err(ErrorCode::RoomFull)
    );
    observed.nobody_heard_of_it().await;
}

#[tokio::test]
async fn an_observer_hears_signals_and_neither_sends_nor_receives_one() {
    let mut observed = Observed::start().await;
    let Observed {
        alice,
        bob,
        observer,
        ..
    } = &mut observed;
    let id = alice.signal(ROOM, None, "chat", "1");
    assert_eq!(hear!(alice, Done).to, Some(vec![bob.id]));
    assert_eq!(hear!(observer, Signal).id, id);
    hear!(bob, Signal);
    bob.connection.flush().await.expect("a receipt is written");
    assert_eq!(alice.answers(1).await, [(id, bob.id.to_string(), Ok(()))]);

    let id = alice.signal(ROOM, Some(observer.id), "chat", "2");
    assert_eq!(
        alice.answers(1).await,
        [(id, observer.id.to_string(), Err(Reason::NoSuchPeer))]
    );
    for to in [None, Some(alice.id)] {
        observer.signal(ROOM, to, "chat", "3");
        assert_eq!(hear!(observer, Error).code, ErrorCode::Forbidden);
    }
    observed.nobody_heard_of_it().await;
}

#[tokio::test]
async fn an_observer_hears_of_members_and_nobody_hears_of_it() {
    let mut observed = Observed::start().await;
    let Observed {
        alice,
        bob,
        observer,
        ..
    } = &mut observed;
    observer.change_state(ROOM, r#"{"seen":false}"#).await;
    bob.change_state(ROOM, r#"{"muted":true}"#).await;
    assert_eq!(hear!(observer, MemberUpdated).peer, bob.id);
    bob.leave(ROOM).await;
    assert_eq!(hear!(observer, MemberLeft).peer, bob.id);
    bob.join(ROOM).await;
    hear!(alice, Ready);
    observed.nobody_heard_of_it().await;
}

#[tokio::test]
async fn an_observer_may_enter_a_full_room() {
    let cluster = Cluster::start(1, &[SECRET_SETTING]);
    let mut alice = come(&cluster.nodes[0], "alice", false).await;
    alice
        .try_join(ROOM, Some(1))
        .await
        .expect("the room is new");
    let mut observer = come(&cluster.nodes[0], "observer", true).await;
    assert_eq!(observer.join(ROOM).await.members.len(), 1);
    assert_eq!(alice.unasked().await, []);
}
