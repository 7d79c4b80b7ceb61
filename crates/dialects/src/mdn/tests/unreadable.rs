//! What is no message, and what is only half a text.

use super::*;

#[test]
fn what_is_no_message_is_said_to_be_none() {
    let mut mdn = Mdn::new(1000);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"type":5}"#,
        r#"{"type":"username"}"#,
        r#"{"type":"username","name":""}"#,
        r#"{"type":"message","text":"too early"}"#,
        r#"{"type":"video-offer","target":"Bob"}"#,
    ] {
        let heard = hear(&mut mdn, text);
        assert!(heard[0].contains("Broken"), "{text}: {heard:?}");
    }
}

#[test]
fn half_an_emoji_is_shown_as_far_as_it_goes_and_is_no_name() {
    let (mut mdn, _) = in_lobby();
    let heard = hear(&mut mdn, r#"{"type":"message","text":"a\ud83d b"}"#);
    assert_eq!(heard, ["message all {\"text\":\"a\u{fffd} b\"}"]);
    let heard = hear(&mut mdn, r#"{"type":"username","name":"Ann\ud83d"}"#);
    assert!(heard[0].contains("say your `name`"), "{heard:?}");
    let heard = hear(&mut mdn, r#"{"type":"wave","\ud83d":"\ud83d"}"#);
    assert_eq!(
        heard,
        [r#"wave all {"type":"wave","\ufffd":"\ufffd"}"#.replace("\\ufffd\":", "\u{fffd}\":")]
    );
}
