//! The signals of STOMP clients. What they say side by side, or under another key, goes along as `with`, so that another
//! STOMP client gets it as it was said; what others read is the [neutral](crate::dialect::neutral) form:
//!
//! ```text
//! {type: "OFFER", sdp: "v=0…"}                     ──►  {type: "offer", sdp: "v=0…"}
//! {type: "OFFER", sdp: {type, sdp: "v=0…"}}        ──►  {with: {under: "sdp"}, type, sdp: "v=0…"}
//! {type: "CANDIDATE", candidate: {candidate, …}}   ──►  {candidate, …}
//! {type: "CANDIDATE", candidate: "…", sdpMid, …}   ──►  {with: {under: ""}, candidate: "…", sdpMid, …}
//! {type: "CHAT", text: "hi"}                       ──►  {with: {under: ""}, text: "hi"}      kind `CHAT`
//! ```

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use switchboard_protocol::PeerId;
use switchboard_protocol::ids::check_kind;

use crate::dialect::neutral::{self, Fields};

/// The tutorial's words, and where its clients put what belongs to them.
const SIGNALS: [(&str, &str, &str); 3] = [
    ("OFFER", neutral::OFFER, "sdp"),
    ("ANSWER", neutral::ANSWER, "sdp"),
    ("CANDIDATE", neutral::CANDIDATE, "candidate"),
];
const WITH: &str = "with";

/// A signal as the session has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Neutral<'a> {
    pub(super) kind: Cow<'a, str>,
    pub(super) payload: String,
}

/// How a client wrapped what it said.
#[derive(Serialize, Deserialize)]
struct With<'a> {
    /// Empty: everything stood side by side.
    #[serde(borrow)]
    under: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    rest: Option<Fields<'a>>,
}

/// What a client says; an error says what it should. Its `sid` is not believed, and `with` is a word of the gateway's.
pub(super) fn read(body: &str) -> Result<Neutral<'_>, &'static str> {
    let mut said = Fields::read(body).ok_or("a signal is a JSON object")?;
    let word = said.text("type");
    let word =
        word.ok_or("a signal has a `type`: OFFER, ANSWER, CANDIDATE or a word of your own")?;
    said.0
        .retain(|(key, _)| !["type", "sid", WITH].contains(&&**key));
    let known = SIGNALS
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(&word));
    let Some((_, kind, key)) = known else {
        check_kind(&word)
            .map_err(|_| "the `type` of a signal is 1 to 64 of A-Z a-z 0-9 . _ : -")?;
        let payload = side_by_side(&said);
        return Ok(Neutral {
            kind: word,
            payload,
        });
    };
    let value = said.get(key).map(RawValue::get);
    let payload = match (value, *kind) {
        // The end of candidates (RFC 8838) is `null` in the place of one.
        (Some(value), neutral::CANDIDATE)
            if said.0.len() == 1 && (value.starts_with('{') || value == "null") =>
        {
            value.to_owned()
        }
        (Some(object), _) if object.starts_with('{') => under(key, said),
        (Some(_), neutral::OFFER | neutral::ANSWER) => marked("type", kind, &said),
        _ => side_by_side(&said),
    };
    Ok(Neutral {
        kind: Cow::Borrowed(kind),
        payload,
    })
}

fn under<'a>(key: &'a str, mut said: Fields<'a>) -> String {
    let value = said.take(key).and_then(|value| Fields::read(value.get()));
    let rest = Some(said).filter(|rest| !rest.0.is_empty());
    let with = With {
        under: key.into(),
        rest,
    };
    marked(WITH, &with, &value.unwrap_or_default())
}

fn side_by_side(said: &Fields<'_>) -> String {
    let with = With {
        under: Cow::Borrowed(""),
        rest: None,
    };
    marked(WITH, &with, said)
}

/// The fields behind one more.
fn marked(key: &str, mark: &(impl Serialize + ?Sized), fields: &Fields<'_>) -> String {
    let mark = to_raw_value(mark).expect("texts and raw JSON can be written");
    let others = fields.0.iter().cloned();
    let all = std::iter::once((Cow::Borrowed(key), &*mark)).chain(others);
    write_object(&Fields(all.collect()))
}

fn write_object(fields: &Fields<'_>) -> String {
    serde_json::to_string(fields).expect("raw JSON can be written")
}

/// What is told beside `type` and `sid`.
type Told<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// A member's signal as STOMP clients read it.
pub(super) fn write(sid: &PeerId, kind: &str, payload: &RawValue) -> String {
    let known = SIGNALS.iter().find(|(_, known, _)| *known == kind);
    let mut fields = Fields::read(payload.get()).unwrap_or_default();
    let with = fields.take(WITH);
    let with = with.and_then(|with| serde_json::from_str::<With<'_>>(with.get()).ok());
    let object = to_raw_value(&fields).expect("raw JSON can be written");
    let told = match (&with, known) {
        (Some(With { under, .. }), _) if under.is_empty() => all(&fields),
        (Some(With { under, rest }), _) => {
            let rest = rest.as_ref().map(all).unwrap_or_default();
            std::iter::once((under.clone(), &*object))
                .chain(rest)
                .collect()
        }
        (None, Some((_, neutral::CANDIDATE, key))) if !fields.0.is_empty() => {
            vec![(Cow::Borrowed(*key), &*object)]
        }
        // A description stands beside its type here too.
        (None, Some((.., key))) if fields.get(key).is_some() => all(&fields),
        (None, Some((.., key))) => vec![(Cow::Borrowed(*key), payload)],
        (None, None) => vec![(Cow::Borrowed("payload"), payload)],
    };
    signed(sid, known.map_or(kind, |(word, ..)| word), told)
}

fn all<'a>(fields: &Fields<'a>) -> Told<'a> {
    fields.0.to_vec()
}

/// Who said it comes from the gateway, whatever the fields say.
fn signed(sid: &PeerId, word: &str, mut told: Told<'_>) -> String {
    told.retain(|(key, _)| key != "type" && key != "sid");
    let [word, sid] =
        [word, sid.as_str()].map(|text| to_raw_value(text).expect("text can be written"));
    let ours = [("type", &*word), ("sid", &*sid)].map(|(key, value)| (Cow::Borrowed(key), value));
    write_object(&Fields(ours.into_iter().chain(told).collect()))
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
            json!({ "type": "LEAVE" }),
            json!({ "type": "CHAT", "text": "hi" }),
        ] {
            let mut sent = said.clone();
            sent["sid"] = json!("somebody else");
            sent["with"] = json!({ "under": "x" });
            let (kind, payload) = neutral_of(&sent);
            let mut expected = said.clone();
            expected["sid"] = json!(sid);
            assert_eq!(told(&sid, &kind, &payload), expected, "{payload}");
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
