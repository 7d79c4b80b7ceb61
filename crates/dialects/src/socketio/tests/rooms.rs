//! Who enters rooms and leaves them.

use super::*;

#[test]
fn who_enters_a_room_twice_is_told_that_he_is_in() {
    let mut io = welcomed();
    assert_eq!(hear(&mut io, r#"20["join-room","a"]"#), ["1 enter a"]);
    let is_in = [r#"30[{"roomId":"a","success":true}]"#];
    assert_eq!(say(&mut io, joined(1, "a")), is_in);
    assert_eq!(hear(&mut io, r#"20["join-room","a"]"#), ["2 enter a"]);
    assert_eq!(say(&mut io, error(2, ErrorCode::AlreadyJoined)), is_in);
    assert_eq!(
        hear(&mut io, r#"2["offer",{"target":"x","offer":{}}]"#),
        ["3 signal in a"]
    );
}

#[test]
fn who_enters_a_video_room_twice_is_told_who_is_there_at_the_weight_of_that_list() {
    let enter = r#"20["video:join-room",{"roomId":"r"}]"#;
    let (mut io, bob) = with_bob(enter, "video:r");
    let mut asked = None;
    io.hear(Content::Text(enter), &mut |heard| match heard {
        Heard::Input(Input::Ask { id, bytes }) => asked = Some((id, bytes)),
        other => panic!("{other:?}"),
    });
    let (re, bytes) = asked.expect("it is asked for");
    let told = say(&mut io, Done { re, to: None });
    assert!(
        told[0].contains("video:room-state") && told[0].contains(bob.peer.as_str()),
        "{told:?}"
    );
    assert_eq!(told[1..], [r#"30[{"success":true}]"#]);
    assert!(bytes >= told[0].len(), "{bytes}: {told:?}");
    // Who is about to leave is not in.
    hear(&mut io, r#"2["video:leave-room",{"roomId":"r"}]"#);
    assert_eq!(hear(&mut io, enter), ["4 enter video:r"]);
}

#[test]
fn whoever_is_in_a_study_alone_reaches_those_there_of_whom_he_was_not_told() {
    let mut io = welcomed();
    let asks = hear(&mut io, r#"2["presence:join-study",{"studyId":"s"}]"#);
    assert_eq!(asks, ["1 enter study:s"]);
    say(&mut io, joined(1, "study:s"));
    let offer = format!(
        r#"2["video:offer",{{"to":"{}","offer":{{}}}}]"#,
        PeerId::random()
    );
    assert_eq!(hear(&mut io, &offer), ["2 signal in study:s"]);
}

#[test]
fn who_could_not_enter_one_room_may_still_be_in_the_next() {
    let mut io = welcomed();
    assert_eq!(hear(&mut io, r#"2["join-room","a"]"#), ["1 enter a"]);
    assert_eq!(
        hear(&mut io, r#"2["join-room","b"]"#),
        ["2 leave a", "3 enter b"]
    );
    assert_eq!(say(&mut io, error(1, ErrorCode::RoomFull)).len(), 1);
    // He was not there any more, and did not ask to leave it.
    let unasked = say(&mut io, error(2, ErrorCode::NotAMember));
    assert!(unasked.is_empty(), "{unasked:?}");
    say(&mut io, joined(3, "b"));
    assert_eq!(hear(&mut io, r#"2["leave-room"]"#), ["4 leave b"]);
}

#[test]
fn whoever_takes_another_name_stays_in_the_lobby() {
    let mut io = welcomed();
    assert_eq!(hear(&mut io, r#"20["init","Ann"]"#), ["1 enter lobby"]);
    say(&mut io, joined(1, "lobby"));
    assert_eq!(hear(&mut io, r#"21["init","Eve"]"#), ["2 enter lobby"]);
    assert_eq!(say(&mut io, Done { re: 2, to: None }), ["31[null]"]);
}
