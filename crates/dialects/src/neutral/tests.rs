use super::*;

fn there_and_back(kind: &str, usual: &str, said: &str) -> (String, String) {
    let neutral = unwrap(kind, usual, Fields::read(said).expect("an object")).into_owned();
    let raw = RawValue::from_string(neutral.clone()).expect("JSON");
    let wrapped: serde_json::Map<_, _> = wrap(usual, &raw)
        .into_iter()
        .map(|(key, value)| {
            let value: serde_json::Value = serde_json::from_str(value.get()).expect("JSON");
            (key.into_owned(), value)
        })
        .collect();
    (neutral, serde_json::to_string(&wrapped).expect("JSON"))
}

#[test]
fn the_usual_form_is_the_neutral_one_in_a_wrapper() {
    let said = r#"{"offer":{"sdp":"v=0","type":"offer"}}"#;
    let (neutral, back) = there_and_back(OFFER, OFFER, said);
    assert_eq!(neutral, r#"{"sdp":"v=0","type":"offer"}"#);
    assert_eq!(back, said);
}

#[test]
fn another_key_and_what_stands_beside_it_come_back_as_they_were() {
    let said = r#"{"camera":"front","sdp":{"sdp":"v=0","type":"offer"}}"#;
    let (neutral, back) = there_and_back(OFFER, OFFER, said);
    assert_eq!(
        neutral,
        r#"{"with":{"key":"sdp","rest":{"camera":"front"}},"sdp":"v=0","type":"offer"}"#
    );
    assert_eq!(back, said);
}

#[test]
fn a_flat_form_is_neutral_already() {
    let (neutral, back) = there_and_back(ANSWER, ANSWER, r#"{"sdp":"v=0"}"#);
    assert_eq!(
        neutral,
        r#"{"with":{"key":""},"type":"answer","sdp":"v=0"}"#
    );
    assert_eq!(back, r#"{"sdp":"v=0","type":"answer"}"#);
    let candidate = r#"{"candidate":"candidate:1","sdpMLineIndex":0,"sdpMid":"0"}"#;
    let (_, back) = there_and_back(CANDIDATE, CANDIDATE, candidate);
    assert_eq!(back, candidate);
}

#[test]
fn what_has_no_description_in_it_comes_back_as_it_was() {
    for said in ["{}", r#"{"note":"later"}"#, r#"{"offer":null}"#] {
        for kind in [OFFER, CANDIDATE] {
            let (_, back) = there_and_back(kind, kind, said);
            assert_eq!(back, said, "{kind}");
        }
    }
}

#[test]
fn a_with_of_the_clients_own_comes_back_too() {
    for said in [
        r#"{"offer":{"sdp":"v=0","with":{"key":"sdp"}}}"#,
        r#"{"offer":{"sdp":"v=0","with":null}}"#,
        r#"{"sdp":"v=0","type":"offer","with":{"key":"sdp"}}"#,
        r#"{"camera":1,"sdp":{"sdp":"v=0","with":{"under":""}},"with":2}"#,
    ] {
        let (neutral, back) = there_and_back(OFFER, OFFER, said);
        assert_eq!(back, said, "{neutral}");
        assert_eq!(neutral.matches(r#"{"with":"#).count(), 1, "{neutral}");
    }
    let escaped = r#"{"offer":{"sdp":"v=0","\u0077ith":{"key":"sdp"}}}"#;
    let (_, back) = there_and_back(OFFER, OFFER, escaped);
    assert_eq!(back, r#"{"offer":{"sdp":"v=0","with":{"key":"sdp"}}}"#);
}

#[test]
fn a_with_that_no_dialect_wrote_is_told_as_it_came() {
    for neutral in [
        r#"{"sdp":"v=0","with":{}}"#,
        r#"{"sdp":"v=0","with":{"key":5}}"#,
        r#"{"sdp":"v=0","with":"x"}"#,
        r#"{"sdp":"v=0","with":{"under":"sdp"}}"#,
    ] {
        let raw = RawValue::from_string(neutral.into()).expect("JSON");
        let told = wrap(OFFER, &raw);
        assert_eq!(told.len(), 1, "{neutral}");
        assert_eq!((&*told[0].0, told[0].1.get()), (OFFER, neutral));
    }
}

#[test]
fn after_the_last_candidate_comes_null_whatever_stands_beside_it() {
    for said in [
        r#"{"candidate":null}"#,
        r#"{"candidate":null,"name":"Ada"}"#,
        r#"{"type":"candidate","candidate": null }"#,
        r#"{"candidate":null,"sdpMid":"0","sdpMLineIndex":0}"#,
        r#"{"candidate":{"candidate":null,"sdpMid":"0"}}"#,
        r#"{"candidate":1,"candidate":null}"#,
    ] {
        let (neutral, back) = there_and_back(CANDIDATE, CANDIDATE, said);
        assert_eq!(neutral, "null", "{said}");
        assert_eq!(back, r#"{"candidate":null}"#, "{said}");
    }
    // A native client, or a node of the build before, may write it so.
    for neutral in [
        r#"{"candidate":null}"#,
        r#"{"with":{"key":"","rest":{"a":1}},"candidate":null}"#,
    ] {
        let raw = RawValue::from_string(neutral.into()).expect("JSON");
        let told = wrap(CANDIDATE, &raw);
        assert_eq!(
            (told.len(), &*told[0].0, told[0].1.get()),
            (1, CANDIDATE, "null")
        );
        assert_eq!(candidate(&raw).get(), "null");
    }
}

#[test]
fn browsers_last_candidate_of_a_section_is_a_candidate() {
    for said in [
        r#"{"candidate":{"candidate":"","sdpMLineIndex":0,"sdpMid":"0","usernameFragment":null}}"#,
        r#"{"candidate":"","sdpMLineIndex":0,"sdpMid":"0"}"#,
        r#"{"candidate":""}"#,
    ] {
        let (neutral, back) = there_and_back(CANDIDATE, CANDIDATE, said);
        assert!(neutral.contains(r#""candidate":"""#), "{neutral}");
        assert_eq!(back, said);
    }
}

#[test]
fn an_empty_object_survives() {
    let (neutral, back) = there_and_back(OFFER, OFFER, r#"{"offer":{},"x":1}"#);
    assert_eq!(neutral, r#"{"with":{"key":"offer","rest":{"x":1}}}"#);
    assert_eq!(back, r#"{"offer":{},"x":1}"#);
}
