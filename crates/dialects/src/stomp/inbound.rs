//! What a client asks for, frame by frame. An error ends the connection, and says why.

use serde_json::value::RawValue;
use switchboard_protocol::client_message::{Bye, Join, Leave, Signal};
use switchboard_protocol::{ClientMessage, CloseCode, DecodeError, ErrorCode, Payload, RoomId};
use switchboard_session::{Closing, Enter, Input, RoomName};
use switchboard_stomp::{Command, Frame, Version};

use super::destination::{Action, Topic};
use super::outbound::members_bytes;
use super::signal;
use super::subscriptions::Subscription;
use super::{About, Hear, Heard, Live, Stomp, write_receipt};
use crate::foreign::{Fields, LeftOut};

/// A call has two ends.
const ROOM_CAPACITY: u32 = 2;

impl Stomp {
    pub(super) fn live_frame(
        &mut self,
        live: Live,
        frame: &Frame<'_>,
        heard: Hear<'_>,
    ) -> Result<(), String> {
        match frame.command {
            // Its receipt comes when what it asks for is done.
            Command::Send => return self.send(live, frame, heard),
            Command::Subscribe => return self.subscribe(live, frame, heard),
            Command::Unsubscribe => self.subscriptions.end(subscription_id(live, frame)?),
            // Nobody waits for them: a message is not sent again.
            Command::Ack | Command::Nack => {}
            Command::Disconnect => {
                if let Some(receipt) = frame.header("receipt") {
                    write_receipt(live, receipt, &mut |frame| heard(Heard::Say(frame)));
                }
                self.end(None);
                let bye = ClientMessage::Bye(Bye::default());
                heard(Heard::Input(Input::Message(bye)));
                return Ok(());
            }
            Command::Begin | Command::Commit | Command::Abort => return Err(no_transactions()),
            Command::Connect | Command::Stomp => return Err("CONNECT was said already".into()),
            Command::Connected | Command::Message | Command::Receipt | Command::Error => {
                return Err(format!("{} is for servers to say", frame.command));
            }
        }
        if let Some(receipt) = frame.header("receipt") {
            let id = self.request(Some(receipt.to_owned()), About::Plain);
            heard(Heard::Input(Input::Ask { id, bytes: 0 }));
        }
        Ok(())
    }

    fn subscribe(&mut self, live: Live, frame: &Frame<'_>, heard: Hear<'_>) -> Result<(), String> {
        let destination = destination(frame)?;
        let topic = Topic::read(destination).map_err(|error| error.to_string())?;
        let subscription = Subscription {
            id: subscription_id(live, frame)?.to_owned(),
            acknowledged: frame.header("ack").is_some_and(|ack| ack != "auto"),
            topic,
            destination: destination.to_owned(),
        };
        // Whoever comes later learns at once who is there.
        let told = match &subscription.topic {
            Topic::Members(room) => self.rooms.get(room.as_str()),
            _ => None,
        };
        let bytes = told.map_or(0, members_bytes);
        let about = About::Subscribed(subscription.id.clone());
        let added = self.subscriptions.add(subscription);
        added.map_err(|error| error.to_string())?;
        let id = self.request(frame.header("receipt").map(str::to_owned), about);
        heard(Heard::Input(Input::Ask { id, bytes }));
        Ok(())
    }

    fn send(&mut self, live: Live, frame: &Frame<'_>, heard: Hear<'_>) -> Result<(), String> {
        if frame.header("transaction").is_some() {
            return Err(no_transactions());
        }
        let (room, action) =
            Action::read(destination(frame)?).map_err(|error| error.to_string())?;
        let receipt = frame.header("receipt").map(str::to_owned);
        match action {
            Action::Join => self.join(&room, &frame.body, receipt, heard),
            Action::Signal => self.signal(live, room, &frame.body, receipt, heard),
            Action::Leave => {
                let id = self.request(receipt, About::Plain);
                let room = room.as_str().into();
                let leave = ClientMessage::Leave(Leave { id, room });
                heard(Heard::Input(Input::Message(leave)));
            }
        }
        Ok(())
    }

    fn join(&mut self, room: &RoomId, body: &[u8], receipt: Option<String>, heard: Hear<'_>) {
        let Some(said) = join_body(body) else {
            let id = self.request(receipt, About::Plain);
            return broken(id, "a join is a JSON object, or nothing", heard);
        };
        let mut left_out = LeftOut::default();
        let name = left_out.or_note(said.optional_name("displayName"));
        if let Some(words) = left_out.words() {
            heard(Heard::Input(Input::Unfit {
                re: None,
                code: ErrorCode::BadMessage,
                words: words.into(),
            }));
        }
        let id = self.request(receipt, About::Plain);
        heard(Heard::Input(Input::Enter(Enter {
            join: Join {
                id,
                room: room.as_str().into(),
                state: None,
                capacity: Some(ROOM_CAPACITY),
            },
            name: name.map(|name| RoomName {
                text: (*name).into(),
                claim: None,
            }),
        })));
    }

    fn signal(
        &mut self,
        live: Live,
        room: RoomId,
        body: &[u8],
        receipt: Option<String>,
        heard: Hear<'_>,
    ) {
        let body = str::from_utf8(body).map_err(|_| "a signal is JSON, in UTF-8");
        let said = match body.and_then(signal::read) {
            Ok(said) => said,
            Err(words) => return broken(self.request(receipt, About::Plain), words, heard),
        };
        let payload = match Payload::from_javascript(&said.payload) {
            Ok(payload) => payload,
            Err(error) => {
                let id = self.request(receipt, About::Plain);
                return broken(id, &error.to_string(), heard);
            }
        };
        let back = self.back(live, &room, &said.kind, &payload.bytes);
        self.back_bytes += back.as_ref().map_or(0, |(_, body)| body.len());
        if self.back_bytes > self.back_bytes_max {
            self.end(None);
            let words = "you do not read as fast as you write";
            let closing = Closing::because(CloseCode::SlowConsumer, words);
            return heard(Heard::End(closing));
        }
        let about = back.map_or(About::Plain, |(topic, body)| About::Back(topic, body));
        let id = self.request(receipt, about);
        let signal = ClientMessage::Signal(Signal {
            id,
            room: room.as_str().into(),
            to: None,
            kind: said.kind.as_ref().into(),
            payload: payload.as_slice(),
            traceparent: None,
        });
        heard(Heard::Input(Input::Message(signal)));
    }

    /// What is sent to a topic comes back to its sender too, if it has subscribed.
    fn back(
        &self,
        live: Live,
        room: &RoomId,
        kind: &str,
        payload: &[u8],
    ) -> Option<(Topic, String)> {
        let topic = Topic::Signal(room.clone());
        self.subscriptions.of(&topic).next()?;
        let payload: &RawValue = serde_json::from_slice(payload).expect("a payload is JSON");
        let back = signal::write(&live.peer, kind, payload);
        Some((topic, back))
    }
}

/// Nothing, or `null`, is a join without a name. `None`: it is something else.
fn join_body(body: &[u8]) -> Option<Fields<'_>> {
    match str::from_utf8(body.trim_ascii()).ok()? {
        "" | "null" => Some(Fields::default()),
        body => Fields::read(body),
    }
}

/// STOMP 1.0 knows a subscription also by its destination.
fn subscription_id<'f>(live: Live, frame: &'f Frame<'_>) -> Result<&'f str, String> {
    let id = frame.header("id");
    let id = match live.version {
        Version::V1_0 => id.or_else(|| frame.header("destination")),
        Version::V1_1 | Version::V1_2 => id,
    };
    id.ok_or_else(|| format!("{} needs the header id", frame.command))
}

fn destination<'f>(frame: &'f Frame<'_>) -> Result<&'f str, String> {
    let destination = frame.header("destination");
    destination.ok_or_else(|| format!("{} needs the header destination", frame.command))
}

fn no_transactions() -> String {
    "there are no transactions here; send without".into()
}

fn broken(id: u64, words: &str, heard: Hear<'_>) {
    let error = DecodeError::of_dialect(ErrorCode::BadMessage, words.into());
    let error = DecodeError {
        re: Some(id),
        ..error
    };
    heard(Heard::Input(Input::Broken(error)));
}
