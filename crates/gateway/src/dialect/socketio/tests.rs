use switchboard_protocol::server_message::{Error, Joined};
use switchboard_protocol::{ClientMessage, ErrorCode};

use super::*;

/// Somebody in no room.
fn welcomed() -> SocketIo {
    SocketIo {
        peer: Some(PeerId::random()),
        ..SocketIo::new(Texts::English)
    }
}

/// What the session is asked, and what is said back at once.
fn hear(io: &mut SocketIo, text: &str) -> Vec<String> {
    let mut heard = Vec::new();
    io.hear(Frame::Text(text), &mut |what| {
        heard.push(match what {
            Heard::Input(Input::Enter(enter)) => {
                format!("{} enter {}", enter.join.id, enter.join.room)
            }
            Heard::Input(Input::Message(ClientMessage::Leave(leave))) => {
                format!("{} leave {}", leave.id, leave.room)
            }
            Heard::Input(Input::Message(ClientMessage::Signal(signal))) => {
                format!("{} signal in {}", signal.id, signal.room)
            }
            Heard::Say(Message::Text(text)) => text.to_string(),
            other => format!("{other:?}"),
        });
    });
    heard
}

fn say(io: &mut SocketIo, message: impl Into<ServerMessage>) -> Vec<String> {
    let mut said = Vec::new();
    io.say(&message.into(), &mut |frame| {
        said.push(frame.into_text().expect("text").to_string());
    })
    .expect("it can be said");
    said
}

fn joined(re: u64, room: &str) -> Joined {
    Joined {
        re,
        room: room.parse().expect("a room"),
        revision: 1,
        capacity: 8,
        members: Vec::new(),
    }
}

fn error(re: u64, code: ErrorCode) -> Error {
    Error {
        re: Some(re),
        code,
        message: "no".into(),
        retry_after_ms: None,
    }
}

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
fn who_is_not_let_in_is_told_whether_he_or_his_page_is_meant() {
    let mut io = SocketIo::new(Texts::English);
    let mut goodbye = |closing: Closing| {
        let mut said = Vec::new();
        io.goodbye(&closing, &mut |frame| {
            said.push(frame.into_text().expect("text").to_string())
        });
        said
    };
    assert_eq!(
        goodbye(Closing::new(CloseCode::Unauthorized)),
        [r#"4{"message":"Authentication required"}"#]
    );
    assert_eq!(
        goodbye(Closing::because(CloseCode::Forbidden, "not from there")),
        [r#"4{"message":"not from there"}"#]
    );
    assert!(goodbye(Closing::new(CloseCode::Unavailable)).is_empty());
}
