//! One member of a room: its epochs, its being hidden, what it tells of itself.

use std::sync::Arc;

use switchboard_cluster::directory::{
    Attach, JoinOutcome, JoinRequest, LeaveOutcome, PeerOrName, TakeOver, UpdateOutcome,
};
use switchboard_cluster::record::{Flags, Profile};
use switchboard_protocol::{MemberState, PeerId};

use crate::peers::admits;
use crate::people::{
    enter, hidden, join, joined, leave, look_up, named, request, room, roster, update,
};
use crate::stage::Stage;

pub(crate) async fn a_repeated_join_answers_the_same_and_changes_nothing(stage: &Stage) {
    let node = stage.node().await;
    enter(&node, "gw-a").await;
    let second = request(PeerId::random(), "gw-b");
    let first_answer = joined(&node, &second).await;
    assert_eq!(first_answer.ready, first_answer.revision);
    assert_eq!(joined(&node, &second).await, first_answer);
    assert_eq!(roster(&node).await, first_answer);
}

pub(crate) async fn a_repeated_leave_changes_nothing(stage: &Stage) {
    let node = stage.node().await;
    enter(&node, "gw-a").await;
    let (b, _) = enter(&node, "gw-b").await;
    let first = leave(&node, b, 1).await;
    assert_eq!(
        leave(&node, b, 1).await,
        LeaveOutcome {
            changed: false,
            ..first
        }
    );
    assert_eq!(leave(&node, PeerId::random(), 1).await.revision, 3);
}

pub(crate) async fn a_higher_epoch_takes_the_place_over(stage: &Stage) {
    let node = stage.node().await;
    let (a, before) = enter(&node, "gw-a").await;
    enter(&node, "gw-a").await;
    let again = JoinRequest {
        epoch: 5,
        profile: named("back"),
        ..request(a, "gw-b")
    };
    let after = joined(&node, &again).await;
    assert_eq!((after.revision, after.ready), (3, 2));
    let (was, is) = (&before.members[0], &after.members[0]);
    assert_eq!(
        (is.peer, is.order, is.joined_at),
        (was.peer, was.order, was.joined_at)
    );
    assert_eq!(
        (is.epoch, is.node.as_str(), &is.profile),
        (5, "gw-b", &again.profile)
    );
}

pub(crate) async fn a_join_takes_its_place_back_from_whoever_keeps_it(stage: &Stage) {
    let node = stage.node().await;
    let (a, before) = enter(&node, "gw-a").await;
    let kept = TakeOver {
        room: room(),
        peer: a,
        epoch: 1,
        node: "gw-b".parse().unwrap(),
        away: true,
        whole: true,
    };
    node.directory.take_over(&kept).await.unwrap();
    let after = joined(&node, &request(a, "gw-a")).await;
    assert_eq!(after.revision, before.revision + 2);
    assert_eq!(after.members, before.members);
    assert_eq!(joined(&node, &request(a, "gw-a")).await, after);
}

pub(crate) async fn a_lower_epoch_is_refused(stage: &Stage) {
    let node = stage.node().await;
    let a = PeerId::random();
    let snapshot = joined(
        &node,
        &JoinRequest {
            epoch: 5,
            ..request(a, "gw-a")
        },
    )
    .await;
    assert_eq!(
        join(&node, &request(a, "gw-b")).await,
        JoinOutcome::Stale { known: 5 }
    );
    assert!(!leave(&node, a, 4).await.changed);
    assert_eq!(
        update(&node, a, 4, &named("late")).await,
        UpdateOutcome::NotAMember
    );
    assert_eq!(roster(&node).await, snapshot);
    assert!(leave(&node, a, 6).await.changed);
}

pub(crate) async fn hidden_members_count_for_nothing(stage: &Stage) {
    let node = stage.node().await;
    let observer = PeerId::random();
    let alone = joined(
        &node,
        &JoinRequest {
            capacity: 2,
            ..hidden(observer)
        },
    )
    .await;
    assert_eq!((alone.members[0].order, alone.ready), (0, 0));
    let (a, first) = enter(&node, "gw-a").await;
    assert_eq!((first.ready, first.members[1].order), (0, 1));
    let (b, second) = enter(&node, "gw-a").await;
    assert_eq!(
        (second.ready, second.members[2].order),
        (second.revision, 2)
    );
    joined(&node, &hidden(PeerId::random())).await;
    assert_eq!(
        join(&node, &request(PeerId::random(), "gw-a")).await,
        JoinOutcome::Full { capacity: 2 }
    );
    leave(&node, a, 1).await;
    assert!(leave(&node, observer, 1).await.changed);
    let (_, last) = enter(&node, "gw-a").await;
    assert_eq!(last.ready, last.revision);
    leave(&node, b, 1).await;
    assert_eq!(roster(&node).await.members.len(), 2);
}

pub(crate) async fn a_hidden_member_stays_hidden_under_a_new_epoch(stage: &Stage) {
    let node = stage.node().await;
    let observer = PeerId::random();
    joined(&node, &hidden(observer)).await;
    let (a, _) = enter(&node, "gw-a").await;
    let seen = JoinRequest {
        epoch: 2,
        ..request(observer, "gw-b")
    };
    let member = joined(&node, &seen).await.members[0].clone();
    assert_eq!((member.epoch, member.order), (2, 0));
    assert_eq!(
        member.flags,
        Flags {
            hidden: true,
            away: false,
            resumable: true,
            named: false,
        }
    );
    let unseen = JoinRequest {
        epoch: 2,
        ..hidden(a)
    };
    let member = joined(&node, &unseen).await.members[1].clone();
    assert_eq!((member.order, member.flags), (1, Flags::default()));
}

pub(crate) async fn an_update_replaces_the_profile(stage: &Stage) {
    let node = stage.node().await;
    let (a, before) = enter(&node, "gw-a").await;
    let state = MemberState::from_json(r#"{"muted":true,"hands":[],"id":9007199254740993}"#)
        .expect("a state");
    let profile = Profile {
        name: Some("new".into()),
        avatar: Some("https://x/y.png".into()),
        state,
    };
    let updated = |changed| UpdateOutcome::Updated {
        revision: 2,
        changed,
        nodes: vec!["gw-a".parse().unwrap()],
    };
    assert_eq!(update(&node, a, 1, &profile).await, updated(true));
    let after = roster(&node).await;
    assert_eq!(after.members[0].profile, profile);
    assert_eq!(after.members[0].joined_at, before.members[0].joined_at);
    // The same again changes nothing.
    assert_eq!(update(&node, a, 1, &profile).await, updated(false));
    assert_eq!(
        update(&node, PeerId::random(), 1, &profile).await,
        UpdateOutcome::NotAMember
    );
    assert_eq!(
        update(&node, a, 2, &profile).await,
        UpdateOutcome::NotAMember
    );
}

pub(crate) async fn odd_characters_come_back_as_they_went(stage: &Stage) {
    let node = stage.node().await;
    let texts = [
        "a b  c",
        "50%25 {x} }{",
        "김철수 ✆ \u{1F600}",
        "\"quoted\" 'and' \\n",
        "-",
        "1 2 3:4",
    ];
    for text in texts {
        let peer = PeerId::random();
        let name: Arc<str> = format!("{text}\n\0second line").into();
        let state = format!("{{\"{}\":\"line\\nbreak\"}}", "ключ 한글");
        let join = JoinRequest {
            room: "A.b_c:d@e-f".parse().unwrap(),
            user: text.parse().expect("a user id"),
            capacity: 100,
            profile: Profile {
                name: Some(name.clone()),
                avatar: Some(name),
                state: MemberState::from_json(&state).expect("a state"),
            },
            ..request(peer, "gw.a_b-c")
        };
        let snapshot = joined(&node, &join).await;
        let member = snapshot.members.last().expect("one joined");
        assert_eq!(
            (&member.user, &member.profile, &member.node),
            (&join.user, &join.profile, &join.node)
        );
        assert!(admits(&node, &join.user, &peer, &join.node, 1).await);
        let attach = Attach {
            peer,
            epoch: 1,
            node: join.node.clone(),
            user: join.user.clone(),
            credential: None,
            shown: None,
        };
        node.directory.attach(&attach).await.unwrap();
        assert_eq!(
            node.directory.peer(&peer).await.unwrap().unwrap().user,
            join.user
        );
    }
}

pub(crate) async fn a_member_that_is_looked_up_is_as_the_roster_has_it(stage: &Stage) {
    let node = stage.node().await;
    let nobody = look_up(&node, PeerOrName::Peer(PeerId::random())).await;
    assert_eq!((nobody.revision, nobody.member), (0, None));
    let (a, _) = enter(&node, "gw-a").await;
    let hidden = hidden(PeerId::random());
    let whole = joined(&node, &hidden).await;
    for peer in [a, hidden.peer, PeerId::random()] {
        let seen = look_up(&node, PeerOrName::Peer(peer)).await;
        assert_eq!(seen.revision, whole.revision);
        assert_eq!(seen.member.as_ref(), whole.member(&peer));
    }
    leave(&node, a, 1).await;
    let gone = look_up(&node, PeerOrName::Peer(a)).await;
    assert_eq!((gone.revision, gone.member), (whole.revision + 1, None));
}
