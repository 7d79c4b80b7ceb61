//! What a client says of itself as it connects, and how it is told that it may not.

use super::*;

#[test]
fn who_is_not_let_in_is_told_whether_he_or_his_page_is_meant() {
    let mut io = SocketIo::new(ErrorTexts::English);
    let mut goodbye = |closing: Closing| {
        let mut said = Vec::new();
        io.goodbye(&closing, &mut |frame| {
            said.push(frame.text().expect("text").to_string())
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

#[test]
fn what_is_wrong_in_one_field_of_auth_costs_that_field() {
    for (auth, hello) in [
        (
            r#"{"token":"t","name":42}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","name":"Ada\ud83d"}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","avatar":{"url":"x"}}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","userId":1.5}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","userId":5.0}"#,
            r#"hello Some("t") None None Some("5")"#,
        ),
        (
            r#"{"token":1,"token":"t","\ud83d":1e999}"#,
            r#"hello Some("t") None None None"#,
        ),
        (
            r#"{"token":"t","name":null,"avatar":""}"#,
            r#"hello Some("t") None Some("") None"#,
        ),
        (
            r#"{"token":["t"],"name":"Ada"}"#,
            r#"hello None Some("Ada") None None"#,
        ),
        (r#"["t"]"#, "hello None None None None"),
        ("{", "hello None None None None"),
        ("null", "hello None None None None"),
        ("", "hello None None None None"),
    ] {
        let mut io = SocketIo::new(ErrorTexts::English);
        assert_eq!(hear(&mut io, &format!("0{auth}")), [hello], "{auth}");
        assert_eq!(io.has_token, hello.contains(r#"("t")"#), "{auth}");
    }
}

#[test]
fn what_was_left_out_of_auth_is_told_once_its_client_is_in() {
    let mut io = SocketIo::new(ErrorTexts::English);
    hear(&mut io, r#"0{"token":"t","name":42,"avatar":[]}"#);
    assert_eq!(
        io.left_out.as_deref(),
        Some(
            "left out: `name` is not a text of at most 256 bytes, `avatar` is not a text of at most 2048 bytes"
        )
    );
    let mut io = SocketIo::new(ErrorTexts::English);
    hear(&mut io, r#"0{"token":"t","name":"Ada","userId":7}"#);
    assert_eq!(io.left_out, None);
    hear(&mut io, "0[]");
    assert_eq!(
        io.left_out.as_deref(),
        Some("left out: `auth` is not an object")
    );
}
