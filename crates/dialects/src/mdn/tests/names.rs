//! Names, and the list of users.

use super::*;

#[test]
fn whoever_is_given_another_name_is_told_so_and_a_list_follows_each_change() {
    let mut mdn = Mdn::new(1000);
    let own = member(Some("Ann1"), 3);
    mdn.peer = Some(own.peer);
    hear(&mut mdn, r#"{"type":"username","name":"Ann"}"#);
    let other = member(None, 1);
    let joined = Joined {
        re: 1,
        room: lobby(),
        revision: 3,
        capacity: 1000,
        members: vec![other.clone(), own],
        media: None,
    };
    assert_eq!(
        say(&mut mdn, joined),
        [
            json!({ "type": "rejectusername", "id": mdn.id, "name": "Ann1" }),
            json!({ "type": "userlist", "users": [other.peer, "Ann1"] }),
        ]
    );
    let left = MemberLeft {
        room: lobby(),
        revision: 4,
        peer: other.peer,
        reason: LeaveReason::Left,
    };
    assert_eq!(
        say(&mut mdn, left),
        [json!({ "type": "userlist", "users": ["Ann1"] })]
    );
}

/// Bob is somebody else from now on.
fn renamed(bob: &Member, name: &str, revision: u64) -> [ServerMessage; 2] {
    let member = Member {
        name: Some(name.into()),
        ..bob.clone()
    };
    let joined = MemberJoined {
        room: lobby(),
        revision,
        member,
    };
    let left = MemberLeft {
        room: lobby(),
        revision,
        peer: bob.peer,
        reason: LeaveReason::Left,
    };
    [left.into(), joined.into()]
}

fn only_say(mdn: &mut Mdn, message: &ServerMessage) -> usize {
    let mut frames = 0;
    mdn.say(message, &mut |_| frames += 1)
        .expect("it can be said");
    frames
}

#[test]
fn of_many_changes_one_list_is_told_and_the_next_one_waits_for_what_that_weighed() {
    let (mut mdn, bob) = in_lobby();
    for number in 0..100 {
        for step in renamed(&bob, &format!("Bob{number}"), 3 + number) {
            assert_eq!(only_say(&mut mdn, &step), 0);
        }
    }
    let now = much_later();
    let told = settle(&mut mdn, now);
    assert_eq!(
        told,
        [json!({ "type": "userlist", "users": ["Ann", "Bob99"] })]
    );
    assert!(settle(&mut mdn, now).is_empty(), "nothing is new");
    for step in renamed(&bob, "Eve", 200) {
        only_say(&mut mdn, &step);
    }
    let mut say = |_| panic!("it is too early");
    let at = mdn.settle(now, &mut say).expect("it is put off");
    let told = settle(&mut mdn, at);
    assert_eq!(
        told,
        [json!({ "type": "userlist", "users": ["Ann", "Eve"] })]
    );
}

#[test]
fn nobody_speaks_before_it_was_told_that_he_is_there() {
    let (mut mdn, _) = in_lobby();
    let eve = member(Some("Eve"), 3);
    let came = MemberJoined {
        room: lobby(),
        revision: 3,
        member: eve.clone(),
    };
    assert_eq!(only_say(&mut mdn, &came.into()), 0);
    let wave = signal(&eve, "wave", "1");
    assert_eq!(only_say(&mut mdn, &wave.clone().into()), 2);
    assert_eq!(only_say(&mut mdn, &wave.clone().into()), 1);
    // Another name is no reason for a list of its own.
    for step in renamed(&eve, "Eva", 4) {
        only_say(&mut mdn, &step);
    }
    assert_eq!(only_say(&mut mdn, &wave.into()), 1);
}

#[test]
fn whoever_takes_another_name_stays_and_hears_which_one_it_became() {
    let (mut mdn, _) = in_lobby();
    let own = mdn.own().expect("it is in").clone();
    let heard = hear(&mut mdn, r#"{"type":"username","name":"Eve"}"#);
    assert!(heard.len() == 1 && heard[0].contains("Enter("), "{heard:?}");
    hear(&mut mdn, r#"{"type":"username","name":"Zoe"}"#);
    let [_, to_eve] = renamed(&own, "Eve", 3);
    let [_, to_zoe1] = renamed(&own, "Zoe1", 4);
    let done = |re| Done { re, to: None };
    assert_eq!(
        say(&mut mdn, to_eve),
        [json!({ "type": "userlist", "users": ["Eve", "Bob"] })]
    );
    assert!(
        say(&mut mdn, done(2)).is_empty(),
        "it wants another one by now"
    );
    say(&mut mdn, to_zoe1);
    let told = json!({ "type": "rejectusername", "id": mdn.id, "name": "Zoe1" });
    assert_eq!(say(&mut mdn, done(3)), [told]);
    // Where it does not get one, it is called as before.
    hear(&mut mdn, r#"{"type":"username","name":"Bea"}"#);
    let refused = Error {
        re: Some(4),
        code: ErrorCode::RateLimited,
        message: "slow down".into(),
        retry_after_ms: Some(10),
    };
    let told = say(&mut mdn, refused);
    assert_eq!(told[0]["code"], "rate-limited");
    assert_eq!(
        (&told[1]["type"], &told[1]["name"]),
        (&json!("rejectusername"), &json!("Zoe1"))
    );
}
