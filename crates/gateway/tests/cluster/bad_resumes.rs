//! Sessions that somebody else would like to have.

use std::time::Duration;

use serde_json::json;
use switchboard_client::{ConnectError, Options};
use switchboard_protocol::ServerMessage;
use tokio::time::timeout;

use crate::support::{Cluster, Peer, SECRET_SETTING, Ticket, hear, options, still_well, token};

const ROOM: &str = "study-1";
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever shows this gets a session of its own, without a room, and no other.
async fn shown_in_vain(cluster: &Cluster, stolen: &Ticket) {
    for node in &cluster.nodes {
        let thief = stolen.show(&stolen.options(node)).await;
        let mut thief = thief.unwrap_or_else(|error| panic!("{error}\n{}", node.log()));
        assert!(!thief.welcome.resumed, "{}", node.log());
        assert_ne!(thief.id, stolen.peer);
        assert_eq!(thief.welcome.rooms, None);
        thief.ping().await;
    }
}

/// Both are as before, and nobody has seen anything.
async fn untouched(alice: &mut Peer, bob: &mut Peer) {
    alice.exchange(bob, ROOM).await;
    for peer in [alice, bob] {
        assert_eq!(peer.unasked().await, [], "nothing happened in the room");
    }
}

async fn pair(cluster: &Cluster) -> (Peer, Peer) {
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, MemberJoined);
    hear!(alice, Ready);
    hear!(bob, Ready);
    (alice, bob)
}

#[tokio::test]
async fn a_guessed_secret_resumes_nothing_and_the_session_goes_on() {
    let cluster = Cluster::start(2, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    let good = alice.ticket();
    let mut flipped = good.secret.clone().into_bytes();
    flipped[20] = if flipped[20] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).expect("base64url is ASCII");
    // The epoch, which comes first, raised without the key.
    let raised = format!("AAAAAAAAAAk{}", &good.secret[11..]);
    for secret in [
        String::new(),
        "x".into(),
        "x".repeat(10_000),
        good.secret[1..].into(),
        format!("{}=", good.secret),
        flipped,
        raised,
    ] {
        let guess = Ticket {
            secret,
            ..good.clone()
        };
        shown_in_vain(&cluster, &guess).await;
    }
    untouched(&mut alice, &mut bob).await;
    for node in &cluster.nodes {
        assert_eq!(
            node.metric("switchboard_resumes_total{outcome=\"refused\"}"),
            7.0
        );
        still_well(node).await;
    }
}

#[tokio::test]
async fn a_stolen_peer_id_with_a_secret_of_ones_own_resumes_nothing() {
    let cluster = Cluster::start(2, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    let mallory = Peer::to(&cluster.nodes[1]).await;
    let stolen = Ticket {
        peer: alice.id,
        ..mallory.ticket()
    };
    shown_in_vain(&cluster, &stolen).await;
    let nobody = Ticket {
        peer: switchboard_protocol::PeerId::random(),
        ..mallory.ticket()
    };
    shown_in_vain(&cluster, &nobody).await;
    untouched(&mut alice, &mut bob).await;
}

#[tokio::test]
async fn an_older_secret_is_worth_nothing_once_the_newer_welcome_was_heard() {
    let cluster = Cluster::start(2, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    let old = alice.ticket();
    // Nothing was said after this one's welcome, which might have been lost on its way: the older secret is good still.
    let unheard = old.resume(&cluster.nodes[1]).await;
    let mut alice_again = old.resume(&cluster.nodes[0]).await;
    assert_eq!(alice.closed().await.code, 4409);
    drop(unheard);
    alice_again.ping().await;
    let mut alice = alice_again;
    alice.exchange(&mut bob, ROOM).await;
    shown_in_vain(&cluster, &old).await;
    alice.exchange(&mut bob, ROOM).await;
    let gone = bob.unasked().await;
    let gone = gone
        .iter()
        .any(|message| matches!(message, ServerMessage::MemberLeft(_)));
    assert!(!gone, "she was there all the time");
}

#[tokio::test]
async fn another_users_token_does_not_resume_a_session_with_a_good_secret() {
    let cluster = Cluster::start(2, &[SECRET_SETTING]);
    let come = async |user: &str, node: usize| {
        let token = Some(token(user, json!({})));
        let options = Options {
            token,
            ..options(&cluster.nodes[node])
        };
        Peer::open(&options).await.expect("a good token")
    };
    let (mut alice, mut bob) = (come("alice", 0).await, come("bob", 1).await);
    alice.join(ROOM).await;
    bob.join(ROOM).await;
    hear!(alice, MemberJoined);
    alice.exchange(&mut bob, ROOM).await;
    for peer in [&mut alice, &mut bob] {
        peer.heard();
    }
    let stolen = alice.ticket();
    for node in &cluster.nodes {
        let strangers = Some(token("mallory", json!({})));
        for token in [strangers, None] {
            let options = Options {
                token,
                ..stolen.options(node)
            };
            match stolen.show(&options).await {
                Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, 4401, "{closed}"),
                Err(other) => panic!("{other}"),
                Ok(_) => panic!("was let in"),
            }
        }
    }
    untouched(&mut alice, &mut bob).await;
}

#[tokio::test]
async fn a_token_that_covers_less_than_the_first_takes_the_session_out_of_the_other_rooms() {
    let cluster = Cluster::start(2, &[SECRET_SETTING]);
    let both = json!({ "rooms": ["study-*", "den"] });
    let come = async |user: &str, node: usize| {
        let options = Options {
            token: Some(token(user, both.clone())),
            ..options(&cluster.nodes[node])
        };
        let mut peer = Peer::open(&options).await.expect("a good token");
        peer.join(ROOM).await;
        peer.join("den").await;
        peer
    };
    let mut bob = come("bob", 1).await;
    let ticket = come("alice", 0).await.lose();
    let less = Options {
        token: Some(token("alice", json!({ "rooms": ["study-*"] }))),
        ..ticket.options(&cluster.nodes[1])
    };
    let mut alice = ticket.show(&less).await.expect("her own session");
    let rooms = alice.welcome.rooms.iter().flatten();
    let rooms: Vec<_> = rooms.map(|snapshot| snapshot.room.as_str()).collect();
    assert_eq!(rooms, [ROOM]);
    let left = hear!(bob, MemberLeft);
    assert_eq!((left.room.as_str(), left.peer), ("den", alice.id));
    alice.exchange(&mut bob, ROOM).await;
}

#[tokio::test]
async fn of_many_that_resume_the_same_session_at_once_one_has_it_in_the_end() {
    const CONNECTIONS: usize = 8;
    let cluster = Cluster::start(2, &[]);
    let (alice, mut bob) = pair(&cluster).await;
    let ticket = alice.lose();
    let attempts: Vec<_> = (0..CONNECTIONS)
        .map(|n| {
            let (ticket, options) = (ticket.clone(), ticket.options(&cluster.nodes[n % 2]));
            tokio::spawn(async move { ticket.show(&options).await })
        })
        .collect();
    let mut contenders = Vec::new();
    for attempt in attempts {
        match attempt.await.expect("an attempt ends") {
            Ok(peer) => contenders.push(peer),
            Err(ConnectError::Closed(closed)) => assert_eq!(closed.code, 4409, "{closed}"),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(contenders.iter().all(|peer| peer.welcome.resumed));
    // All but one are told that they are not it any more.
    let mut ends: Vec<_> = contenders
        .into_iter()
        .map(|mut peer| {
            Box::pin(async move {
                let closed = peer.ended().await;
                (peer, closed)
            })
        })
        .collect();
    while ends.len() > 1 {
        let ended = timeout(PATIENCE, futures_util::future::select_all(ends)).await;
        let ((_, closed), _, rest) = ended.expect("only one has it");
        assert_eq!(closed.code, 4409, "{closed}");
        ends = rest;
    }
    drop(ends);
    for node in &cluster.nodes {
        still_well(node).await;
    }
    let left = bob.unasked().await;
    let left = left
        .iter()
        .any(|message| matches!(message, ServerMessage::MemberLeft(_)));
    assert!(!left, "the session is still there");
}
