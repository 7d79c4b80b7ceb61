//! Member states: compact, bounded, the same in every encoding.

use serde::{Deserialize, Serialize};

use super::*;
use crate::client_message::StatePatch;
use crate::{Encoding, MemberState, Payload};

fn state(json: &str) -> MemberState {
    MemberState::from_json(json).expect("a state")
}

fn patch(json: &str) -> StatePatch {
    StatePatch::from_json(json).expect("a patch")
}

#[test]
fn a_state_is_kept_without_white_space_and_in_its_order() {
    let kept = state(" { \"z\" : [ 1 , \"a b\" ] ,\n \"a\" : null } ");
    assert_eq!(kept.as_json(), r#"{"z":[1,"a b"],"a":null}"#);
}

#[test]
fn a_state_that_is_no_map_is_refused_in_words() {
    for (json, text) in [
        ("[]", "expected a map, found a list"),
        ("\"s\"", "expected a map, found a string"),
        ("{", "not JSON: EOF while parsing an object at byte 0"),
        (
            r#"{"a":"\ud800"}"#,
            "a string holds half of a surrogate pair",
        ),
    ] {
        assert_eq!(
            MemberState::from_json(json).expect_err(json).to_string(),
            text
        );
        assert_eq!(
            StatePatch::from_json(json).expect_err(json).to_string(),
            text
        );
    }
}

#[test]
fn a_patch_removes_merges_and_replaces() {
    let before = state(r#"{"muted":true,"cam":{"on":true,"w":640},"x":[1]}"#);
    let after = before.merge(&patch(
        r#"{"muted":null,"cam":{"w":1e2,"h":null},"x":{"y":null}}"#,
    ));
    assert_eq!(after, Ok(state(r#"{"cam":{"on":true,"w":100.0},"x":{}}"#)));
}

#[test]
fn a_state_grows_to_its_bound_and_not_beyond() {
    let before = state(&format!(r#"{{"a":"{}"}}"#, "x".repeat(4000)));
    let grow = |bytes| before.merge(&patch(&format!(r#"{{"b":"{}"}}"#, "y".repeat(bytes))));
    assert_eq!(grow(81).map(|state| state.as_json().len()), Ok(4096));
    assert_eq!(grow(82), Err(StateTooLarge { bytes: 4097 }));
}

#[test]
fn a_state_128_deep_can_be_read_merged_and_written() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(128), "}".repeat(128));
    let merged = state(&deep).merge(&patch(&deep)).expect("it did not grow");
    assert_eq!(merged.as_json(), deep);
    assert_eq!(through_msgpack(&merged), merged);
    assert_eq!(through_json(&merged), merged);

    let deeper = format!("{}1{}", r#"{"a":"#.repeat(129), "}".repeat(129));
    assert_eq!(
        MemberState::from_json(&deeper),
        Err(InvalidPayload::TooDeep.into())
    );
}

#[test]
fn a_state_is_a_map_in_every_encoding() {
    let state = state(r#"{"b":[1,-2,2.5,"ü",null,true],"a":{}}"#);
    assert_eq!(through_json(&state), state);
    assert_eq!(through_msgpack(&state), state);

    let bytes = rmp_serde::to_vec(&state).expect("a map");
    let payload = Payload::new(Encoding::MessagePack, bytes).expect("one value");
    assert_eq!(
        payload.transcode_to(Encoding::Json).as_deref(),
        Ok(state.as_json().as_bytes())
    );
}

#[test]
fn a_state_without_end_is_refused_by_every_deserializer() {
    let json = r#"{"a":"#.repeat(50_000);
    assert!(serde_json::from_str::<MemberState>(&json).is_err());
    let msgpack = b"\x81\xa1a".repeat(50_000);
    assert!(rmp_serde::from_slice::<MemberState>(&msgpack).is_err());
}

#[test]
fn names_that_serde_json_keeps_for_itself_are_only_names() {
    let odd = state(r#"{"$serde_json::private::RawValue":"[","$serde_json::private::Number":"1"}"#);
    let merged = odd
        .merge(&patch(r#"{"a":{"$serde_json::private::RawValue":"{"}}"#))
        .expect("short");
    assert!(
        merged
            .as_json()
            .contains(r#""a":{"$serde_json::private::RawValue":"{"}"#),
        "{merged:?}"
    );
    assert_eq!(through_json(&merged), merged);
}

fn through_json(state: &MemberState) -> MemberState {
    let text = serde_json::to_string(state).expect("a map");
    assert_eq!(text, state.as_json());
    serde_json::from_str(&text).expect("a state")
}

/// Inside another type, as a roster holds it.
fn through_msgpack(state: &MemberState) -> MemberState {
    #[derive(Serialize, Deserialize)]
    struct Entry {
        state: MemberState,
        order: u64,
    }
    let bytes = rmp_serde::to_vec(&Entry {
        state: state.clone(),
        order: 1,
    })
    .expect("an entry");
    rmp_serde::from_slice::<Entry>(&bytes)
        .expect("an entry")
        .state
}
