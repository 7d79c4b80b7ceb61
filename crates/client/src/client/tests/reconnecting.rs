//! Losing a connection and coming back.

use switchboard_protocol::server_message::{Done, Error, Reason, Receiver};
use switchboard_protocol::{CloseCode, ErrorCode};

use super::*;
use crate::connection::Disconnected;
use crate::test_gateway::secret;

#[tokio::test]
async fn a_session_that_is_gone_enters_its_rooms_again_and_its_signals_end_unconfirmed() {
    for codec in Codec::ALL {
        let mut call = joined(codec, |_| ()).await;
        let (to, room, before) = (PeerId::random(), room(), call.client.peer());
        let note = payload(codec, "1");
        let addressed = call.client.queue_signal(&room, to, "note", note.clone());
        let addressed = addressed.await.expect("there is room");
        let broadcast = call.client.queue_signal(&room, None, "note", note.clone());
        let broadcast = broadcast.await.expect("there is room");
        let untold = call.client.queue_signal(&room, None, "note", note);
        let untold = untold.await.expect("there is room");
        hear_signal(&mut call.accepted).await;
        let re = hear_signal(&mut call.accepted).await;
        let last_id = hear_signal(&mut call.accepted).await;
        let receivers = Some(vec![to]);
        call.accepted.say(Done { re, to: receivers }).await;
        drop(call.accepted);

        let (mut accepted, peer) = call.gateway.welcome().await;
        let unconfirmed = Outcome::Undelivered(Reason::Unconfirmed);
        let outcomes = Outcomes {
            each: vec![(Receiver::Peer(to), unconfirmed)],
        };
        assert_eq!(addressed.await.as_ref(), Ok(&outcomes));
        assert_eq!(broadcast.await.as_ref(), Ok(&outcomes));
        assert_eq!(untold.await, Err(RequestError::Unconfirmed));

        let lost = next_state(&mut call.events).await;
        assert!(matches!(lost, ConnectionState::Reconnecting(_)), "{lost:?}");
        let live = next_state(&mut call.events).await;
        assert!(matches!(live, ConnectionState::Live(_)), "{live:?}");
        assert_eq!(call.client.peer(), peer);
        assert_ne!(peer, before);
        let re = accepted
            .hear(|message| match message {
                ClientMessage::Join(join) => {
                    let state = join.state.expect("the state of the moment");
                    assert_eq!(state.as_json(), r#"{"muted":true}"#);
                    assert_eq!((join.capacity, &*join.room), (Some(2), "r"));
                    join.id
                }
                other => panic!("{other:?} is no join"),
            })
            .await;
        assert!(re > last_id, "ids rise over connections");
        let again = Joined {
            re,
            room,
            revision: 9,
            capacity: 2,
            members: vec![member(peer, 4)],
            media: None,
        };
        accepted.say(again.clone()).await;
        let rejoined = Event::Rejoined(Box::new(again));
        assert_eq!(call.events.next().await, Some(rejoined));
    }
}

#[tokio::test]
async fn a_session_is_resumed_and_nothing_is_lost() {
    for codec in Codec::ALL {
        let mut call = joined(codec, |_| ()).await;
        let (me, other, room) = (call.client.peer(), PeerId::random(), room());
        let note = payload(codec, "1");
        call.accepted.say(signal_from(other, 3, codec)).await;
        let heard = Event::Signal(signal_from(other, 3, codec));
        assert_eq!(call.events.next().await, Some(heard));
        let first = call
            .client
            .queue_signal(&room, other, "note", note.clone())
            .await;
        let first = first.expect("there is room");
        let id = call
            .accepted
            .hear(|message| match message {
                // The receipt may come first.
                ClientMessage::Received(_) => None,
                ClientMessage::Signal(signal) => Some(signal.id),
                other => panic!("{other:?} is no signal"),
            })
            .await;
        let id = match id {
            Some(id) => id,
            None => hear_signal(&mut call.accepted).await,
        };
        drop(call.accepted);
        let second = call.client.queue_signal(&room, other, "note", note).await;
        let second = second.expect("there is room");

        let members = vec![member(me, 1), member(other, 2)];
        let snapshot = snapshot(4, members.clone());
        let (mut accepted, resume) = call.gateway.welcome_back(vec![snapshot]).await;
        assert_eq!((resume.peer, &*resume.secret), (me, &*secret(me)));
        assert_eq!(resume.seen.get(&other), Some(&3));
        assert_eq!(hear_signal(&mut accepted).await, id);
        let next = hear_signal(&mut accepted).await;
        assert!(next > id);
        for id in [id, next] {
            accepted.say(delivered(id, other)).await;
        }
        for answer in [first, second] {
            assert!(answer.await.expect("taken").all_delivered());
        }
        let lost = next_state(&mut call.events).await;
        assert!(matches!(lost, ConnectionState::Reconnecting(_)), "{lost:?}");
        let live = next_state(&mut call.events).await;
        assert!(matches!(live, ConnectionState::Live(welcome) if welcome.resumed));
        // Who came meanwhile.
        match call.events.next().await {
            Some(Event::MemberJoined(joined)) => assert_eq!(joined.member, members[1]),
            other => panic!("{other:?}"),
        }
        assert_eq!(call.client.peer(), me);
    }
}

#[tokio::test]
async fn what_was_asked_is_asked_again_by_another_peer() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let (client, room) = (call.client.clone(), room());
    let patch = StatePatch::from_json(r#"{"hand":true}"#).expect("a patch");
    let read_state = |message: ClientMessage<'_>| match message {
        ClientMessage::State(state) => state.id,
        other => panic!("{other:?} is no state"),
    };
    let gateway = async {
        call.accepted.hear(read_state).await;
        call.accepted.close(1001, "this node is going away").await;
        let (mut accepted, peer) = call.gateway.welcome().await;
        answer_join(&mut accepted, peer).await;
        let re = accepted.hear(read_state).await;
        accepted.say(Done { re, to: None }).await;
        accepted
    };
    let (changed, _accepted) = tokio::join!(client.set_state(&room, patch), gateway);
    assert_eq!(changed, Ok(()));
}

#[tokio::test]
async fn a_room_that_refuses_for_now_is_asked_again_and_one_that_refuses_is_lost() {
    let mut call = joined(Codec::Json, |_| ()).await;
    drop(call.accepted);
    let (mut accepted, _) = call.gateway.welcome().await;
    for (code, retry_after_ms) in [
        (ErrorCode::Unavailable, Some(1)),
        (ErrorCode::RoomFull, None),
    ] {
        let re = accepted
            .hear(|message| match message {
                ClientMessage::Join(join) => Some(join.id),
                other => panic!("{other:?} is no join"),
            })
            .await;
        let message = "not now".into();
        let error = Error {
            re,
            code,
            message,
            retry_after_ms,
        };
        accepted.say(error).await;
    }
    next_state(&mut call.events).await;
    next_state(&mut call.events).await;
    match call.events.next().await {
        Some(Event::RoomLost { room: lost, error }) => {
            assert_eq!(lost, room());
            assert_eq!(error.to_string(), "not now (room-full)");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_by_the_application() {
    let mut call = joined(Codec::Json, |_| ()).await;
    call.accepted.close(4401, "expired").await;
    next_state(&mut call.events).await;
    let state = next_state(&mut call.events).await;
    assert_eq!(state, ConnectionState::NeedsToken);
    call.client.set_token("fresh");
    hear_token(&call.gateway, "fresh").await;
}

#[tokio::test]
async fn a_refused_token_is_replaced_by_the_provider() {
    let (gateway, options) = TestGateway::start(Codec::Json).await;
    let mut tokens = ["first", "second"].into_iter();
    let provider: TokenProvider = Box::new(move || {
        let token = tokens.next().map(String::from);
        Box::pin(async move { token })
    });
    let connect = Client::connect_with(options, provider);
    let (connected, accepted) = tokio::join!(connect, hear_token(&gateway, "first"));
    let _client = connected.expect("a welcome");
    accepted.close(4403, "forbidden").await;
    hear_token(&gateway, "second").await;
}

async fn hear_token(gateway: &TestGateway, expected: &str) -> Accepted {
    let mut accepted = gateway.accept().await;
    accepted
        .hear(|message| match message {
            ClientMessage::Hello(hello) => assert_eq!(hello.token.as_deref(), Some(expected)),
            other => panic!("{other:?} is no hello"),
        })
        .await;
    accepted.say(gateway.welcome_message()).await;
    accepted
}

#[tokio::test]
async fn a_superseded_client_stays_away_and_says_so() {
    let mut call = joined(Codec::MessagePack, |_| ()).await;
    call.accepted.close(4409, "superseded").await;
    match next_state(&mut call.events).await {
        ConnectionState::Over(Disconnected::Closed(closed)) => {
            assert_eq!(closed.row(), Some(CloseCode::Superseded));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(call.events.next().await, None);
    let refused = call.client.leave(&room()).await;
    assert_eq!(refused, Err(RequestError::Over));
}

#[tokio::test]
async fn a_client_on_its_way_back_can_be_stopped() {
    let mut call = joined(Codec::Json, |_| ()).await;
    drop(call.gateway);
    drop(call.accepted);
    next_state(&mut call.events).await;
    call.client.bye().await;
    assert_eq!(call.events.next().await, None);
}
