//! A small life of a cluster, in two halves: what fills a directory, and what then reads, changes and resumes it.

use std::fmt::{Display, Write};

use super::samples::{node, peer, profiles, room, user};
use super::words::{
    in_debug, letters, of_info, of_join, of_key, of_leave, of_presence, of_rename, of_roster,
    of_session, of_sighting, of_table, of_take_over, of_update,
};
use crate::Backend;
use crate::backend::bucket::Bucket;
use crate::backend::directory::{
    Admission, Admitted, AssertMember, Attach, AttachOutcome, Claim, Directory, JoinOutcome,
    JoinRequest, PeerOrName, Rename, TakeOver,
};
use crate::backend::format::Format;
use crate::backend::leases::{Lease, NodeInfo, SharedKey};
use crate::backend::record::{Flags, MemberRecord, PeerRecord};

/// Letter, user, node.
const PEOPLE: [(char, &str, &str); 5] = [
    ('A', "alice", "gw-a"),
    ('B', "어머니 50% {a}", "gw-b"),
    ('C', "observer", "gw-a"),
    ('D', "dee", "gw-b"),
    ('E', "alice", "gw-c"),
];

/// What a node tells of itself, whichever release it is of.
fn info(name: &str) -> NodeInfo {
    NodeInfo {
        ops_address: format!("{name}.example:9090"),
        version: "0.2.0".into(),
        format: Format::FIRST,
        started_at: 1_790_000_000_000,
    }
}

fn shared_key(first: u8, generation: u64) -> SharedKey {
    SharedKey {
        key: [first; 32],
        generation,
        former: None,
    }
}

fn request(letter: char, epoch: u64) -> JoinRequest {
    let (_, user_name, on) = PEOPLE[usize::from(letter as u8 - b'A')];
    JoinRequest {
        room: room("lobby"),
        peer: peer(letter),
        epoch,
        node: node(on),
        user: user(user_name),
        flags: Flags {
            hidden: letter == 'C',
            resumable: letter != 'E',
            ..Flags::default()
        },
        capacity: 4,
        may_create: true,
        profile: profiles()[if letter == 'D' { 1 } else { 3 }].clone(),
        claim: (letter == 'D').then_some(Claim::IfFree),
        whole: letter == 'A',
    }
}

fn take_over(letter: char, epoch: u64, on: &str, away: bool) -> TakeOver {
    TakeOver {
        room: room("lobby"),
        peer: peer(letter),
        epoch,
        node: node(on),
        away,
        whole: false,
    }
}

fn attach(letter: char, epoch: u64, on: &str, shown: Option<u64>) -> Attach {
    Attach {
        peer: peer(letter),
        epoch,
        node: node(on),
        user: request(letter, epoch).user,
        credential: None,
        shown,
    }
}

/// Three nodes, five sessions, two rooms; one session is away, one hidden, one holds a name, one node is claimed.
pub(super) async fn fill(backend: &Backend) {
    let (directory, leases) = (&*backend.directory, &*backend.leases);
    for bucket in Bucket::all() {
        directory.open_bucket(bucket).await.expect("it answers");
    }
    leases
        .cluster_key(&shared_key(0xa7, 1))
        .await
        .expect("it answers");
    for name in ["gw-a", "gw-b", "gw-c"] {
        leases
            .register(&node(name), &info(name))
            .await
            .expect("it answers");
        leases.renew(&node(name), &0).await.expect("it answers");
    }
    leases
        .cluster_key(&shared_key(0xa8, 2))
        .await
        .expect("it answers");
    for (letter, user_name, on) in PEOPLE {
        enter(directory, letter, user_name, on).await;
    }
    let study = JoinRequest {
        room: room("회의실"),
        ..request('A', 1)
    };
    directory
        .intend(&study.peer, 1, &study.room, true)
        .await
        .expect("it answers");
    directory.join(&study).await.expect("it answers");
    directory.prove(&peer('A'), 1).await.expect("it answers");
    directory
        .note_away(&peer('B'), 1, &node("gw-b"))
        .await
        .expect("it answers");
    directory
        .take_over(&take_over('B', 1, "gw-b", true))
        .await
        .expect("it answers");
    let dead = Lease {
        node: node("gw-c"),
        counter: 2,
        claimed_by: None,
    };
    let claimed = leases.claim(&dead, &node("gw-b")).await;
    assert_eq!(claimed, Ok(true));
}

async fn enter(directory: &dyn Directory, letter: char, user_name: &str, on: &str) {
    let (peer, user, on, lobby) = (peer(letter), user(user_name), node(on), room("lobby"));
    directory.enlist(&on, &peer).await.expect("it answers");
    let attached = directory
        .attach(&attach(letter, 1, on.as_str(), None))
        .await;
    assert!(
        matches!(attached, Ok(AttachOutcome::Attached { .. })),
        "{attached:?}"
    );
    let admission = Admission {
        user,
        peer,
        node: on.clone(),
        sessions_max: 5,
        issued_at: None,
    };
    assert_eq!(directory.admit(&admission).await, Ok(Admitted::Yes));
    assert_eq!(directory.intend(&peer, 1, &lobby, true).await, Ok(true));
    let joined = directory.join(&request(letter, 1)).await;
    let is_in = matches!(
        joined,
        Ok(JoinOutcome::Joined { .. } | JoinOutcome::Entered { .. })
    );
    assert!(is_in, "{joined:?}");
}

/// Reads all of it, changes it as nodes do, and reads it again: in words.
pub(super) async fn change(backend: &Backend) -> String {
    let mut said = Said(backend, String::new());
    said.everything("before").await;
    said.members_change().await;
    said.a_session_resumes().await;
    said.everything("after the resume").await;
    said.a_dead_node_is_cleaned_up_after().await;
    said.what_was_lost_is_written_again().await;
    said.sessions_end().await;
    said.everything("after").await;
    said.1
}

struct Said<'a>(&'a Backend, String);

impl Said<'_> {
    fn note(&mut self, what: impl Display, answer: Result<impl ToString, impl Display>) {
        let answer = answer.map_or_else(|error| error.to_string(), |answer| answer.to_string());
        writeln!(self.1, "{what}: {answer}").expect("a text takes it");
    }

    async fn everything(&mut self, when: &str) {
        let directory = &*self.0.directory;
        for name in ["lobby", "회의실", "nobody's"] {
            let roster = directory.roster(&room(name)).await;
            self.note(format!("{when}: room {name}"), roster.map(of_roster));
        }
        for (letter, ..) in PEOPLE {
            let session = directory.peer(&peer(letter)).await;
            self.note(format!("{when}: session {letter}"), session.map(of_session));
            let presence = directory.presence(&peer(letter)).await;
            self.note(
                format!("{when}: presence of {letter}"),
                presence.map(of_presence),
            );
        }
        for name in ["alice", "dee"] {
            let sessions = directory.user_sessions(&user(name)).await;
            self.note(format!("{when}: sessions of {name}"), sessions.map(letters));
        }
        self.nodes(when).await;
    }

    async fn nodes(&mut self, when: &str) {
        let (directory, leases) = (&*self.0.directory, &*self.0.leases);
        for name in ["gw-a", "gw-b", "gw-c"] {
            let enlisted = directory.enlisted(&node(name)).await;
            self.note(format!("{when}: noted for {name}"), enlisted.map(letters));
            let info = leases.info(&node(name)).await;
            self.note(format!("{when}: node {name}"), info.map(of_info));
        }
        self.note(format!("{when}: leases"), leases.read().await.map(of_table));
        let key = leases.cluster_key(&shared_key(0xa9, 1)).await;
        self.note(format!("{when}: key"), key.map(of_key));
    }

    async fn members_change(&mut self) {
        let directory = &*self.0.directory;
        for wanted in [
            PeerOrName::Peer(peer('B')),
            PeerOrName::Name("Ada".into()),
            PeerOrName::Name("nobody".into()),
        ] {
            let seen = directory.look_up(&room("lobby"), &wanted).await;
            self.note(format!("look up {wanted:?}"), seen.map(of_sighting));
        }
        let updated = directory
            .update(&room("lobby"), &peer('A'), 1, &profiles()[2])
            .await;
        self.note("A says something else of itself", updated.map(of_update));
        for claim in [Claim::IfFree, Claim::FromAnybody] {
            let rename = Rename {
                room: room("lobby"),
                peer: peer('A'),
                epoch: 1,
                profile: profiles()[1].clone(),
                claim,
            };
            let renamed = directory.rename(&rename).await;
            self.note(
                format!("A takes the name of D, {claim:?}"),
                renamed.map(of_rename),
            );
        }
        let again = directory.join(&request('D', 1)).await;
        self.note("D comes again", again.map(of_join));
    }

    async fn a_session_resumes(&mut self) {
        let directory = &*self.0.directory;
        let attached = directory.attach(&attach('B', 2, "gw-a", Some(1))).await;
        self.note("B resumes", attached.map(in_debug));
        let stale = directory.attach(&attach('B', 1, "gw-b", Some(1))).await;
        self.note("B under its old epoch", stale.map(in_debug));
        let back = directory.take_over(&take_over('B', 2, "gw-a", false)).await;
        self.note("B is back", back.map(of_take_over));
        let late = directory.take_over(&take_over('B', 1, "gw-b", true)).await;
        self.note("B is away, said too late", late.map(of_take_over));
        self.note("B proves it", directory.prove(&peer('B'), 2).await);
        let outdated = directory.attach(&attach('B', 3, "gw-a", Some(1))).await;
        self.note("B with an old secret", outdated.map(in_debug));
    }

    async fn a_dead_node_is_cleaned_up_after(&mut self) {
        let (directory, leases) = (&*self.0.directory, &*self.0.leases);
        let (dead, keeper, gone) = (node("gw-c"), node("gw-b"), peer('E'));
        let handed = directory.hand_over(&gone, 1, &dead, &keeper).await;
        self.note("E is handed over", handed);
        let left = directory.leave(&room("lobby"), &gone, 1).await;
        self.note("E leaves", left.map(of_leave));
        self.note("E is forgotten", directory.forget(&gone, 1).await);
        let dismissed = directory.dismiss(&user("alice"), &gone).await;
        self.note("E is dismissed", dismissed.map(in_debug));
        let delisted = directory.delist(&dead, &gone).await;
        self.note("E is delisted", delisted.map(in_debug));
        let renewal = leases.renew(&dead, &0).await;
        self.note("gw-c renews", renewal.map(in_debug));
        let buried = leases.bury(&dead, &keeper).await;
        self.note("gw-c is buried", buried.map(in_debug));
        let renewal = leases.renew(&node("gw-a"), &9).await;
        self.note("gw-a renews", renewal.map(in_debug));
        let abandoned = leases.abandon(&keeper).await;
        self.note("gw-b stops", abandoned.map(in_debug));
    }

    async fn what_was_lost_is_written_again(&mut self) {
        let directory = &*self.0.directory;
        let session = PeerRecord {
            peer: peer('F'),
            node: node("gw-a"),
            epoch: 3,
            proven: 2,
            user: user("frida"),
            credential: None,
            rooms: vec![room("lobby")],
        };
        let asserted = directory.assert_peer(&session).await;
        self.note("F is written again", asserted.map(in_debug));
        let asserted = directory.assert_member(&lost_member()).await;
        self.note("F is a member again", asserted.map(in_debug));
        let left = directory
            .leave_kept(&room("lobby"), &peer('F'), 3, &node("gw-b"))
            .await;
        self.note("F is not kept by gw-b", left.map(of_leave));
    }

    async fn sessions_end(&mut self) {
        let (directory, leases) = (&*self.0.directory, &*self.0.leases);
        let noted = directory.note_away(&peer('D'), 1, &node("gw-b")).await;
        self.note("D is away", noted);
        let evicted = directory.evict(&peer('D'), 1, &node("gw-a")).await;
        self.note("D makes way", evicted.map(in_debug));
        let left = directory.leave(&room("회의실"), &peer('A'), 1).await;
        self.note("A leaves, the last one", left.map(of_leave));
        let intended = directory
            .intend(&peer('A'), 1, &room("회의실"), false)
            .await;
        self.note("A wants to be there no more", intended);
        let released = leases.release(&node("gw-a")).await;
        self.note("gw-a stops", released.map(in_debug));
    }
}

/// A member that the directory has lost, as its node knows it.
fn lost_member() -> AssertMember {
    let member = MemberRecord {
        peer: peer('F'),
        epoch: 3,
        node: node("gw-a"),
        order: 9,
        flags: Flags {
            resumable: true,
            ..Flags::default()
        },
        user: user("frida"),
        joined_at: 1_790_000_000_000,
        profile: profiles()[3].clone(),
        unread: None,
    };
    AssertMember {
        room: room("lobby"),
        member,
        revision: 5,
        ready: 2,
        capacity: 4,
        order_max: 9,
        lift: false,
        own: true,
    }
}
