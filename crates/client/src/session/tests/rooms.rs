//! What a resumed session finds in its rooms.

use switchboard_protocol::server_message::{LeaveReason, MemberLeft, MemberUpdated, Ready};
use switchboard_protocol::{Connection, MemberState};

use super::*;

/// What the application hears of the room `r`, after `Live`.
fn changes(rig: &mut Rig, snapshot: RoomSnapshot) -> Vec<Event> {
    rig.lose();
    rig.tells();
    let (connection, _) = rig.opens();
    rig.opened(connection, rig.welcome_back(vec![snapshot]));
    let mut told = rig.tells();
    assert!(is_live(&told.remove(0)));
    told
}

#[test]
fn nothing_is_told_of_a_room_in_which_nothing_changed() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    let snapshot = rig.snapshot("r", 1, &[alice]);
    assert_eq!(changes(&mut rig, snapshot), []);
    assert_eq!(rig.says(), [Say::Ping]);
}

#[test]
fn who_came_and_who_left_meanwhile_is_told_as_ever() {
    let [alice, bob, carol] = peers();
    let mut rig = rig_in_room(&[alice, bob]);
    let mut snapshot = rig.snapshot("r", 7, &[bob, carol]);
    snapshot.members[1].order = 3;
    snapshot.members[2].order = 4;
    let newcomer = snapshot.members[2].clone();
    let left = MemberLeft {
        room: room_id("r"),
        revision: 7,
        peer: alice,
        reason: LeaveReason::Disconnected,
    };
    let joined = MemberJoined {
        room: room_id("r"),
        revision: 7,
        member: newcomer,
    };
    let expected = [
        Event::MemberLeft(left),
        Event::MemberJoined(Arc::new(joined)),
    ];
    assert_eq!(changes(&mut rig, snapshot), expected);
}

#[test]
fn who_is_away_or_has_another_state_is_told_as_ever() {
    let [alice, bob] = peers();
    let mut rig = rig_in_room(&[alice, bob]);
    let mut snapshot = rig.snapshot("r", 7, &[alice, bob]);
    let state = MemberState::from_json(r#"{"hand":true}"#).expect("a state");
    snapshot.members[1].connection = Connection::Away;
    snapshot.members[2].state = state.clone();
    let updated = |peer, state, connection| {
        Event::MemberUpdated(Arc::new(MemberUpdated {
            room: room_id("r"),
            revision: 7,
            peer,
            state,
            connection,
        }))
    };
    let expected = [
        updated(alice, None, Some(Connection::Away)),
        updated(bob, Some(state), None),
    ];
    assert_eq!(changes(&mut rig, snapshot), expected);
}

#[test]
fn who_went_and_came_again_left_and_joined() {
    let [alice, bob] = peers();
    let mut rig = rig_in_room(&[alice, bob]);
    let mut snapshot = rig.snapshot("r", 7, &[alice, bob]);
    snapshot.members[1].order = 9;
    let told = changes(&mut rig, snapshot);
    assert!(
        matches!(&told[..], [Event::MemberLeft(left), Event::MemberJoined(joined)]
            if left.peer == alice && joined.member.peer == alice),
        "{told:?}"
    );
}

#[test]
fn a_newcomer_who_made_the_room_two_finds_it_ready() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[]);
    let snapshot = rig.snapshot("r", 7, &[alice]);
    let ready = Ready {
        room: room_id("r"),
        offerer: rig.me,
        peers: [rig.me, alice],
    };
    let told = changes(&mut rig, snapshot);
    assert_eq!(told.last(), Some(&Event::Ready(ready)));
    assert_eq!(told.len(), 2);
}

#[test]
fn a_room_that_is_gone_and_still_wanted_is_entered_again() {
    let [alice] = peers();
    let mut rig = rig_in_room(&[alice]);
    rig.lose();
    let note = rig.signal(Some(alice));
    let (connection, _) = rig.opens();
    rig.opened(connection, rig.welcome_back(Vec::new()));
    let re = rig.says_one().id().expect("a join has an id");
    let joined = Joined {
        re,
        room: room_id("r"),
        revision: 1,
        capacity: 8,
        members: vec![member(rig.me, 1)],
        media: None,
    };
    rig.tells();
    rig.hear(joined.clone());
    assert_eq!(rig.tells(), [Event::Rejoined(Box::new(joined))]);
    // Only now: a gateway refuses it before.
    assert_eq!(rig.says_signals(), [(re + 1, Some(alice))]);
    assert_eq!((rig.answers(), note), (Vec::new(), Ask(2)));
}

#[test]
fn a_room_that_refuses_for_now_is_asked_again_and_one_that_refuses_is_lost() {
    let mut rig = rig_in_room(&[]);
    rig.come_back(Vec::new());
    let re = rig.says_one().id().expect("a join has an id");
    rig.out.clear();
    rig.hear(refused(re, ErrorCode::Unavailable, Some(2000)));
    assert_eq!(rig.out, []);
    rig.pass(SECOND * 2);
    let re = rig.says_one().id().expect("a join has an id");
    rig.hear(refused(re, ErrorCode::RoomFull, None));
    let told = rig.tells();
    assert!(
        matches!(&told[..], [Event::RoomLost { room, .. }] if *room == room_id("r")),
        "{told:?}"
    );
}

#[test]
fn a_room_that_is_not_wanted_any_more_is_left() {
    let mut rig = rig();
    rig.come_back(vec![rig.snapshot("r", 3, &[])]);
    match rig.says_one() {
        Say::Leave { room, .. } => assert_eq!(room, room_id("r")),
        other => panic!("{other:?} is no leave"),
    }
    assert_eq!(rig.answers(), []);
}

#[test]
fn a_room_left_while_it_is_entered_again_is_not_kept() {
    let mut rig = rig_in_room(&[]);
    rig.come_back(Vec::new());
    let re = rig.says_one().id().expect("a join has an id");
    rig.ask(Command::Leave(room_id("r")));
    rig.out.clear();
    let snapshot = rig.snapshot("r", 4, &[]);
    rig.hear(Joined {
        re,
        room: snapshot.room,
        revision: snapshot.revision,
        capacity: snapshot.capacity,
        members: snapshot.members,
        media: None,
    });
    assert_eq!(rig.tells(), []);
    rig.come_back(Vec::new());
    assert_eq!(rig.says(), [Say::Ping]);
}

#[test]
fn a_fresh_way_into_the_media_is_told_by_a_resume_and_comes_with_another_join() {
    let media = |token: &str| {
        Some(Box::new(Media {
            kind: "livekit".into(),
            url: "wss://sfu.example".into(),
            room: "r".into(),
            token: MediaToken(token.into()),
            expires_at: 1_790_000_600_000,
        }))
    };
    let in_room = |event: &Event| !matches!(event, Event::Connection(_));
    let mut rig = rig_in_room(&[]);
    let mut snapshot = rig.snapshot("r", 2, &[]);
    snapshot.media = media("second");
    rig.come_back(vec![snapshot.clone()]);
    let told: Vec<_> = rig.tells().into_iter().filter(in_room).collect();
    let fresh = Event::Media {
        room: room_id("r"),
        media: media("second").expect("some"),
    };
    assert_eq!(told, [fresh]);

    // The gateway knows nothing of the room any more, so it is entered again.
    rig.come_back(Vec::new());
    let says = rig.says();
    let re = says.iter().find_map(Say::id).expect("a join has an id");
    snapshot.media = media("third");
    rig.hear(Joined {
        re,
        room: snapshot.room.clone(),
        revision: snapshot.revision,
        capacity: snapshot.capacity,
        members: snapshot.members.clone(),
        media: snapshot.media.clone(),
    });
    let told: Vec<_> = rig.tells().into_iter().filter(in_room).collect();
    let [Event::Rejoined(joined)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(joined.media, media("third"));

    rig.come_back(vec![rig.snapshot("r", 9, &[])]);
    let has_media = |event: &Event| matches!(event, Event::Media { .. });
    assert!(
        !rig.tells().iter().any(has_media),
        "it goes through no server"
    );
}
