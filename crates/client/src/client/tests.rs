mod events;
mod moving;
mod reconnecting;
mod requests;

use switchboard_protocol::client_message as said;
use switchboard_protocol::server_message::{Delivered, Joined, Receiver, RoomSnapshot, Signal};
use switchboard_protocol::{ClientMessage, Codec, Member, RoomId};

use super::*;
use crate::session::{ConnectionState, Event, Outcome};
use crate::test_gateway::{Accepted, TestGateway, member, payload};

struct Call {
    gateway: TestGateway,
    accepted: Accepted,
    client: Client,
    events: Events,
}

/// A client that is connected and has joined the room `r` alone, with `{"muted":true}`.
async fn joined(codec: Codec, change: impl FnOnce(&mut TestGateway)) -> Call {
    let (mut gateway, options) = TestGateway::start(codec).await;
    change(&mut gateway);
    let (connected, (mut accepted, _)) = tokio::join!(Client::connect(options), gateway.welcome());
    let (client, events) = connected.expect("a welcome");
    let (room, state) = (room(), MemberState::from_json(r#"{"muted":true}"#).ok());
    let join = client.join(&room, state, Some(2));
    let (joined, ()) = tokio::join!(join, answer_join(&mut accepted, client.peer()));
    assert_eq!(joined.expect("entered").members.len(), 1);
    Call {
        gateway,
        accepted,
        client,
        events,
    }
}

fn room() -> RoomId {
    "r".parse().expect("a room id")
}

async fn answer_join(accepted: &mut Accepted, peer: PeerId) {
    let re = accepted
        .hear(|message| match message {
            ClientMessage::Join(join) => join.id,
            other => panic!("{other:?} is no join"),
        })
        .await;
    accepted
        .say(Joined {
            re,
            room: room(),
            revision: 1,
            capacity: 2,
            members: vec![member(peer, 1)],
            media: None,
        })
        .await;
}

/// The id of the signal that comes next.
async fn hear_signal(accepted: &mut Accepted) -> u64 {
    accepted
        .hear(|message| match message {
            ClientMessage::Signal(signal) => signal.id,
            other => panic!("{other:?} is no signal"),
        })
        .await
}

fn signal_from(from: PeerId, id: u64, codec: Codec) -> Signal {
    Signal {
        room: room(),
        from,
        id,
        kind: "candidate".into(),
        payload: payload(codec, r#"{"candidate":""}"#),
        traceparent: None,
    }
}

async fn next_state(events: &mut Events) -> ConnectionState {
    match events.next().await {
        Some(Event::Connection(state)) => state,
        other => panic!("{other:?} is no state"),
    }
}

fn delivered(id: u64, to: PeerId) -> Delivered {
    Delivered {
        id,
        to: [Receiver::Peer(to)].into_iter().collect(),
    }
}

/// The room `r`.
fn snapshot(revision: u64, members: Vec<Member>) -> RoomSnapshot {
    RoomSnapshot {
        room: room(),
        revision,
        capacity: 2,
        members,
        media: None,
    }
}
