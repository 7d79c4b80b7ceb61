//! What nodes tell a directory that lost its memory, or went back in time.

use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{
    AssertMember, AssertOutcome, Claim, JoinOutcome, JoinRequest, REVISION_LEAP,
};
use switchboard_cluster::record::{MemberRecord, RosterSnapshot};
use switchboard_cluster::{Backend, DirectoryError};
use switchboard_protocol::PeerId;

use crate::people::{
    enter, hidden, join, joined, leave, named, node, request, room, roster, update,
};
use crate::stage::Stage;

/// What a node asserts that has this roster in its cache.
pub(crate) fn of(snapshot: &RosterSnapshot, member: &MemberRecord) -> AssertMember {
    let orders = snapshot.members.iter().map(|member| member.order);
    AssertMember {
        room: room(),
        member: member.clone(),
        revision: snapshot.revision,
        ready: snapshot.ready,
        capacity: snapshot.capacity,
        order_max: orders.max().unwrap_or_default(),
        lift: false,
        own: false,
    }
}

async fn assert(backend: &Backend, assert: &AssertMember) -> AssertOutcome {
    let asserted = backend.directory.assert_member(assert).await;
    asserted.expect("the directory answers")
}

/// The revision after an assertion that had to write.
pub(crate) async fn restored(backend: &Backend, wanted: &AssertMember) -> u64 {
    match assert(backend, wanted).await {
        AssertOutcome::Restored { revision, .. } => revision,
        outcome => panic!("{outcome:?}"),
    }
}

pub(crate) async fn open(backend: &Backend) {
    let bucket = Bucket::of(&room());
    backend.directory.open_bucket(bucket).await.unwrap();
}

pub(crate) async fn a_forgotten_room_is_put_together_again(stage: &Stage) {
    let backend = stage.node().await;
    let observer = PeerId::random();
    enter(&backend, "gw-a").await;
    enter(&backend, "gw-b").await;
    let before = joined(&backend, &hidden(observer)).await;
    stage.forget().await;
    // A leap for the changes that nobody who asserts knows of, and a step for each further member.
    let revision = before.revision + REVISION_LEAP + before.members.len() as u64 - 1;
    for member in &before.members {
        restored(&backend, &of(&before, member)).await;
        let closed = backend.directory.roster(&room()).await;
        assert_eq!(closed, Err(DirectoryError::Forgotten));
    }
    for member in &before.members {
        let known = assert(&backend, &of(&before, member)).await;
        assert_eq!(known, AssertOutcome::Known { revision });
    }
    open(&backend).await;
    let after = RosterSnapshot { revision, ..before };
    assert_eq!(roster(&backend).await, after);
    // It goes on where it was: orders, capacity, and who is hidden.
    let (_, third) = enter(&backend, "gw-c").await;
    assert_eq!((third.members[3].order, third.ready), (3, 2));
    enter(&backend, "gw-c").await;
    let full = join(&backend, &request(PeerId::random(), "gw-c")).await;
    assert_eq!(full, JoinOutcome::Full { capacity: 4 });
}

pub(crate) async fn of_what_is_asserted_the_highest_counts(stage: &Stage) {
    let backend = stage.node().await;
    let (_, first) = enter(&backend, "gw-a").await;
    let (b, _) = enter(&backend, "gw-b").await;
    let (_, third) = enter(&backend, "gw-b").await;
    leave(&backend, b, 1).await;
    stage.forget().await;
    // One node knows the room as it was at first, the other later, with a larger capacity.
    let late = AssertMember {
        capacity: 9,
        order_max: 20,
        ..of(&third, &third.members[2])
    };
    let revision = third.revision + REVISION_LEAP;
    assert_eq!(restored(&backend, &late).await, revision);
    let early = of(&first, &first.members[0]);
    assert_eq!(restored(&backend, &early).await, revision + 1);
    open(&backend).await;
    let room = roster(&backend).await;
    assert_eq!(
        (room.revision, room.ready, room.capacity),
        (revision + 1, 2, 9)
    );
    let (_, next) = enter(&backend, "gw-a").await;
    assert_eq!(next.members[2].order, 21);
}

pub(crate) async fn a_room_whose_revision_is_behind_is_taken_above_and_closed_with_its_bucket(
    stage: &Stage,
) {
    let backend = stage.node().await;
    let (_, before) = enter(&backend, "gw-a").await;
    let member = &before.members[0];
    let same = of(&before, member);
    let known = AssertOutcome::Known { revision: 1 };
    assert_eq!(assert(&backend, &same).await, known);
    assert_eq!(roster(&backend).await, before);
    let ahead = AssertMember {
        revision: 41,
        ready: 7,
        ..same
    };
    let (nodes, revision) = (vec![node("gw-a")], ahead.revision + REVISION_LEAP);
    let taken_above = AssertOutcome::Restored {
        revision,
        nodes,
        behind: true,
    };
    assert_eq!(assert(&backend, &ahead).await, taken_above);
    let closed = backend.directory.roster(&room()).await;
    assert_eq!(closed, Err(DirectoryError::Forgotten));
    open(&backend).await;
    let known = AssertOutcome::Known { revision };
    assert_eq!(assert(&backend, &ahead).await, known);
    let after = RosterSnapshot {
        revision,
        ready: 7,
        ..before
    };
    assert_eq!(roster(&backend).await, after);
}

pub(crate) async fn a_room_is_lifted_above_a_revision_once(stage: &Stage) {
    let backend = stage.node().await;
    let (_, before) = enter(&backend, "gw-a").await;
    let lifted = AssertMember {
        lift: true,
        ..of(&before, &before.members[0])
    };
    let revision = before.revision + REVISION_LEAP;
    assert_eq!(restored(&backend, &lifted).await, revision);
    let known = AssertOutcome::Known { revision };
    assert_eq!(assert(&backend, &lifted).await, known);
    assert_eq!(roster(&backend).await.members, before.members, "it is open");
}

pub(crate) async fn of_the_same_epoch_what_the_owner_says_is_written_over_what_is_there(
    stage: &Stage,
) {
    let backend = stage.node().await;
    let (_, before) = enter(&backend, "gw-a").await;
    let mut mine = MemberRecord {
        node: node("gw-b"),
        profile: named("renamed"),
        ..before.members[0].clone()
    };
    mine.flags.away = true;
    let own = AssertMember {
        lift: true,
        own: true,
        ..of(&before, &mine)
    };
    let revision = before.revision + REVISION_LEAP;
    assert_eq!(restored(&backend, &own).await, revision);
    assert_eq!(roster(&backend).await.members, [mine.clone()]);
    let known = AssertOutcome::Known { revision };
    assert_eq!(assert(&backend, &own).await, known);
    // Others may have lifted the room before its owner comes to say it.
    mine.profile = named("renamed again");
    let own = AssertMember {
        lift: true,
        own: true,
        ..of(&before, &mine)
    };
    assert_eq!(restored(&backend, &own).await, revision + 1);
    assert_eq!(roster(&backend).await.members, [mine.clone()]);
    // It left and came again; what it says of an earlier time does not count.
    mine.order = 7;
    let own = AssertMember {
        lift: true,
        own: true,
        ..of(&before, &mine)
    };
    assert_eq!(restored(&backend, &own).await, revision + 2);
    assert_eq!(roster(&backend).await.members, [mine.clone()]);
    let former = MemberRecord {
        order: 1,
        joined_at: 1,
        ..mine.clone()
    };
    let own = AssertMember {
        own: true,
        ..of(&before, &former)
    };
    let known = AssertOutcome::Known {
        revision: revision + 2,
    };
    assert_eq!(assert(&backend, &own).await, known);
    assert_eq!(roster(&backend).await.members, [mine.clone()]);
    // A room that was empty meanwhile counts anew: of two joins the later one counts.
    (mine.order, mine.joined_at) = (2, mine.joined_at + 1);
    let own = AssertMember {
        own: true,
        ..of(&before, &mine)
    };
    assert_eq!(restored(&backend, &own).await, revision + 3);
    assert_eq!(roster(&backend).await.members, [mine]);
    let (_, next) = enter(&backend, "gw-a").await;
    assert_eq!(next.members[1].order, 8);
}

pub(crate) async fn a_name_that_its_owner_took_last_is_taken_again(stage: &Stage) {
    let backend = stage.node().await;
    let (_, before) = enter(&backend, "gw-a").await;
    let mut mine = MemberRecord {
        profile: named("anna"),
        ..before.members[0].clone()
    };
    mine.flags.named = true;
    let own = AssertMember {
        lift: true,
        own: true,
        ..of(&before, &mine)
    };
    restored(&backend, &own).await;
    assert_eq!(roster(&backend).await.members, [mine]);
    let other = JoinRequest {
        profile: named("anna"),
        claim: Some(Claim::IfFree),
        ..request(PeerId::random(), "gw-b")
    };
    assert_eq!(join(&backend, &other).await, JoinOutcome::NameTaken);
}

pub(crate) async fn a_higher_epoch_is_written_over_a_lower_one_only(stage: &Stage) {
    let backend = stage.node().await;
    let (a, before) = enter(&backend, "gw-a").await;
    update(&backend, a, 1, &named("renamed")).await;
    let mine = &before.members[0];
    let higher = MemberRecord {
        epoch: 3,
        node: node("gw-b"),
        profile: named("newest"),
        ..mine.clone()
    };
    assert_eq!(restored(&backend, &of(&before, &higher)).await, 3);
    let now = roster(&backend).await;
    assert_eq!(now.members, [higher]);
    let stale = AssertOutcome::Stale { known: 3 };
    assert_eq!(assert(&backend, &of(&before, mine)).await, stale);
    assert_eq!(roster(&backend).await, now);
    // The same epoch is left as it is: its owner writes it by itself.
    let other = MemberRecord {
        profile: named("other"),
        ..now.members[0].clone()
    };
    let known = AssertOutcome::Known { revision: 3 };
    assert_eq!(assert(&backend, &of(&now, &other)).await, known);
    assert_eq!(roster(&backend).await, now);
}

pub(crate) async fn an_asserted_member_may_have_become_hidden_or_visible(stage: &Stage) {
    let backend = stage.node().await;
    let (a, before) = enter(&backend, "gw-a").await;
    let changed = |epoch, hides| {
        let mut member = MemberRecord {
            epoch,
            ..before.members[0].clone()
        };
        member.flags.hidden = hides;
        of(&before, &member)
    };
    let pair = |peer| JoinRequest {
        capacity: 1,
        ..request(peer, "gw-b")
    };
    restored(&backend, &changed(2, true)).await;
    for _ in 0..4 {
        joined(&backend, &pair(PeerId::random())).await;
    }
    restored(&backend, &changed(3, false)).await;
    let full = join(&backend, &pair(PeerId::random())).await;
    assert_eq!(full, JoinOutcome::Full { capacity: 4 });
    assert!(leave(&backend, a, 3).await.changed);
    let full = join(&backend, &pair(PeerId::random())).await;
    assert_eq!(full, JoinOutcome::Full { capacity: 4 });
}

pub(crate) async fn a_room_that_comes_back_starts_above_its_bucket(stage: &Stage) {
    let backend = stage.node().await;
    let (a, before) = enter(&backend, "gw-a").await;
    update(&backend, a, 1, &named("renamed")).await;
    assert_eq!(leave(&backend, a, 1).await.revision, 3);
    // A node that missed the end of it asserts what it knew.
    let late = of(&before, &before.members[0]);
    assert_eq!(restored(&backend, &late).await, 4);
    assert_eq!(leave(&backend, a, 1).await.revision, 5);
}
