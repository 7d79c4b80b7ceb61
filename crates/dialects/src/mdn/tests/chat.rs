//! The chat.

use super::*;

#[test]
fn what_is_said_comes_back_to_who_said_it_without_tags_once_it_is_on_its_way() {
    let (mut mdn, _) = in_lobby();
    let heard = hear(
        &mut mdn,
        r#"{"type":"message","text":"a <b>word</b> <> 3 <","id":7,"date":5}"#,
    );
    assert_eq!(heard, [r#"message all {"text":"a word <> 3 <","date":5}"#]);
    let told = say(
        &mut mdn,
        Done {
            re: 2,
            to: Some(Vec::new()),
        },
    );
    assert_eq!(
        told,
        [json!({ "type": "message", "name": "Ann", "text": "a word <> 3 <", "date": 5 })]
    );
}

#[test]
fn whoever_talks_without_reading_what_comes_back_is_sent_away() {
    let (mut mdn, _) = in_lobby();
    let chat = format!(r#"{{"type":"message","text":"{}"}}"#, "x".repeat(400));
    for id in 2..10 {
        assert!(hear(&mut mdn, &chat)[0].starts_with("message all "));
        say(&mut mdn, Done { re: id, to: None });
    }
    hear(&mut mdn, &chat);
    hear(&mut mdn, &chat);
    let ended = hear(&mut mdn, &chat);
    assert!(
        ended[0].starts_with("End(") && ended[0].contains("SlowConsumer"),
        "{ended:?}"
    );
}

#[test]
fn a_date_is_whatever_javascript_writes_and_one_that_nobody_could_read_costs_the_date() {
    let (mut mdn, _) = in_lobby();
    let deep = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let fits = deep(127);
    for (date, passed) in [
        ("1e999", "null "),
        (r#""\ud83d""#, r#""\ufffd""#),
        (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        ("12345678901234567890123", "12345678901234567890123"),
        (&fits, &fits),
    ] {
        let chat = format!(r#"{{"type":"message","text":"x","date":{date}}}"#);
        let heard = hear(&mut mdn, &chat);
        let expected = format!(r#"message all {{"text":"x","date":{passed}}}"#);
        assert_eq!(heard, [expected]);
        let re = mdn.requests.unheeded() - 1;
        let told = say(&mut mdn, Done { re, to: None });
        assert_eq!((told.len(), &told[0]["text"]), (1, &json!("x")), "{told:?}");
    }
    let chat = format!(r#"{{"type":"message","text":"x","date":{}}}"#, deep(128));
    let heard = hear(&mut mdn, &chat);
    assert!(heard[0].contains("left out: `date`"), "{heard:?}");
    assert_eq!(heard[1], r#"message all {"text":"x"}"#);
}
