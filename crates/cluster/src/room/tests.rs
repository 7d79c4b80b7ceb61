//! One room, without a directory.

use std::sync::Arc;

use parking_lot::Mutex;
use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId, ServerMessage};
use switchboard_traces::Traces;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::backend::record::{Flags, Profile, Unread};
use crate::backend::record::{MemberRecord, RosterSnapshot};
use crate::backend::revocation::Credential;
use crate::link::envelope::{Change, RosterChange};
use crate::room::roster::Roster;
use crate::sessions::directory_state::DirectoryState;
use crate::sessions::local_session::LocalSession;
use crate::sessions::local_session::{NewSession, OutboxFull, Recipient};
use crate::signal::Signals;
use crate::signal::inbound::Inbound;
use crate::signal::unanswered::bounds::InFlightMax;

struct Nobody;

impl Recipient for Nobody {
    fn push(&self, _: ServerMessage) -> Result<(), OutboxFull> {
        Ok(())
    }

    fn superseded(&self) {}

    fn revoked(&self) {}
}

#[derive(Default)]
struct Hears(Mutex<Vec<ServerMessage>>);

impl Recipient for Hears {
    fn push(&self, message: ServerMessage) -> Result<(), OutboxFull> {
        self.0.lock().push(message);
        Ok(())
    }

    fn superseded(&self) {}

    fn revoked(&self) {}
}

fn local(peer: PeerId) -> Arc<LocalSession> {
    told_to(peer, Arc::new(Nobody))
}

fn told_to(peer: PeerId, recipient: Arc<dyn Recipient>) -> Arc<LocalSession> {
    let session = NewSession {
        peer,
        user: "alice".parse().expect("a user id"),
        credential: Credential::default(),
        receipts: true,
        hidden: false,
        resumable: true,
        recipient,
    };
    let in_flight = InFlightMax {
        signals: 1,
        bytes: 1,
        node_bytes: 1,
    };
    let streams = Signals::new(in_flight, Traces::off()).streams((peer, 1), Inbound::default());
    Arc::new(LocalSession::new(
        session,
        1,
        streams,
        DirectoryState::new(1, None),
    ))
}

fn member(peer: PeerId) -> MemberRecord {
    MemberRecord {
        peer,
        epoch: 1,
        node: NodeId::start("node"),
        order: 1,
        flags: Flags::default(),
        user: "alice".parse().expect("a user id"),
        joined_at: 0,
        profile: Profile::default(),
        unread: None,
    }
}

#[test]
fn whoever_is_let_in_by_a_directory_that_went_back_in_time_is_in_once_the_roster_has_him() {
    let (own, other) = (PeerId::random(), PeerId::random());
    let read = |revision, peers: &[PeerId]| {
        let members = peers.iter().copied().map(member).collect();
        RosterSnapshot::of(revision, 0, 8, members)
    };
    let mut room = Room::new("r".parse().expect("a room id"));
    room.roster = Some(Roster::new(read(5, &[other])));
    room.open(own);
    let joining = local(own);
    let (mut joined, _) = room.admit(
        &joining,
        EnteredBy::Join(1),
        4,
        Some(read(4, &[other, own])),
    );
    assert!(joined.try_recv().is_err());
    // Another's step has the revision that comes next.
    room.step(RosterChange {
        room: room.id.clone(),
        revision: 6,
        change: Change::Moved {
            member: member(other),
        },
    });
    assert!(joined.try_recv().is_err() && room.is_behind());
    room.install(read(7, &[other, own]), false);
    assert!(joined.try_recv().is_ok() && !room.is_behind());
}

#[test]
fn nobody_is_shown_itself_as_away() {
    let own = member(PeerId::random());
    let mut away = own.clone();
    away.flags.away = true;
    let mut room = Room::new("r".parse().expect("a room id"));
    let entry = EnteredBy::Resume;
    let read = RosterSnapshot::of(5, 0, 8, vec![away]);
    let (mut joined, _) = room.admit(&local(own.peer), entry, 5, Some(read));
    let shown = joined.try_recv().expect("it is in");
    assert_eq!(shown.members, [own.to_member()]);
}

#[test]
fn whoever_had_to_go_before_the_roster_reached_its_join_is_not_waited_for() {
    let (own, other) = (PeerId::random(), PeerId::random());
    let read = |revision, peers: &[PeerId]| {
        let members = peers.iter().copied().map(member).collect();
        RosterSnapshot::of(revision, 0, 8, members)
    };
    let mut room = Room::new("r".parse().expect("a room id"));
    room.roster = Some(Roster::new(read(2, &[other])));
    room.open(own);
    let (mut joined, _) = room.admit(
        &local(own),
        EnteredBy::Join(1),
        4,
        Some(read(4, &[other, own])),
    );
    // Read before it was let in, and while not everybody has written what is his.
    room.install(read(3, &[other]), false);
    room.install(read(6, &[other]), true);
    assert_eq!(joined.try_recv(), Err(TryRecvError::Empty));
    room.install(read(7, &[other]), false);
    assert_eq!(joined.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_roster_that_is_read_tells_who_lost_its_name_from_who_left() {
    let holder_of = |name: &str, order| {
        let mut holder = member(PeerId::random());
        (holder.order, holder.flags.named) = (order, true);
        holder.profile.name = Some(name.into());
        holder
    };
    let former = [holder_of("anna", 1), holder_of("ben", 2)];
    let fresh = vec![holder_of("anna", 3), holder_of("carl", 4)];
    let mut room = Room::new("r".parse().expect("a room id"));
    room.roster = Some(Roster::new(RosterSnapshot::of(2, 2, 8, former.to_vec())));
    let after = room.install(RosterSnapshot::of(6, 2, 8, fresh), false);
    let reasons = former.map(|former| {
        let of_it = after.lost.iter().rfind(|(peer, _)| *peer == former.peer);
        of_it.map(|(_, reason)| *reason)
    });
    let expected = [LeaveReason::Kicked, LeaveReason::Disconnected];
    assert_eq!(reasons, expected.map(Some));
}

#[test]
fn a_member_whose_record_is_lost_is_not_told_as_gone_nor_one_of_another_version_as_changed() {
    let [lost, later, left] = [1, 2, 3].map(|order| {
        let mut member = member(PeerId::random());
        (member.order, member.profile.name) = (order, Some("anna".into()));
        member
    });
    let mut room = Room::new("r".parse().expect("a room id"));
    let known = vec![lost.clone(), later.clone(), left.clone()];
    room.roster = Some(Roster::new(RosterSnapshot::of(3, 0, 8, known)));
    let unread = MemberRecord {
        profile: Profile::default(),
        unread: Some(Box::new(Unread {
            version: 2,
            flags: "".into(),
            rest: Vec::new(),
        })),
        ..later.clone()
    };
    let read = RosterSnapshot {
        unreadable: vec![lost.peer],
        ..RosterSnapshot::of(5, 0, 8, vec![unread])
    };
    let after = room.install(read, false);
    assert!(after.lost.iter().all(|(peer, _)| *peer == left.peer));
    assert!(!after.lost.is_empty());
    let roster = room.roster().expect("there is one");
    assert_eq!(roster.member(&lost.peer), Some(&lost));
    let member = roster.member(&later.peer).expect("it is listed");
    assert_eq!(member.profile, later.profile);
}

#[test]
fn a_member_of_another_version_that_moves_keeps_its_name_and_state() {
    let mut named = member(PeerId::random());
    named.profile.name = Some("anna".into());
    let mut room = Room::new("r".parse().expect("a room id"));
    let known = vec![named.clone()];
    room.roster = Some(Roster::new(RosterSnapshot::of(3, 0, 8, known)));
    let unread = |epoch| MemberRecord {
        epoch,
        profile: Profile::default(),
        unread: Some(Box::new(Unread {
            version: 2,
            flags: "".into(),
            rest: Vec::new(),
        })),
        ..named.clone()
    };
    let moved = Change::Moved { member: unread(2) };
    let joined = Change::Joined {
        member: unread(3),
        ready: false,
    };
    for (revision, change) in [(4, moved), (5, joined)] {
        let after = room.step(RosterChange {
            room: room.id.clone(),
            revision,
            change,
        });
        // One whose name changed would be among those who came in.
        assert!(after.joined.is_empty());
        assert_eq!(after.moved.len(), 1);
        assert_eq!(after.moved[0].profile, named.profile);
    }
}

#[test]
fn a_member_that_moves_with_another_place_in_the_order_is_told_as_gone_and_there_again() {
    let came_again = MemberRecord {
        order: 4,
        ..member(PeerId::random())
    };
    let former = MemberRecord {
        order: 3,
        ..came_again.clone()
    };
    let hears = Arc::new(Hears::default());
    let mut room = Room::new("r".parse().expect("a room id"));
    room.roster = Some(Roster::new(RosterSnapshot::of(11, 0, 8, vec![came_again])));
    room.locals = vec![told_to(PeerId::random(), hears.clone())];
    let after = room.step(RosterChange {
        room: room.id.clone(),
        revision: 12,
        change: Change::Moved {
            member: former.clone(),
        },
    });
    let told = hears.0.lock();
    let [
        ServerMessage::MemberLeft(left),
        ServerMessage::MemberJoined(joined),
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(
        (left.peer, &joined.member),
        (former.peer, &former.to_member())
    );
    assert!(after.lost.is_empty(), "what waits for it goes on");
}

#[test]
fn a_member_that_moves_and_of_whose_coming_nobody_heard_is_told_as_come() {
    let [other, moved] = [1, 2].map(|order| MemberRecord {
        order,
        ..member(PeerId::random())
    });
    let hears = Arc::new(Hears::default());
    let mut room = Room::new("r".parse().expect("a room id"));
    room.roster = Some(Roster::new(RosterSnapshot::of(4, 0, 8, vec![other])));
    room.locals = vec![told_to(PeerId::random(), hears.clone())];
    // Its join had a revision that the directory had given before it went back in time.
    for (revision, change) in [
        (
            3,
            Change::Joined {
                member: moved.clone(),
                ready: false,
            },
        ),
        (
            5,
            Change::Moved {
                member: moved.clone(),
            },
        ),
    ] {
        room.step(RosterChange {
            room: room.id.clone(),
            revision,
            change,
        });
    }
    let told = hears.0.lock();
    let [ServerMessage::MemberJoined(joined)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((joined.revision, &joined.member), (5, &moved.to_member()));
}

#[test]
fn a_place_is_asserted_with_the_highest_order_that_anybody_had() {
    let [stays, leaves] = [1, 2].map(|order| MemberRecord {
        order,
        ..member(PeerId::random())
    });
    let mut room = Room::new("r".parse().expect("a room id"));
    let both = vec![stays.clone(), leaves.clone()];
    room.roster = Some(Roster::new(RosterSnapshot::of(2, 2, 8, both)));
    let order_max = |room: &Room| room.place_of(&stays.peer).map(|place| place.order_max);
    assert_eq!(order_max(&room), Some(2));
    room.step(RosterChange {
        room: room.id.clone(),
        revision: 3,
        change: Change::Left {
            peer: leaves.peer,
            reason: LeaveReason::Left,
        },
    });
    assert_eq!(order_max(&room), Some(2));
    room.install(RosterSnapshot::of(5, 2, 8, vec![stays.clone()]), false);
    assert_eq!(order_max(&room), Some(2));
}

#[test]
fn a_place_is_asserted_with_the_highest_revision_that_anybody_told() {
    let id: RoomId = "r".parse().expect("a room id");
    let peer = PeerId::random();
    let mut room = Room::new(id);
    room.roster = Some(Roster::new(RosterSnapshot::of(5, 0, 8, vec![member(peer)])));
    let revision = |room: &Room| room.place_of(&peer).map(|place| place.revision);
    assert_eq!(revision(&room), Some(5));
    room.hint(13);
    assert_eq!(revision(&room), Some(13));
    room.suppose(14);
    assert_eq!((revision(&room), room.is_behind()), (Some(13), true));
    // What is read of a directory that has gone back in time lacks that, and the others need it.
    room.install(RosterSnapshot::of(4, 0, 8, vec![member(peer)]), true);
    assert_eq!((revision(&room), room.is_behind()), (Some(13), false));
    assert_eq!(room.place_of(&PeerId::random()), None);
}
