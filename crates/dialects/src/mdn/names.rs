//! Names: a client comes in under one, may take another, and is told if it is called otherwise.

use std::borrow::Cow;

use serde_json::json;
use switchboard_protocol::client_message::Join;
use switchboard_protocol::limits::NAME_BYTES_MAX;
use switchboard_session::{Claim, Enter, Input, RoomName};

use super::{Hear, Mdn, Request, Say, broken, display};
use crate::foreign::Fields;
use crate::{Frame, Heard, lobby};

impl Mdn {
    /// Comes in under a name, or takes another one.
    pub(super) fn enter(&mut self, said: &Fields<'_>, heard: Hear<'_>) {
        let fits = |name: &Cow<'_, str>| !name.is_empty() && name.len() <= NAME_BYTES_MAX;
        let Some(name) = said.text("name").filter(fits) else {
            let words = format!("say your `name`: a text of 1 to {NAME_BYTES_MAX} bytes");
            return broken(&words, heard);
        };
        self.wanted = name.clone().into_owned();
        heard(Heard::Input(Input::Enter(Enter {
            join: Join {
                id: self.requests.open(Request::Enter),
                room: lobby::ROOM.into(),
                state: None,
                capacity: Some(lobby::CAPACITY),
            },
            name: Some(RoomName {
                text: (*name).into(),
                claim: Some(Claim::Numbered),
            }),
        })));
    }

    /// A client takes the name that it asked for last for its own. Where it is called otherwise, it is told so, once it
    /// asks for no other one.
    pub(super) fn tell_name(&mut self, say: Say<'_>) {
        let mut requests = self.requests.under_way();
        if requests.any(|request| matches!(request, Request::Enter)) {
            return;
        }
        let Some(name) = self.own().map(display).filter(|name| *name != self.wanted) else {
            return;
        };
        let told = json!({ "type": "rejectusername", "id": self.id, "name": name });
        self.wanted = name.to_owned();
        say(Frame::Text(told.to_string().into()));
    }
}
