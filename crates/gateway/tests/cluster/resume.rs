//! A session goes on over another connection, on whichever node.

use serde_json::json;
use switchboard_client::Options;
use switchboard_protocol::server_message::{LeaveReason, Reason};
use switchboard_protocol::{Connection, ErrorCode, Member, ServerMessage};

use crate::support::{
    Cluster, Peer, SECRET_SETTING, SHORT_WINDOW, Ticket, hear, options, still_well, token,
};

const ROOM: &str = "study-1";

/// Alice on the first node, Bob on the second, and nothing to be heard.
async fn pair(cluster: &Cluster) -> (Peer, Peer) {
    let mut alice = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let mut bob = Peer::in_room(&cluster.nodes[1], ROOM).await;
    hear!(alice, MemberJoined);
    hear!(alice, Ready);
    hear!(bob, Ready);
    (alice, bob)
}

async fn becomes(peer: &mut Peer, other: &Ticket, connection: Connection) {
    let updated = hear!(peer, MemberUpdated);
    assert_eq!(
        (updated.peer, updated.connection),
        (other.peer, Some(connection))
    );
}

/// A session that expired is told to its rooms first and forgotten last.
async fn until_forgotten(cluster: &Cluster, ticket: &Ticket) {
    let key = format!("sb:{{peer:{}}}", ticket.peer);
    while cluster.redis.call(&["EXISTS", &key]) != "0" {
        tokio::task::yield_now().await;
    }
}

/// What the next signals hold.
async fn read(peer: &mut Peer, count: usize) -> Vec<String> {
    let mut payloads = Vec::new();
    for _ in 0..count {
        let signal = hear!(peer, Signal);
        payloads.push(String::from_utf8_lossy(&signal.payload.bytes).into_owned());
    }
    payloads
}

fn is_signal(message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::Signal(_))
}

#[tokio::test]
async fn a_session_that_lost_its_connection_goes_on_at_another_node() {
    let cluster = Cluster::start(2, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    alice.join("another").await;
    alice.exchange(&mut bob, ROOM).await;
    let order = |peer: &Peer, members: &[Member]| {
        let member = members.iter().find(|member| member.peer == peer.id);
        member.expect("it is in the room").order
    };
    let mut observer = Peer::to(&cluster.nodes[1]).await;
    let before = order(&alice, &observer.join(ROOM).await.members);

    let former = alice.welcome.resume.secret.clone();
    let ticket = alice.lose();
    becomes(&mut bob, &ticket, Connection::Away).await;
    let waiting: Vec<_> = (1..=3)
        .map(|n| bob.signal(ROOM, Some(ticket.peer), "candidate", n.to_string()))
        .collect();
    let mut alice = ticket.resume(&cluster.nodes[1]).await;
    becomes(&mut bob, &ticket, Connection::Live).await;

    assert_ne!(
        alice.welcome.resume.secret, former,
        "each welcome has its own"
    );
    let rooms = alice
        .welcome
        .rooms
        .clone()
        .expect("a resume brings the rooms");
    let mut names: Vec<_> = rooms.iter().map(|room| room.room.as_str()).collect();
    names.sort();
    assert_eq!(names, ["another", ROOM]);
    let study = rooms.iter().find(|room| room.room.as_str() == ROOM);
    let members = &study.expect("it was just named").members;
    assert_eq!((members.len(), order(&alice, members)), (3, before));
    assert_eq!(read(&mut alice, 3).await, ["1", "2", "3"]);
    let answered = waiting.iter();
    let answered: Vec<_> = answered
        .map(|id| (*id, alice.id.to_string(), Ok(())))
        .collect();
    assert_eq!(alice.listening(bob.answers(3)).await, answered);
    alice.exchange(&mut bob, ROOM).await;
    let [from, to] = [&cluster.nodes[0], &cluster.nodes[1]];
    assert_eq!(
        to.metric("switchboard_resumes_total{outcome=\"resumed\"}"),
        1.0
    );
    still_well(from).await;
    still_well(to).await;
}

#[tokio::test]
async fn a_session_that_moves_before_it_loses_its_connection_is_never_away() {
    let cluster = Cluster::start(3, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    for to in [2, 1, 0, 0] {
        let sent = bob.signal(ROOM, Some(alice.id), "candidate", "1");
        let mut former = alice.move_to(&cluster.nodes[to]).await;
        let closed = former.closed().await;
        assert_eq!(closed.code, 4409, "{closed}");
        let answer = alice.listening(bob.answers(1)).await;
        assert_eq!(answer, [(sent, alice.id.to_string(), Ok(()))]);
        // What the former connection had brought and not acknowledged comes again, for the client to drop.
        let heard = [former.heard(), alice.heard()].map(|heard| {
            let is_it = |message: &&ServerMessage| is_signal(message);
            heard.iter().filter(is_it).count()
        });
        assert!(matches!(heard, [1, 0] | [0, 1] | [1, 1]), "{heard:?}");
        alice.exchange(&mut bob, ROOM).await;
    }
    for peer in [&mut alice, &mut bob] {
        let told = peer.unasked().await;
        let seen = told.iter().any(|message| match message {
            ServerMessage::MemberUpdated(updated) => updated.connection == Some(Connection::Away),
            message => matches!(message, ServerMessage::MemberLeft(_)) || is_signal(message),
        });
        assert!(!seen, "{told:?}");
    }
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

#[tokio::test]
async fn a_killed_nodes_session_goes_on_elsewhere_while_its_lease_still_runs() {
    let mut cluster = Cluster::start(2, &["cluster.lease_ms=20000"]);
    let (mut alice, mut bob) = pair(&cluster).await;
    alice.exchange(&mut bob, ROOM).await;
    cluster.nodes[0].kill();
    let waiting = bob.signal(ROOM, Some(alice.id), "candidate", "1");
    bob.ping().await;
    let mut alice = alice.lose().resume(&cluster.nodes[1]).await;
    assert_eq!(read(&mut alice, 1).await, ["1"]);
    let answers = alice.listening(bob.answers(1)).await;
    assert_eq!(answers, [(waiting, alice.id.to_string(), Ok(()))]);
    alice.exchange(&mut bob, ROOM).await;
    still_well(&cluster.nodes[1]).await;
}

#[tokio::test]
async fn what_was_sent_before_the_loss_and_is_sent_again_is_delivered_once() {
    const SIGNALS: usize = 50;
    let cluster = Cluster::start(2, &["limits.burst=60"]);
    let (mut alice, mut bob) = pair(&cluster).await;
    // Alice reads none of the answers, so she cannot know what was delivered and sends all of it again.
    let sent: Vec<_> = (0..SIGNALS)
        .map(|n| alice.signal(ROOM, Some(bob.id), "candidate", n.to_string()))
        .collect();
    alice.connection.flush().await.expect("the gateway reads");
    let first = read(&mut bob, SIGNALS / 2).await;
    let mut alice = alice.lose().resume(&cluster.nodes[1]).await;
    for (n, id) in sent.iter().enumerate() {
        alice.signal_as(*id, ROOM, Some(bob.id), "candidate", n.to_string());
    }
    let last = alice.signal(ROOM, Some(bob.id), "candidate", "\"last\"");
    let rest = read(&mut bob, SIGNALS / 2 + 1).await;
    let expected = (0..SIGNALS).map(|n| n.to_string());
    let expected: Vec<_> = expected.chain(["\"last\"".into()]).collect();
    assert_eq!([first, rest].concat(), expected);
    let answered = sent.into_iter().chain([last]);
    let answered: Vec<_> = answered
        .map(|id| (id, bob.id.to_string(), Ok(())))
        .collect();
    // What had arrived before is answered as it comes again, the rest as bob handles it: in no order between the two.
    let mut told = bob.listening(alice.answers(SIGNALS + 1)).await;
    told.sort_unstable_by_key(|(id, ..)| *id);
    assert_eq!(told, answered);
    assert!(!bob.unasked().await.iter().any(is_signal));
}

#[tokio::test]
async fn what_a_client_has_seen_does_not_come_again_and_what_it_has_not_does() {
    let cluster = Cluster::start(2, &[]);
    let (mut alice, mut bob) = pair(&cluster).await;
    let sent = [1, 2, 3, 4].map(|n| bob.signal(ROOM, Some(alice.id), "candidate", n.to_string()));
    bob.connection.flush().await.expect("the gateway reads");
    // Read past the one who says `received`.
    let mut unread = sent.len();
    while unread > 0 {
        let message = alice.connection.next().await.expect("a signal");
        unread -= usize::from(is_signal(&message));
    }
    let mut ticket = alice.lose();
    ticket.seen.insert(bob.id, sent[1]);
    let mut alice = ticket.resume(&cluster.nodes[1]).await;
    let mut answers = alice.listening(bob.answers(4)).await;
    answers.sort_by_key(|(id, ..)| *id);
    let expected = sent.map(|id| (id, alice.id.to_string(), Ok(())));
    assert_eq!(answers, expected);
    let told = alice.heard();
    let again = told.iter().filter_map(|message| match message {
        ServerMessage::Signal(signal) => Some(signal.id),
        _ => None,
    });
    assert_eq!(again.collect::<Vec<_>>(), sent[2..]);
}

#[tokio::test]
async fn a_goodbye_with_a_hold_is_away_for_that_long_and_can_be_taken_back() {
    let cluster = Cluster::start(2, &[]);
    let (alice, mut bob) = pair(&cluster).await;
    let ticket = alice.ticket();
    alice.bye_for(30_000).await;
    becomes(&mut bob, &ticket, Connection::Away).await;
    let alice = ticket.resume(&cluster.nodes[1]).await;
    becomes(&mut bob, &ticket, Connection::Live).await;
    let ticket = alice.ticket();
    alice.bye_for(300).await;
    becomes(&mut bob, &ticket, Connection::Away).await;
    let waiting = bob.signal(ROOM, Some(ticket.peer), "candidate", "1");
    let left = hear!(bob, MemberLeft);
    assert_eq!(
        (left.peer, left.reason),
        (ticket.peer, LeaveReason::Expired)
    );
    assert_eq!(
        bob.answers(1).await,
        [(waiting, ticket.peer.to_string(), Err(Reason::Expired))]
    );
    until_forgotten(&cluster, &ticket).await;
    let late = ticket.show(&ticket.options(&cluster.nodes[0])).await;
    let late = late.expect("a new session");
    assert!(!late.welcome.resumed && late.id != ticket.peer);
    assert_eq!(late.welcome.rooms, None);
}

#[tokio::test]
async fn a_session_that_does_not_come_back_leaves_at_the_end_of_its_window() {
    let cluster = Cluster::start(2, &SHORT_WINDOW);
    let (alice, mut bob) = pair(&cluster).await;
    assert_eq!(alice.welcome.resume.window_ms, 10_100);
    let ticket = alice.lose();
    becomes(&mut bob, &ticket, Connection::Away).await;
    let left = hear!(bob, MemberLeft);
    assert_eq!(
        (left.peer, left.reason),
        (ticket.peer, LeaveReason::Expired)
    );
    until_forgotten(&cluster, &ticket).await;
    let late = ticket.show(&ticket.options(&cluster.nodes[1])).await;
    assert!(!late.expect("a new session").welcome.resumed);
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

#[tokio::test]
async fn in_a_full_room_a_user_gets_the_place_of_his_own_away_session_and_nobody_elses() {
    let cluster = Cluster::start(2, &[SECRET_SETTING]);
    let come = async |user: &str, node: usize| {
        let token = Some(token(user, json!({})));
        let gateway = &cluster.nodes[node];
        let options = Options {
            token,
            ..options(gateway)
        };
        Peer::open(&options).await.expect("a good token")
    };
    let mut alice = come("alice", 0).await;
    alice
        .try_join(ROOM, Some(2))
        .await
        .expect("the room is new");
    let mut bob = come("bob", 1).await;
    bob.join(ROOM).await;
    let first = alice.lose();
    becomes(&mut bob, &first, Connection::Away).await;

    let mut carol = come("carol", 0).await;
    let refused = carol.try_join(ROOM, None).await.map_err(|error| error.code);
    assert_eq!(
        refused,
        Err(ErrorCode::RoomFull),
        "an away member keeps its place"
    );
    let mut second = come("alice", 1).await;
    let joined = second.join(ROOM).await;
    let members: Vec<_> = joined.members.iter().map(|member| member.peer).collect();
    assert_eq!(members, [bob.id, second.id]);
    assert_eq!(hear!(bob, MemberLeft).peer, first.peer);
    assert_eq!(hear!(bob, MemberJoined).member.peer, second.id);
    second.exchange(&mut bob, ROOM).await;
    let mut third = come("alice", 0).await;
    let refused = third.try_join(ROOM, None).await.map_err(|error| error.code);
    assert_eq!(
        refused,
        Err(ErrorCode::RoomFull),
        "his other session is live"
    );
}
