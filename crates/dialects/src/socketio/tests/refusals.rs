//! Events that cannot be read, or lead to nothing.

use super::*;

#[test]
fn a_flag_that_is_none_costs_that_flag() {
    let mut io = welcomed();
    let heard = hear(
        &mut io,
        r#"27["video:state",{"roomId":"r","isMuted":1,"isVideoOff":false,"to":5}]"#,
    );
    assert_eq!(heard, [r#"1 state {"isMuted":true,"isVideoOff":false}"#]);
    let heard = hear(
        &mut io,
        r#"27["video:state",{"roomId":"r","isMuted":"yes","isVideoOff":true}]"#,
    );
    assert_eq!(
        heard,
        [
            r#"2["error",{"code":"bad-message","message":"left out: `isMuted` is not true or false"}]"#,
            r#"2 state {"isVideoOff":true}"#
        ]
    );
    let heard = hear(
        &mut io,
        r#"27["video:state",{"roomId":"r","isMuted":"yes"}]"#,
    );
    assert_eq!(
        heard,
        [r#"37[{"error":"left out: `isMuted` is not true or false","success":false}]"#]
    );
}

#[test]
fn an_event_with_attachments_is_refused_once_in_its_acknowledgement() {
    let refused = |io: &mut SocketIo, text: &str, answer: &str| {
        assert_eq!(hear(io, text), [answer], "{text}");
        let count: u64 = text[1..2].parse().expect("a digit");
        for _ in 0..count {
            let mut heard = Vec::new();
            io.hear(Content::Binary(b"picture"), &mut |what| {
                heard.push(format!("{what:?}"))
            });
            assert_eq!(heard, ["Input(Alive)"], "{text}");
        }
    };
    let mut io = welcomed();
    refused(
        &mut io,
        r#"51-7["offer",{"_placeholder":true,"num":0}]"#,
        r#"37[{"error":"binary attachments are not taken: send JSON","success":false}]"#,
    );
    refused(
        &mut io,
        r#"52-8["connection_info",{"file":{"_placeholder":true,"num":0}}]"#,
        r#"38["binary attachments are not taken: send JSON"]"#,
    );
    refused(
        &mut io,
        r#"51-["video:offer",{"_placeholder":true,"num":0}]"#,
        r#"2["error",{"code":"bad-message","message":"binary attachments are not taken: send JSON"}]"#,
    );
    refused(
        &mut io,
        r#"53-9[{"_placeholder":true,"num":0}]"#,
        "broken Some(4): an event is a JSON array that begins with its name",
    );
    refused(&mut io, "61-9[]", "alive");
    // Nothing announced this one.
    let mut heard = Vec::new();
    io.hear(Content::Binary(b"x"), &mut |what| {
        heard.push(format!("{what:?}"))
    });
    assert!(heard[0].contains("Broken"), "{heard:?}");
    // An announcement does not outlive the next packet.
    hear(&mut io, r#"55-["offer",{}]"#);
    hear(&mut io, r#"2["leave-room"]"#);
    heard.clear();
    io.hear(Content::Binary(b"x"), &mut |what| {
        heard.push(format!("{what:?}"))
    });
    assert!(heard[0].contains("Broken"), "{heard:?}");
}

#[test]
fn an_event_whose_name_cannot_be_read_is_refused_in_its_acknowledgement() {
    let mut io = welcomed();
    for (at, text) in ["27[1]", "27[]", "27{}", "27[", "27[{}]", "27"]
        .iter()
        .enumerate()
    {
        let re = at as u64 + 1;
        assert_eq!(
            hear(&mut io, text),
            [format!(
                "broken Some({re}): an event is a JSON array that begins with its name"
            )]
        );
        assert_eq!(
            say(&mut io, error(re, ErrorCode::BadMessage)),
            [r#"37[{"error":"no","success":false}]"#]
        );
    }
    assert_eq!(
        hear(&mut io, r#"27["\ud83d"]"#),
        ["37[{\"error\":\"there is no event `\u{fffd}` here\",\"success\":false}]"]
    );
    assert!(hear(&mut io, "2[1]")[0].starts_with("broken None"));
}

#[test]
fn what_leads_to_nothing_and_what_is_not_there_cost_a_request_each() {
    let mut io = welcomed();
    for text in [
        r#"25["no-such-event"]"#,
        r#"25["leave-room"]"#,
        r#"25["request_connection","nobody"]"#,
    ] {
        let mut asked = Vec::new();
        io.hear(Content::Text(text), &mut |what| {
            asked.push(format!("{what:?}"))
        });
        assert!(
            asked.len() == 1 && asked[0].contains("Unfit"),
            "{text}: {asked:?}"
        );
    }
    assert_eq!(
        say(&mut io, error(1, ErrorCode::RateLimited)),
        [r#"35[{"error":"no","success":false}]"#]
    );
    let heard = hear(&mut io, "0/admin,");
    assert!(heard[0].contains("Ask { id: 4"), "{heard:?}");
    let done = Done { re: 4, to: None };
    assert_eq!(
        say(&mut io, done),
        [r#"4/admin,{"message":"Invalid namespace"}"#]
    );
}
