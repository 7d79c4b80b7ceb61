//! The signals of STOMP clients. What they say side by side, or under another key, goes along as `with`, so that another
//! STOMP client gets it as it was said; what others read is the [neutral](crate::neutral) form:
//!
//! ```text
//! {type: "OFFER", sdp: "v=0…"}                     ──►  {type: "offer", sdp: "v=0…"}
//! {type: "OFFER", sdp: {type, sdp: "v=0…"}}        ──►  {with: {under: "sdp"}, type, sdp: "v=0…"}
//! {type: "CANDIDATE", candidate: {candidate, …}}   ──►  {candidate, …}
//! {type: "CANDIDATE", candidate: "…", sdpMid, …}   ──►  {with: {under: ""}, candidate: "…", sdpMid, …}
//! {type: "CHAT", text: "hi"}                       ──►  {with: {under: ""}, text: "hi"}      kind `CHAT`
//! ```

use std::borrow::Cow;

use serde_json::value::{RawValue, to_raw_value};
use switchboard_protocol::PeerId;
use switchboard_protocol::ids::check_kind;

use crate::foreign::{Fields, RelayedObject};
use crate::kinds::{CANDIDATE, Kind};
use crate::neutral::{self, Family, WITH, With, Wrapped};

/// A signal as the session has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Neutral<'a> {
    pub(super) kind: Cow<'a, str>,
    pub(super) payload: String,
}

/// What a client says; an error says what it should. Its `sid` is not believed.
pub(super) fn read(body: &str) -> Result<Neutral<'_>, &'static str> {
    let mut said = Fields::read(body).ok_or("a signal is a JSON object")?;
    let word = said.text("type");
    let word =
        word.ok_or("a signal has a `type`: OFFER, ANSWER, CANDIDATE or a word of your own")?;
    said.0.retain(|(key, _)| key != "type" && key != "sid");
    let Some(kind) = Kind::in_stomp(&word) else {
        check_kind(&word)
            .map_err(|_| "the `type` of a signal is 1 to 64 of A-Z a-z 0-9 . _ : -")?;
        return Ok(Neutral {
            kind: word,
            payload: Family::Stomp.side_by_side(said),
        });
    };
    Ok(Neutral {
        kind: Cow::Borrowed(kind.name),
        payload: payload(kind, said),
    })
}

fn payload(kind: &Kind, mut said: Fields<'_>) -> String {
    let (key, is_candidate) = (kind.stomp.key, kind.name == CANDIDATE);
    let value = said.get(key);
    let object = value.and_then(|value| Fields::read(value.get()));
    match (value, object) {
        (Some(value), _) if is_candidate && neutral::is_end_of_candidates(value) => {
            "null".to_owned()
        }
        (Some(value), Some(object))
            if is_candidate && said.0.len() == 1 && object.get(WITH).is_none() =>
        {
            value.get().to_owned()
        }
        (Some(_), Some(object)) => {
            said.take(key);
            let with = With {
                family: Family::Stomp,
                key: key.into(),
                rest: said,
            };
            with.enclose(object)
        }
        // A description is one of this type, and says so first.
        (Some(_), None) if !is_candidate => {
            let kind = to_raw_value(kind.name).expect("a text can be written");
            let mut typed: Fields<'_> = said;
            typed.0.insert(0, (Cow::Borrowed("type"), &*kind));
            match typed.get(WITH) {
                None => typed.to_json(),
                Some(_) => Family::Stomp.side_by_side(typed),
            }
        }
        _ => Family::Stomp.side_by_side(said),
    }
}

/// A member's signal as STOMP clients read it.
pub(super) fn write(sid: &PeerId, kind: &str, payload: &RawValue) -> String {
    let known = Kind::named(kind);
    let word = known.map_or(kind, |known| known.stomp.word);
    let told = RelayedObject {
        own: &[("type", word), ("sid", sid.as_str())],
        fields: &fields(known, payload),
    };
    serde_json::to_string(&told).expect("texts and raw JSON can be written")
}

/// What is told beside `type` and `sid`.
fn fields<'a>(known: Option<&Kind>, payload: &'a RawValue) -> Wrapped<'a> {
    let under = |key: &'static str, value: Cow<'a, RawValue>| vec![(Cow::Borrowed(key), value)];
    let mut fields = Fields::read(payload.get()).unwrap_or_default();
    let with = With::disclose(&mut fields);
    let key = known.map(|known| (known.stomp.key, known.name == CANDIDATE));
    match (with, key) {
        (_, Some((key, true))) if neutral::is_end_of_candidates(payload) => {
            under(key, Cow::Borrowed(RawValue::NULL))
        }
        (Some(with), _) if with.family == Family::Stomp => with.unwrapped(fields),
        (_, Some((key, true))) if !fields.0.is_empty() => under(key, Cow::Owned(fields.to_raw())),
        // A description stands beside its type here too.
        (_, Some((key, _))) if fields.get(key).is_some() => neutral::borrowed(fields),
        (_, Some((key, _))) => under(key, Cow::Borrowed(payload)),
        (_, None) => under("payload", Cow::Borrowed(payload)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn neutral_of(said: &Value) -> (String, Value) {
        let said = said.to_string();
        let Neutral { kind, payload } = read(&said).expect("a signal");
        (
            kind.into_owned(),
            serde_json::from_str(&payload).expect("JSON"),
        )
    }

    fn told(sid: &PeerId, kind: &str, payload: &Value) -> Value {
        let payload = to_raw_value(payload).expect("JSON");
        serde_json::from_str(&write(sid, kind, &payload)).expect("JSON")
    }

    #[test]
    fn what_a_stomp_client_says_another_gets_as_it_was_said_with_the_right_sid() {
        let candidate =
            json!({ "candidate": "candidate:1 1 udp", "sdpMid": "0", "sdpMLineIndex": 0 });
        let sid = PeerId::random();
        for said in [
            json!({ "type": "OFFER", "sdp": "v=0" }),
            json!({ "type": "ANSWER", "sdp": "v=0", "camera": "front" }),
            json!({ "type": "OFFER", "sdp": { "type": "offer", "sdp": "v=0" } }),
            json!({ "type": "OFFER", "sdp": { "type": "offer", "sdp": "v=0" }, "camera": "front" }),
            json!({ "type": "OFFER" }),
            json!({ "type": "CANDIDATE", "candidate": candidate }),
            json!({ "type": "CANDIDATE", "candidate": candidate, "of": 1 }),
            json!({ "type": "CANDIDATE", "candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0 }),
            json!({ "type": "CANDIDATE", "candidate": "candidate:1" }),
            json!({ "type": "CANDIDATE", "candidate": null }),
            json!({ "type": "CANDIDATE", "candidate": "", "sdpMid": "0" }),
            json!({ "type": "CANDIDATE", "candidate": { "candidate": "", "sdpMid": "0" } }),
            json!({ "type": "LEAVE" }),
            json!({ "type": "CHAT", "text": "hi" }),
        ] {
            for with in [None, Some(json!({ "under": "x" })), Some(json!(null))] {
                let mut sent = said.clone();
                sent["sid"] = json!("somebody else");
                let mut expected = said.clone();
                expected["sid"] = json!(sid);
                // After the last candidate comes `null` and nothing else.
                if let Some(with) =
                    with.filter(|_| said["candidate"] != json!(null) || said["type"] != "CANDIDATE")
                {
                    sent["with"] = with.clone();
                    expected["with"] = with;
                }
                let (kind, payload) = neutral_of(&sent);
                assert_eq!(told(&sid, &kind, &payload), expected, "{payload}");
                if said["type"] == "OFFER" && said["sdp"] == "v=0" {
                    assert_eq!(
                        (&payload["type"], &payload["sdp"]),
                        (&json!("offer"), &json!("v=0"))
                    );
                }
            }
        }
    }

    #[test]
    fn others_read_the_neutral_form() {
        let (kind, payload) = neutral_of(&json!({ "type": "OFFER", "sdp": "v=0", "sid": "x" }));
        assert_eq!(
            (kind.as_str(), payload),
            ("offer", json!({ "type": "offer", "sdp": "v=0" }))
        );
        let description = json!({ "type": "answer", "sdp": "v=0" });
        let (kind, mut payload) = neutral_of(&json!({ "type": "ANSWER", "sdp": description }));
        payload.as_object_mut().expect("an object").remove(WITH);
        assert_eq!((kind.as_str(), payload), ("answer", description));
        let candidate = json!({ "candidate": "candidate:1", "sdpMid": "0" });
        let (kind, payload) = neutral_of(&json!({ "type": "CANDIDATE", "candidate": candidate }));
        assert_eq!((kind.as_str(), payload), ("candidate", candidate.clone()));
        let flat = json!({ "type": "candidate", "candidate": "candidate:1", "sdpMid": "0" });
        let (_, mut payload) = neutral_of(&flat);
        payload.as_object_mut().expect("an object").remove(WITH);
        assert_eq!(payload, candidate);
    }

    #[test]
    fn after_the_last_candidate_comes_null_whatever_stands_beside_it() {
        for said in [
            json!({ "type": "CANDIDATE", "candidate": null }),
            json!({ "type": "CANDIDATE", "candidate": null, "sdpMid": "0", "with": 1 }),
            json!({ "type": "candidate", "candidate": { "candidate": null, "sdpMid": "0" } }),
        ] {
            assert_eq!(
                neutral_of(&said),
                ("candidate".into(), json!(null)),
                "{said}"
            );
        }
        let sid = PeerId::random();
        for payload in [
            json!(null),
            json!({ "candidate": null, "sdpMid": "0" }),
            json!({ "with": { "key": "candidate" }, "candidate": null }),
        ] {
            assert_eq!(
                told(&sid, "candidate", &payload),
                json!({ "type": "CANDIDATE", "sid": sid, "candidate": null }),
                "{payload}"
            );
        }
    }

    #[test]
    fn what_others_say_comes_in_the_tutorials_words() {
        let sid = PeerId::random();
        let candidate = json!({ "candidate": "candidate:1", "sdpMid": "0" });
        for (kind, payload, expected) in [
            (
                "offer",
                json!({ "type": "offer", "sdp": "v=0" }),
                json!({ "type": "OFFER", "sid": sid, "sdp": "v=0" }),
            ),
            (
                "answer",
                json!("v=0"),
                json!({ "type": "ANSWER", "sid": sid, "sdp": "v=0" }),
            ),
            (
                "candidate",
                candidate.clone(),
                json!({ "type": "CANDIDATE", "sid": sid, "candidate": candidate }),
            ),
            (
                "candidate",
                json!("candidate:1"),
                json!({ "type": "CANDIDATE", "sid": sid, "candidate": "candidate:1" }),
            ),
            // From Socket.IO, with that dialect's own wrapper.
            (
                "offer",
                json!({ "with": { "key": "sdp" }, "type": "offer", "sdp": "v=0" }),
                json!({ "type": "OFFER", "sid": sid, "sdp": "v=0" }),
            ),
            (
                "chat",
                json!({ "type": "x" }),
                json!({ "type": "chat", "sid": sid, "payload": { "type": "x" } }),
            ),
        ] {
            assert_eq!(told(&sid, kind, &payload), expected);
        }
    }

    #[test]
    fn what_is_no_signal_is_refused_in_words() {
        for (body, words) in [
            ("", "JSON object"),
            ("[]", "JSON object"),
            (r#"{"sdp":"v=0"}"#, "`type`"),
            (r#"{"type":7}"#, "`type`"),
            (r#"{"type":"two words"}"#, "1 to 64"),
        ] {
            let refused = read(body).expect_err(body);
            assert!(refused.contains(words), "{refused}");
        }
    }
}
