//! Signals to a member by its name, or to all others, in the sample's words.

use serde::Serialize;
use serde_json::value::RawValue;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::ids::check_kind;
use switchboard_protocol::server_message::{Reason, Signal as Signalled, Undelivered};
use switchboard_protocol::{ErrorCode, Payload};
use switchboard_session::Input;

use super::chat::{CHAT, Chat};
use super::{Hear, Mdn, Request, Say, broken, display, error, json_of};
use crate::foreign::{Fields, RelayedObject};
use crate::kinds::Kind;
use crate::{Frame, Heard, lobby, neutral};

impl Mdn {
    pub(super) fn pass_on(&mut self, kind: &str, mut said: Fields<'_>, heard: Hear<'_>) {
        if self.rooms.get(lobby::ROOM).is_none() {
            return broken("say your name first: a message of type `username`", heard);
        }
        // Without a target, or with none: everybody else. What is no name is nobody's, and not for all to read. Who has that
        // name, the node knows before this client is told.
        let target = match said.optional_text("target") {
            Ok(target) => target.filter(|target| !target.is_empty()),
            Err(wrong) => return broken(&wrong.to_string(), heard),
        };
        let target = target.as_deref();
        let Some(known) = Kind::called(kind, |kind| kind.mdn) else {
            if check_kind(kind).is_err() {
                return broken("a `type` is 1 to 64 of A-Z a-z 0-9 . _ : -", heard);
            }
            return self.pass(target, kind, &said.to_json(), heard);
        };
        for own in ["type", "target", "name", "id", "date"] {
            said.take(own);
        }
        let payload = neutral::unwrap(known.name, known.mdn.key, said);
        self.pass(target, known.name, &payload, heard);
    }

    /// Passes on what JavaScript wrote.
    fn pass(&mut self, target: Option<&str>, kind: &str, json: &str, heard: Hear<'_>) {
        let payload = match Payload::from_javascript(json) {
            Ok(payload) => payload,
            Err(error) => return broken(&error.to_string(), heard),
        };
        let id = match target {
            None => self.requests.unheeded(),
            Some(_) => self.requests.open(Request::ToName),
        };
        signal(id, target, kind, payload.as_slice(), heard);
    }

    pub(super) fn tell_signal(
        &mut self,
        signal: &Signalled,
        say: Say<'_>,
    ) -> Result<(), EncodeError> {
        let Some(lobby) = self.rooms.get(signal.room.as_str()) else {
            return Ok(());
        };
        // A member is listed before its first signal is told.
        if lobby.kind.is_new(&signal.from) {
            self.tell_users(crate::now(), say);
        }
        let Some(lobby) = self.rooms.get(signal.room.as_str()) else {
            return Ok(());
        };
        neutral::show(&signal.payload, |payload| {
            let name = lobby
                .member(&signal.from)
                .map_or(signal.from.as_str(), display);
            let told = match &*signal.kind {
                CHAT => Chat::heard(payload).map(|chat| chat.back(name)),
                kind => self.words(kind, name, payload),
            };
            let told = told.unwrap_or_else(|| custom(&signal.kind, name, payload));
            say(Frame::Text(told.into()));
        })
    }

    /// A signal in the sample's words, or in those of another client of this dialect.
    fn words(&self, kind: &str, name: &str, payload: &RawValue) -> Option<String> {
        if let Some(Kind { mdn, .. }) = Kind::named(kind) {
            let target = self.own().map_or("", display);
            return Some(json_of(&RelayedObject {
                own: &[("type", mdn.word), ("name", name), ("target", target)],
                fields: &neutral::wrap(mdn.key, payload),
            }));
        }
        let mut said = Fields::read(payload.get())?;
        if said.text("type").is_none_or(|word| word != kind) {
            return None;
        }
        said.take("id");
        Some(json_of(&RelayedObject {
            own: &[("name", name)],
            fields: &neutral::borrowed(said),
        }))
    }

    /// Only that the named one is not there: of anything else that becomes of a signal the sample has no idea.
    pub(super) fn tell_undelivered(&mut self, undelivered: &Undelivered, say: Say<'_>) {
        let is_absent = matches!(
            undelivered.reason,
            Reason::NoSuchPeer | Reason::Left | Reason::Expired
        );
        let request = self.requests.close(undelivered.id);
        if is_absent && matches!(request, Some(Request::ToName)) {
            let told = error(ErrorCode::Offline, "there is nobody of that name");
            say(Frame::Text(told.into()));
        }
    }
}

pub(super) fn signal(
    id: u64,
    name: Option<&str>,
    kind: &str,
    payload: Payload<&[u8]>,
    heard: Hear<'_>,
) {
    let signal = Signal {
        id,
        room: lobby::ROOM.into(),
        to: None,
        kind: kind.into(),
        payload,
        traceparent: None,
    };
    heard(Heard::Input(Input::signal(signal, name)));
}

/// What the sample has no word for.
fn custom(kind: &str, name: &str, payload: &RawValue) -> String {
    #[derive(Serialize)]
    struct Custom<'a> {
        r#type: &'a str,
        name: &'a str,
        kind: &'a str,
        payload: &'a RawValue,
    }
    json_of(&Custom {
        r#type: "signal",
        name,
        kind,
        payload,
    })
}
