//! Names that one member of a room holds at a time.

use switchboard_cluster::directory::{JoinOutcome, JoinRequest, PeerOrName, Rename, RenameOutcome};
use switchboard_cluster::record::{MemberRecord, RosterSnapshot};
use switchboard_cluster::{Backend, Claim};
use switchboard_protocol::limits::NAME_BYTES_MAX;
use switchboard_protocol::{PeerId, UserId};

use crate::assertions::{of, open, restored};
use crate::moves::{replace, taken, wish};
use crate::people::{
    enter, hidden, join, joined, leave, look_up, named, node, request, room, roster, update,
};
use crate::stage::Stage;

/// A session of that user's which claims a name.
fn claims(peer: PeerId, user: &str, name: &str, claim: Claim) -> JoinRequest {
    JoinRequest {
        user: user.parse().expect("a user id"),
        profile: named(name),
        claim: Some(claim),
        ..request(peer, "gw-a")
    }
}

/// A new session of alice's, in the room under that name.
async fn alice(backend: &Backend, name: &str) -> (PeerId, RosterSnapshot) {
    let peer = PeerId::random();
    let room = joined(backend, &claims(peer, "alice", name, Claim::IfFree)).await;
    (peer, room)
}

/// What becomes of a new session that claims a name only if it is free.
async fn try_name(backend: &Backend, name: &str) -> JoinOutcome {
    let newcomer = claims(PeerId::random(), "bob", name, Claim::IfFree);
    join(backend, &newcomer).await
}

fn holders(room: &RosterSnapshot) -> Vec<PeerId> {
    let holders = room.members.iter().filter(|member| member.flags.named);
    holders.map(|member| member.peer).collect()
}

pub(crate) async fn a_name_is_held_by_one_and_told_apart_byte_by_byte(stage: &Stage) {
    let backend = stage.node().await;
    let longest = "\u{d55c}".repeat(NAME_BYTES_MAX / 3);
    let names = ["Anna", "anna", "", "ca%\0b\r\n:\u{fc}", &longest];
    for (at, name) in names.into_iter().enumerate() {
        let own = JoinRequest {
            capacity: 9,
            ..claims(PeerId::random(), "alice", name, Claim::IfFree)
        };
        let before = joined(&backend, &own).await;
        assert_eq!(holders(&before).len(), at + 1, "{name:?}");
        assert_eq!(before.members[at].profile, named(name));
        assert_eq!(
            try_name(&backend, name).await,
            JoinOutcome::NameTaken,
            "{name:?}"
        );
        assert_eq!(roster(&backend).await, before, "it changed nothing");
    }
    // Whoever claims nothing may be called anything.
    let anna = JoinRequest {
        profile: named("Anna"),
        ..request(PeerId::random(), "gw-b")
    };
    assert_eq!(holders(&joined(&backend, &anna).await).len(), names.len());
}

pub(crate) async fn a_name_is_free_once_its_holder_has_left(stage: &Stage) {
    let backend = stage.node().await;
    let (former, _) = alice(&backend, "anna").await;
    enter(&backend, "gw-b").await;
    // Not with its profile.
    update(&backend, former, 1, &named("other")).await;
    assert_eq!(try_name(&backend, "anna").await, JoinOutcome::NameTaken);
    leave(&backend, former, 1).await;
    let (holder, room) = alice(&backend, "anna").await;
    assert_eq!(holders(&room), [holder]);
    // A former holder that comes and goes again changes nothing.
    let again = JoinRequest {
        profile: named("anna"),
        ..request(former, "gw-b")
    };
    joined(&backend, &again).await;
    leave(&backend, former, 1).await;
    assert_eq!(try_name(&backend, "anna").await, JoinOutcome::NameTaken);
    // The room goes with the last one, and what was held in it.
    for member in roster(&backend).await.members {
        leave(&backend, member.peer, 1).await;
    }
    let (next, room) = alice(&backend, "anna").await;
    assert_eq!(holders(&room), [next]);
}

pub(crate) async fn a_claim_takes_a_name_from_whom_it_may(stage: &Stage) {
    let backend = stage.node().await;
    let may = [
        (Claim::IfFree, false, "bob", false),
        (Claim::IfFree, false, "alice", false),
        (Claim::IfFree, true, "bob", false),
        (Claim::IfFree, true, "alice", true),
        (Claim::FromSameUser, false, "bob", false),
        (Claim::FromSameUser, true, "bob", false),
        (Claim::FromSameUser, false, "alice", true),
        (Claim::FromAnybody, false, "bob", true),
        (Claim::FromAnybody, true, "alice", true),
    ];
    for case @ (claim, away, user, takes) in may {
        let (former, _) = alice(&backend, "anna").await;
        let (_, before) = taken(&backend, &wish(former, 1, "gw-a", away)).await;
        let new = PeerId::random();
        let outcome = join(&backend, &claims(new, user, "anna", claim)).await;
        if takes {
            let JoinOutcome::Joined { roster, evicted } = outcome else {
                panic!("{case:?}: {outcome:?}")
            };
            assert_eq!(
                evicted.as_ref(),
                before.member(&former),
                "{case:?}: as it was"
            );
            assert_eq!(roster.revision, before.revision + 2, "{case:?}: two steps");
            assert_eq!((holders(&roster), roster.members.len()), (vec![new], 1));
            assert!(!leave(&backend, former, 1).await.changed, "{case:?}");
            leave(&backend, new, 1).await;
        } else {
            assert_eq!(outcome, JoinOutcome::NameTaken, "{case:?}");
            assert_eq!(
                roster(&backend).await,
                before,
                "{case:?}: it changed nothing"
            );
            leave(&backend, former, 1).await;
        }
    }
}

pub(crate) async fn a_repeated_claim_answers_the_same_and_changes_nothing(stage: &Stage) {
    let backend = stage.node().await;
    for claim in [Claim::IfFree, Claim::FromSameUser, Claim::FromAnybody] {
        let peer = PeerId::random();
        let own = claims(peer, "alice", &format!("{claim:?}"), claim);
        let first = joined(&backend, &own).await;
        assert_eq!(replace(&backend, &own).await, (first.clone(), None));
        assert_eq!(roster(&backend).await, first);
    }
}

pub(crate) async fn whoever_takes_a_name_over_gets_into_a_full_room(stage: &Stage) {
    let backend = stage.node().await;
    let [former, other, new] = [(); 3].map(|()| PeerId::random());
    let pair = |request| JoinRequest {
        capacity: 2,
        ..request
    };
    joined(
        &backend,
        &pair(claims(former, "alice", "anna", Claim::IfFree)),
    )
    .await;
    // An away session of one's own keeps its place: one goes, not two.
    joined(&backend, &pair(claims(other, "bob", "ben", Claim::IfFree))).await;
    taken(&backend, &wish(other, 1, "gw-a", true)).await;
    let anna = |claim| claims(new, "bob", "anna", claim);
    assert_eq!(
        join(&backend, &anna(Claim::FromSameUser)).await,
        JoinOutcome::NameTaken
    );
    let (room, evicted) = replace(&backend, &anna(Claim::FromAnybody)).await;
    assert_eq!(evicted, Some(former));
    assert_eq!(room.ready, room.revision, "one became two");
    assert_eq!(holders(&room), [other, new]);
    let (room, evicted) = replace(
        &backend,
        &claims(PeerId::random(), "bob", "free", Claim::IfFree),
    )
    .await;
    assert_eq!((evicted, room.members.len()), (Some(other), 2));
}

pub(crate) async fn a_name_moves_with_its_member(stage: &Stage) {
    let backend = stage.node().await;
    let (holder, _) = alice(&backend, "anna").await;
    taken(&backend, &wish(holder, 1, "gw-b", true)).await;
    let (_, room) = taken(&backend, &wish(holder, 2, "gw-c", false)).await;
    assert_eq!(holders(&room), [holder]);
    assert_eq!(try_name(&backend, "anna").await, JoinOutcome::NameTaken);
    leave(&backend, holder, 2).await;
    assert!(matches!(
        try_name(&backend, "anna").await,
        JoinOutcome::Joined { .. }
    ));
}

pub(crate) async fn a_higher_epoch_keeps_its_name_takes_another_or_gives_it_back(stage: &Stage) {
    let backend = stage.node().await;
    let (peer, _) = alice(&backend, "anna").await;
    let (other, before) = alice(&backend, "ben").await;
    let under = |epoch, name, claim| JoinRequest {
        epoch,
        ..claims(peer, "alice", name, claim)
    };
    let again = under(2, "anna", Claim::IfFree);
    assert_eq!(holders(&joined(&backend, &again).await), [peer, other]);
    let taken = under(3, "ben", Claim::IfFree);
    assert_eq!(join(&backend, &taken).await, JoinOutcome::NameTaken);
    let newest = under(3, "ben", Claim::FromAnybody);
    let (room, evicted) = replace(&backend, &newest).await;
    assert_eq!((evicted, holders(&room)), (Some(other), vec![peer]));
    assert_eq!(
        (room.members[0].order, room.revision),
        (1, before.revision + 3)
    );
    let (third, room) = alice(&backend, "anna").await;
    assert_eq!(holders(&room), [peer, third], "it was given back");
    let nameless = JoinRequest {
        claim: None,
        ..under(4, "ben", Claim::IfFree)
    };
    assert_eq!(holders(&joined(&backend, &nameless).await), [third]);
    assert!(matches!(
        try_name(&backend, "ben").await,
        JoinOutcome::Joined { .. }
    ));
}

pub(crate) async fn a_hidden_member_claims_nothing(stage: &Stage) {
    let backend = stage.node().await;
    let (holder, _) = alice(&backend, "anna").await;
    let observer = JoinRequest {
        claim: Some(Claim::FromAnybody),
        profile: named("anna"),
        ..hidden(PeerId::random())
    };
    let (room, evicted) = replace(&backend, &observer).await;
    assert_eq!((evicted, holders(&room)), (None, vec![holder]));
}

pub(crate) async fn of_many_that_claim_a_name_at_once_one_holds_it(stage: &Stage) {
    let backends = stage.nodes(2).await;
    for claim in [Claim::IfFree, Claim::FromAnybody] {
        let mut racing = tokio::task::JoinSet::new();
        for at in 0..20 {
            let backend = backends[at % 2].clone();
            let user = UserId::anonymous(&PeerId::random());
            let own = claims(PeerId::random(), user.as_str(), "anna", claim);
            racing.spawn(async move { join(&backend, &own).await });
        }
        let outcomes = racing.join_all().await;
        let inside = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, JoinOutcome::Joined { .. }));
        let expected = if claim == Claim::IfFree { 1 } else { 20 };
        assert_eq!(inside.count(), expected, "{claim:?}");
        let room = roster(&backends[0]).await;
        assert_eq!((room.members.len(), holders(&room).len()), (1, 1));
        leave(&backends[0], room.members[0].peer, 1).await;
    }
}

pub(crate) async fn a_forgotten_name_is_asserted_with_its_member(stage: &Stage) {
    let backend = stage.node().await;
    let (holder, _) = alice(&backend, "anna").await;
    let (_, before) = enter(&backend, "gw-b").await;
    stage.forget().await;
    for member in &before.members {
        restored(&backend, &of(&before, member)).await;
    }
    open(&backend).await;
    assert_eq!(roster(&backend).await.members, before.members);
    assert_eq!(try_name(&backend, "anna").await, JoinOutcome::NameTaken);
    leave(&backend, holder, 1).await;
    assert!(matches!(
        try_name(&backend, "anna").await,
        JoinOutcome::Joined { .. }
    ));
}

pub(crate) async fn of_two_that_are_asserted_to_hold_a_name_the_later_one_does(stage: &Stage) {
    let backend = stage.node().await;
    let (former, first) = alice(&backend, "anna").await;
    let new = PeerId::random();
    let newest = claims(new, "bob", "anna", Claim::FromAnybody);
    let second = joined(&backend, &newest).await;
    // The node of the former holder has not heard that it lost its name.
    let earlier = of(&first, &first.members[0]);
    let later = of(
        &second,
        &MemberRecord {
            joined_at: first.members[0].joined_at + 1,
            ..second.members[0].clone()
        },
    );
    for order in [[&earlier, &later], [&later, &earlier]] {
        stage.forget().await;
        for member in order {
            restored(&backend, member).await;
        }
        open(&backend).await;
        let room = roster(&backend).await;
        assert_eq!((room.members.len(), holders(&room)), (2, vec![new]));
        // Who does not hold it does not free it.
        leave(&backend, former, 1).await;
        assert_eq!(try_name(&backend, "anna").await, JoinOutcome::NameTaken);
    }
    // Of two that joined at the same time, the first one that is asserted.
    let twin = of(
        &first,
        &MemberRecord {
            joined_at: later.member.joined_at,
            ..first.members[0].clone()
        },
    );
    restored(&backend, &twin).await;
    assert_eq!(holders(&roster(&backend).await), [new]);
}

async fn rename(
    backend: &Backend,
    peer: PeerId,
    epoch: u64,
    name: &str,
    claim: Claim,
) -> RenameOutcome {
    let rename = Rename {
        room: room(),
        peer,
        epoch,
        profile: named(name),
        claim,
    };
    let renamed = backend.directory.rename(&rename).await;
    renamed.expect("the directory answers")
}

pub(crate) async fn a_member_takes_another_name_in_one_step(stage: &Stage) {
    let backend = stage.node().await;
    let (anna, before) = alice(&backend, "Anna").await;
    let (bob, _) = enter(&backend, "gw-b").await;
    let renamed = rename(&backend, anna, 1, "Eve", Claim::IfFree).await;
    let now = roster(&backend).await;
    assert_eq!(now.revision, 3);
    let own = MemberRecord {
        profile: named("Eve"),
        ..before.members[0].clone()
    };
    assert_eq!(now.member(&anna), Some(&own), "its order and time stay");
    let RenameOutcome::Renamed {
        changed: true,
        place,
        evicted: None,
    } = renamed
    else {
        panic!("{renamed:?}");
    };
    assert_eq!((&place.member, place.revision), (&own, 3));
    assert_eq!(place.nodes, [node("gw-b")]);
    // The same again changes nothing.
    let again = rename(&backend, anna, 1, "Eve", Claim::IfFree).await;
    assert!(
        matches!(again, RenameOutcome::Renamed { changed: false, .. }),
        "{again:?}"
    );
    assert_eq!(roster(&backend).await, now);
    assert_eq!(try_name(&backend, "Eve").await, JoinOutcome::NameTaken);
    assert!(matches!(
        try_name(&backend, "Anna").await,
        JoinOutcome::Joined { .. }
    ));
    // Who claimed no name as it came has one from now on.
    rename(&backend, bob, 1, "Bob", Claim::IfFree).await;
    assert_eq!(try_name(&backend, "Bob").await, JoinOutcome::NameTaken);
}

pub(crate) async fn whoever_is_called_otherwise_takes_a_name_from_whom_it_may(stage: &Stage) {
    let backend = stage.node().await;
    let (anna, _) = alice(&backend, "Anna").await;
    let (eve, _) = alice(&backend, "Eve").await;
    let before = roster(&backend).await;
    for (peer, epoch) in [(anna, 2), (PeerId::random(), 1)] {
        let renamed = rename(&backend, peer, epoch, "Eva", Claim::FromAnybody).await;
        assert_eq!(renamed, RenameOutcome::NotAMember);
    }
    let unseen = hidden(PeerId::random());
    joined(&backend, &unseen).await;
    let renamed = rename(&backend, unseen.peer, 1, "Eva", Claim::FromAnybody).await;
    assert_eq!(renamed, RenameOutcome::NotAMember);
    let renamed = rename(&backend, anna, 1, "Eve", Claim::IfFree).await;
    assert_eq!(renamed, RenameOutcome::NameTaken);
    assert_eq!(roster(&backend).await.revision, before.revision + 1);
    let renamed = rename(&backend, anna, 1, "Eve", Claim::FromSameUser).await;
    let RenameOutcome::Renamed {
        changed: true,
        place,
        evicted: Some(evicted),
    } = renamed
    else {
        panic!("{renamed:?}");
    };
    assert_eq!((evicted.peer, place.revision), (eve, before.revision + 3));
    assert_eq!(holders(&roster(&backend).await), [anna]);
}

pub(crate) async fn a_name_is_looked_up_for_whoever_holds_it(stage: &Stage) {
    let backend = stage.node().await;
    let holder = async |name: &str| {
        let sighting = look_up(&backend, PeerOrName::Name(name.into())).await;
        sighting.member.map(|member| member.peer)
    };
    // Is called so, and does not hold the name.
    let other = JoinRequest {
        profile: named("anna"),
        ..request(PeerId::random(), "gw-b")
    };
    joined(&backend, &other).await;
    assert_eq!(holder("anna").await, None);
    let (anna, _) = alice(&backend, "anna").await;
    assert_eq!(holder("anna").await, Some(anna));
    assert_eq!(holder("Anna").await, None);
    leave(&backend, anna, 1).await;
    assert_eq!(holder("anna").await, None);
}
