//! What the session says, as its client is told.

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::server_message::{Error, Joined, Signal as Signalled, Undelivered};
use switchboard_protocol::{ErrorCode, PeerId, RoomId};

use super::{Request, Say, SocketIo, Vocabulary, What, calls, packet, rooms, texts, video};
use crate::room_view::RoomView;
use crate::{Frame, lobby, neutral};

impl SocketIo {
    pub(super) fn tell_refused(
        &self,
        request: &Request,
        code: ErrorCode,
        words: &str,
        say: Say<'_>,
    ) {
        let words = self.texts.refusal(code, words);
        let text = match (request.ack, request.vocabulary) {
            (Some(ack), Vocabulary::Calls) => packet::ack(ack, &words),
            (Some(ack), _) => packet::ack(ack, &json!({ "success": false, "error": words })),
            (None, _) => packet::event("error", &json!({ "code": code, "message": words })),
        };
        say(Frame::Text(text.into()));
    }

    /// What was not taken of something that is done all the same.
    pub(super) fn tell_left_out(&self, words: &str, say: Say<'_>) {
        let told = Request::plain(Vocabulary::Rooms, None);
        self.tell_refused(&told, ErrorCode::BadMessage, words, say);
    }

    pub(super) fn tell_done(&self, request: &Request, say: Say<'_>) {
        let Some(ack) = request.ack else { return };
        say(Frame::Text(
            match request.vocabulary {
                Vocabulary::Calls => packet::ack(ack, &()),
                _ => packet::ack(ack, &json!({ "success": true })),
            }
            .into(),
        ));
    }

    /// What it asked for is so, or may be answered.
    pub(super) fn tell_granted(&mut self, request: &Request, say: Say<'_>) {
        match &request.what {
            What::Namespace(namespace) => {
                return say(Frame::Text(packet::no_namespace(namespace).into()));
            }
            What::Name => {
                if let Some(lobby) = self.rooms.named_mut(lobby::ROOM) {
                    lobby.kind = Vocabulary::Calls;
                }
            }
            What::Again(room) if self.rooms.get(room.as_str()).is_some() => {
                return self.tell_in(request, room, say);
            }
            What::Again(_) => {
                let words = "you are not in this room any more";
                return self.tell_refused(request, ErrorCode::NotAMember, words, say);
            }
            What::Enter { .. } | What::Leave(_) | What::Unasked | What::ToName | What::Other => {}
        }
        self.tell_done(request, say);
    }

    pub(super) fn tell_joined(&mut self, joined: &Joined, say: Say<'_>) {
        let Some(request) = self.requests.close(joined.re) else {
            return;
        };
        self.rooms.enter(RoomView::new(joined, request.vocabulary));
        self.tell_in(&request, &joined.room, say);
    }

    pub(super) fn tell_in(&self, request: &Request, room: &RoomId, say: Say<'_>) {
        match request.vocabulary {
            Vocabulary::Rooms => rooms::joined(request, room, say),
            Vocabulary::Video => {
                video::joined(self, room, say);
                self.tell_done(request, say);
            }
            Vocabulary::Presence | Vocabulary::Calls => self.tell_done(request, say),
        }
    }

    pub(super) fn tell_error(&mut self, error: &Error, say: Say<'_>) {
        let request = error.re.and_then(|id| self.requests.close(id));
        let request = request.unwrap_or(Request::plain(Vocabulary::Rooms, None));
        if matches!(request.what, What::Unasked) {
            return;
        }
        if let What::Enter {
            room: Some(room), ..
        } = &request.what
        {
            // Pages that render twice enter twice; for a Socket.IO server that is no mistake.
            let told = self.rooms.get(room.as_str());
            if error.code == ErrorCode::AlreadyJoined
                && told.is_some_and(|told| told.kind == request.vocabulary)
            {
                return self.tell_in(&request, room, say);
            }
            // It may be about to enter another one.
            if error.code != ErrorCode::AlreadyJoined && self.current.as_ref() == Some(room) {
                self.current = None;
            }
        }
        self.tell_refused(&request, error.code, &error.message, say);
    }

    pub(super) fn tell_undelivered(&mut self, undelivered: &Undelivered, say: Say<'_>) {
        if let Some(request) = self.requests.close(undelivered.id) {
            let (code, words) = texts::undelivered(undelivered.reason);
            let is_unheeded = matches!(request.what, What::ToName) && request.ack.is_none();
            if is_unheeded && code != ErrorCode::Offline {
                return;
            }
            self.tell_refused(&request, code, words, say);
        }
    }

    pub(super) fn tell_signal(&self, signal: &Signalled, say: Say<'_>) -> Result<(), EncodeError> {
        let Some(room) = self.rooms.get(signal.room.as_str()) else {
            return Ok(());
        };
        neutral::show(&signal.payload, |payload| match room.kind {
            Vocabulary::Rooms | Vocabulary::Presence => self.tell_room_signal(signal, payload, say),
            Vocabulary::Video => video::signalled(signal, payload, say),
            Vocabulary::Calls => {
                calls::signalled(room, self.peer.as_ref(), (signal, payload), say);
            }
        })
    }

    pub(super) fn tell_room_signal(&self, signal: &Signalled, payload: &RawValue, say: Say<'_>) {
        match self.peer {
            Some(peer) => rooms::signalled(&peer, signal, payload, say),
            None => tell_custom("signal", signal, payload, say),
        }
    }
}

/// A signal that a vocabulary has no word for.
pub(super) fn tell_custom(event: &str, signal: &Signalled, payload: &RawValue, say: Say<'_>) {
    #[derive(Serialize)]
    struct Custom<'a> {
        from: &'a PeerId,
        kind: &'a str,
        payload: &'a RawValue,
    }
    emit(
        event,
        &Custom {
            from: &signal.from,
            kind: &signal.kind,
            payload,
        },
        say,
    );
}

pub(super) fn emit(name: &str, argument: &impl Serialize, say: Say<'_>) {
    say(Frame::Text(packet::event(name, argument).into()));
}
