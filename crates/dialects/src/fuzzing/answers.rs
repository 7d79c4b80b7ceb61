//! The session's part: it lets everything pass, and answers as a cluster with one other member in each room.

use switchboard_protocol::client_message::{self, Leave, State};
use switchboard_protocol::server_message::{
    Delivered, Done, Error, Joined, Left, Reason, Signal, Undelivered,
};
use switchboard_protocol::{ClientMessage, ErrorCode, Member, RoomId, ServerMessage};
use switchboard_session::{Enter, Input, SignalToName};

/// What the client `own` is told after its input, where `other` is in every room.
pub(super) fn answer(input: Input<'_>, own: &Member, other: &Member) -> Vec<ServerMessage> {
    match input {
        Input::Ask { id, .. } => vec![Done { re: id, to: None }.into()],
        Input::Unfit { re, code, words } => vec![refused(re, code, words.into_owned())],
        Input::Enter(enter) => vec![entered(enter, own, other)],
        Input::Message(ClientMessage::Leave(leave)) => vec![left(&leave)],
        Input::Message(ClientMessage::State(state)) => vec![changed(&state)],
        Input::Message(ClientMessage::Signal(signal)) => said_back(signal, other),
        Input::SignalToName(to_name) => to_name_said_back(to_name, other),
        Input::Broken(error) => vec![refused(error.re, error.code, error.to_string())],
        _ => Vec::new(),
    }
}

fn entered(enter: Enter<'_>, own: &Member, other: &Member) -> ServerMessage {
    let Enter { join, name } = enter;
    let own = Member {
        name: name.map(|name| name.text),
        ..own.clone()
    };
    let Ok(room) = join.room.parse() else {
        return no_room(join.id);
    };
    let joined = Joined {
        re: join.id,
        room,
        revision: 2,
        capacity: 2,
        members: vec![own, other.clone()],
        media: None,
    };
    joined.into()
}

fn left(leave: &Leave<'_>) -> ServerMessage {
    match leave.room.parse() {
        Ok(room) => Left { re: leave.id, room }.into(),
        Err(_) => no_room(leave.id),
    }
}

fn changed(state: &State<'_>) -> ServerMessage {
    let done = Done {
        re: state.id,
        to: None,
    };
    match RoomId::check(&state.room) {
        Ok(()) => done.into(),
        Err(_) => no_room(state.id),
    }
}

/// The signal arrives, and the other member says the same.
fn said_back(signal: client_message::Signal<'_>, other: &Member) -> Vec<ServerMessage> {
    let Ok(room) = signal.room.parse() else {
        return vec![no_room(signal.id)];
    };
    let back = Signal {
        room,
        from: other.peer,
        id: signal.id,
        kind: (*signal.kind).into(),
        payload: signal.payload.to_owned(),
        traceparent: None,
    };
    let delivered = Delivered {
        id: signal.id,
        to: Default::default(),
    };
    let done = Done {
        re: signal.id,
        to: Some(Vec::new()),
    };
    // A broadcast is announced, and nobody waits for what else becomes of it.
    let answer = match signal.to {
        Some(_) => delivered.into(),
        None => done.into(),
    };
    vec![answer, back.into()]
}

fn to_name_said_back(to_name: SignalToName<'_>, other: &Member) -> Vec<ServerMessage> {
    let SignalToName { signal, name } = to_name;
    if other.name.as_deref() == Some(&*name) {
        let to = Some(other.peer.to_string().into());
        return said_back(client_message::Signal { to, ..signal }, other);
    }
    let absent = Undelivered {
        id: signal.id,
        to: Default::default(),
        reason: Reason::NoSuchPeer,
    };
    vec![absent.into()]
}

fn no_room(id: u64) -> ServerMessage {
    refused(Some(id), ErrorCode::BadMessage, "no room".into())
}

fn refused(re: Option<u64>, code: ErrorCode, message: String) -> ServerMessage {
    ServerMessage::from(Error {
        re,
        code,
        message,
        retry_after_ms: None,
    })
}
