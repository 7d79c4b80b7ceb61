//! What a client is told: messages to those of its subscriptions that are for them.

use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use switchboard_protocol::codec::EncodeError;
use switchboard_protocol::server_message::{
    Error, Joined, MemberLeft, Reason, Signal, Undelivered, Welcome,
};
use switchboard_protocol::{ErrorCode, Member, PeerId, RoomId};

use super::destination::Topic;
use super::signal;
use super::{About, Live, Phase, Request, Say, Stomp, write, write_receipt};
use crate::lists::{Outdated, in_json};
use crate::room_view::RoomView;
use crate::{Frame, neutral};

impl Stomp {
    pub(super) fn welcome(&mut self, welcome: &Welcome, say: Say<'_>) {
        let Phase::Introduced(terms) = self.phase else {
            return;
        };
        let (connected, beats) = terms.connected(welcome);
        write(&connected, terms.version, Some(welcome.peer), say);
        self.phase = Phase::Live(Live {
            peer: welcome.peer,
            version: terms.version,
            beats,
        });
    }

    /// Sends a message to every subscription to its destination.
    pub(super) fn publish(&mut self, topic: &Topic, body: &str, say: Say<'_>) {
        let Some(live) = self.live() else { return };
        for subscription in self.subscriptions.of(topic) {
            self.messages += 1;
            live.write(&subscription.message(self.messages, body), say);
        }
    }

    pub(super) fn publish_members(&mut self, room: &RoomId, now: Instant, say: Say<'_>) {
        let Some(told) = self.rooms.get_mut(room) else {
            return;
        };
        told.kind = Outdated::default();
        let topic = Topic::Members(room.clone());
        let subscribed = self.subscriptions.of(&topic).count();
        if subscribed > 0 {
            let members = members(told);
            self.lists.told(members.len() * subscribed, now);
            self.publish(&topic, &members, say);
        }
    }

    /// Whoever has just subscribed learns at once who is there. That was weighed as it was asked for.
    fn tell_subscribed(&mut self, id: &str, say: Say<'_>) {
        let Some(live) = self.live() else { return };
        let Some(subscription) = self.subscriptions.get(id) else {
            return;
        };
        if let Topic::Members(room) = &subscription.topic
            && let Some(told) = self.rooms.get(room.as_str())
        {
            self.messages += 1;
            let members = members(told);
            let message = subscription.message(self.messages, &members);
            live.write(&message, say);
        }
    }

    /// What was refused, and of which frame, if that one asked for a receipt. One subscription is told at any rate. Where
    /// refusals follow one another fast, the others are not: a client would get many times what it sends.
    pub(super) fn publish_refusal(&mut self, words: &str, receipt: Option<&str>, say: Say<'_>) {
        let Some(live) = self.live() else { return };
        let now = crate::now();
        let told = match self.refusals.next_at(now) {
            None => usize::MAX,
            Some(_) => 1,
        };
        let mut bytes = 0;
        let body = json!({ "type": "ERROR", "message": words }).to_string();
        for subscription in self.subscriptions.of(&Topic::System).take(told) {
            self.messages += 1;
            let message = subscription.message(self.messages, &body);
            let message = match receipt {
                Some(receipt) => message.with("receipt-id", receipt),
                None => message,
            };
            live.write(&message, &mut |frame| {
                if let Frame::Text(text) = &frame {
                    bytes += text.len();
                }
                say(frame);
            });
        }
        self.refusals.told(bytes, now);
    }

    pub(super) fn tell_done(&mut self, id: u64, say: Say<'_>) {
        let Some(Request { receipt, about }) = self.close(id) else {
            return;
        };
        match about {
            About::Plain => {}
            About::Back(topic, body) => self.publish(&topic, &body, say),
            About::Subscribed(id) => self.tell_subscribed(&id, say),
        }
        if let (Some(live), Some(receipt)) = (self.live(), receipt) {
            write_receipt(live, &receipt, say);
        }
    }

    pub(super) fn tell_joined(&mut self, joined: &Joined, say: Say<'_>) {
        self.rooms.enter(RoomView::new(joined, Outdated::untold()));
        if let Some(live) = self.live() {
            let me = json!({ "sid": live.peer }).to_string();
            self.publish(&Topic::Me, &me, say);
        }
        self.publish_members(&joined.room, crate::now(), say);
        self.tell_done(joined.re, say);
    }

    pub(super) fn tell_left(&mut self, left: &MemberLeft, say: Say<'_>) {
        let Some(room) = self.rooms.get_mut(&left.room) else {
            return;
        };
        if room.gone(left).is_none() {
            return;
        }
        room.kind.went(left.peer);
        let told = json!({ "type": "LEAVE", "sid": left.peer }).to_string();
        self.publish(&Topic::Signal(left.room.clone()), &told, say);
    }

    pub(super) fn tell_signal(&mut self, signal: &Signal, say: Say<'_>) -> Result<(), EncodeError> {
        let Some(room) = self.rooms.get(signal.room.as_str()) else {
            return Ok(());
        };
        // A member is listed before its first signal is told.
        if room.kind.is_new(&signal.from) {
            self.publish_members(&signal.room, crate::now(), say);
        }
        let write = |payload: &_| signal::write(&signal.from, &signal.kind, payload);
        let told = neutral::show(&signal.payload, write)?;
        self.publish(&Topic::Signal(signal.room.clone()), &told, say);
        Ok(())
    }

    /// A member that left is told as such; this tells what a sender can do something about.
    pub(super) fn tell_undelivered(&mut self, undelivered: &Undelivered, say: Say<'_>) {
        let words = match undelivered.reason {
            Reason::Overloaded => "too many signals wait for an answer; slow down",
            Reason::Unavailable => "the signal could not be passed on; send it again",
            Reason::NoSuchPeer | Reason::Left | Reason::Expired | Reason::Unconfirmed => return,
        };
        self.publish_refusal(words, None, say);
    }

    pub(super) fn tell_error(&mut self, error: &Error, say: Say<'_>) {
        let request = error.re.and_then(|id| self.close(id));
        let (receipt, about) = request
            .map(|request| (request.receipt, request.about))
            .unzip();
        if let Some(About::Subscribed(id)) = about {
            self.subscriptions.end(&id);
        }
        let receipt = receipt.flatten();
        let words = match error.code {
            // The tutorial's words, by which its clients know.
            ErrorCode::RoomFull => "Room is full",
            _ => &error.message,
        };
        self.publish_refusal(words, receipt.as_deref(), say);
    }
}

/// How long a list is of who is there, roughly.
pub(super) fn members_bytes(room: &RoomView<Outdated>) -> usize {
    const LISTED_BYTES: usize = 32;
    let name = |member: &Member| member.name.as_deref().map_or(0, in_json);
    room.members()
        .map(|member| LISTED_BYTES + name(member))
        .sum()
}

/// Who is there, as the tutorial lists them.
fn members(room: &RoomView<Outdated>) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed<'a> {
        sid: &'a PeerId,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<&'a str>,
    }
    let members = room.members().map(|member| Listed {
        sid: &member.peer,
        display_name: member.name.as_deref(),
    });
    let members: Vec<_> = members.collect();
    serde_json::to_string(&members).expect("ids and texts can be written")
}
