//! Asking, and being answered.

use switchboard_protocol::ErrorCode;
use switchboard_protocol::server_message::{Done, Error, Left, Reason, Receiver, Undelivered};

use super::*;

#[tokio::test]
async fn a_signal_ends_with_what_became_of_it_at_its_receiver() {
    for codec in Codec::ALL {
        let mut call = joined(codec, |_| ()).await;
        let (to, room, offer) = (PeerId::random(), room(), payload(codec, r#"{"sdp":"v=0"}"#));
        let gateway = async {
            let check = |message: ClientMessage<'_>| match message {
                ClientMessage::Signal(signal) => {
                    assert_eq!(signal.to.as_deref(), Some(to.as_str()));
                    assert_eq!((&*signal.room, &*signal.kind), ("r", "offer"));
                    assert_eq!(signal.payload, offer.as_slice());
                    signal.id
                }
                other => panic!("{other:?} is no signal"),
            };
            let id = call.accepted.hear(check).await;
            call.accepted.say(delivered(id, to)).await;
        };
        let signal = call.client.signal(&room, to, "offer", offer.clone());
        let (outcomes, ()) = tokio::join!(signal, gateway);
        let outcomes = outcomes.expect("taken");
        assert!(outcomes.all_delivered());
        assert_eq!(outcomes.of(to), Some(Outcome::Delivered));
    }
}

#[tokio::test]
async fn a_broadcast_ends_once_every_receiver_is_answered_for() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let [a, b, c] = [(); 3].map(|()| PeerId::random());
    let gateway = async {
        let id = hear_signal(&mut call.accepted).await;
        let to = Some(vec![a, b, c]);
        call.accepted.say(Done { re: id, to }).await;
        call.accepted.say(delivered(id, b)).await;
        call.accepted.say(delivered(id, b)).await;
        let to = [a, c].map(Receiver::Peer).into_iter().collect();
        let reason = Reason::Left;
        call.accepted.say(Undelivered { id, to, reason }).await;
    };
    let (room, note) = (room(), payload(Codec::Json, "1"));
    let signal = call.client.signal(&room, None, "note", note);
    let (outcomes, ()) = tokio::join!(signal, gateway);
    let outcomes = outcomes.expect("taken");
    assert_eq!(outcomes.each.len(), 3);
    assert_eq!(outcomes.of(b), Some(Outcome::Delivered));
    assert_eq!(outcomes.of(c), Some(Outcome::Undelivered(Reason::Left)));
}

#[tokio::test]
async fn a_broadcast_to_nobody_is_over_at_once() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let gateway = async {
        let re = hear_signal(&mut call.accepted).await;
        let to = Some(Vec::new());
        call.accepted.say(Done { re, to }).await;
    };
    let (room, note) = (room(), payload(Codec::Json, "1"));
    let signal = call.client.signal(&room, None, "note", note);
    let (outcomes, ()) = tokio::join!(signal, gateway);
    assert_eq!(outcomes, Ok(Outcomes::default()));
}

#[tokio::test]
async fn a_refusal_says_why_and_when_to_try_again() {
    let mut call = joined(Codec::MessagePack, |_| ()).await;
    let gateway = async {
        let re = Some(hear_signal(&mut call.accepted).await);
        let error = Error {
            re,
            code: ErrorCode::RateLimited,
            message: "send fewer signals".into(),
            retry_after_ms: Some(20),
        };
        call.accepted.say(error).await;
    };
    let (room, note) = (room(), payload(Codec::MessagePack, "1"));
    let signal = call.client.signal(&room, None, "note", note);
    let (refused, ()) = tokio::join!(signal, gateway);
    let refused = refused.expect_err("refused");
    assert_eq!(refused.to_string(), "send fewer signals (rate-limited)");
}

#[tokio::test]
async fn a_signal_of_no_valid_kind_is_not_sent() {
    let call = joined(Codec::Json, |_| ()).await;
    let note = payload(Codec::Json, "1");
    let refused = call.client.signal(&room(), None, "a kind", note).await;
    assert!(matches!(refused, Err(RequestError::Kind(_))));
}

#[tokio::test]
async fn signals_wait_while_as_many_are_in_flight_as_may_be() {
    let mut call = joined(Codec::Json, |gateway| {
        gateway.limits.in_flight = 1;
        gateway.heartbeat_ms = 5;
    })
    .await;
    let (to, room, note) = (PeerId::random(), room(), payload(Codec::Json, "1"));
    let queue = || call.client.queue_signal(&room, to, "note", note.clone());
    let first = queue().await.expect("there is room");
    let second = queue().await.expect("there is room");
    let id = hear_signal(&mut call.accepted).await;
    // The second does not come.
    call.accepted.hear_ping().await;
    call.accepted.say(delivered(id, to)).await;
    assert!(first.await.expect("taken").all_delivered());
    let next = hear_signal(&mut call.accepted).await;
    assert!(next > id);
    call.accepted.say(delivered(next, to)).await;
    assert!(second.await.expect("taken").all_delivered());
}

#[tokio::test]
async fn state_changes_and_leaving_are_answered() {
    let mut call = joined(Codec::MessagePack, |_| ()).await;
    let gateway = async {
        let read_state = |message: ClientMessage<'_>| match message {
            ClientMessage::State(said::State { id, state, .. }) => {
                assert_eq!(state.as_json(), r#"{"hand":true}"#);
                id
            }
            other => panic!("{other:?} is no state"),
        };
        let re = call.accepted.hear(read_state).await;
        call.accepted.say(Done { re, to: None }).await;
        let read_leave = |message: ClientMessage<'_>| match message {
            ClientMessage::Leave(leave) => leave.id,
            other => panic!("{other:?} is no leave"),
        };
        let re = call.accepted.hear(read_leave).await;
        call.accepted.say(Left { re, room: room() }).await;
    };
    let client = async {
        let patch = StatePatch::from_json(r#"{"hand":true}"#).expect("a patch");
        call.client.set_state(&room(), patch).await?;
        call.client.leave(&room()).await
    };
    let (answers, ()) = tokio::join!(client, gateway);
    assert_eq!(answers, Ok(()));
}

#[tokio::test]
async fn a_message_that_the_gateway_would_not_take_is_not_sent() {
    let mut call = joined(Codec::Json, |gateway| {
        gateway.limits.max_message_bytes = 120
    })
    .await;
    let (room, to) = (room(), PeerId::random());
    let long =
        r#"{"sdp":"v=0 o=- 1 2 IN IP4 127.0.0.1 s=- t=0 0 a=group:BUNDLE 0 a=msid-semantic: WMS"}"#;
    let long = payload(Codec::Json, long);
    let refused = call.client.signal(&room, to, "offer", long).await;
    assert!(
        matches!(refused, Err(RequestError::Unsendable(_))),
        "{refused:?}"
    );
    let short = payload(Codec::Json, "1");
    let answer = call.client.queue_signal(&room, to, "note", short).await;
    let id = hear_signal(&mut call.accepted).await;
    call.accepted.say(delivered(id, to)).await;
    let outcomes = answer.expect("there is room").await;
    assert!(outcomes.expect("taken").all_delivered());
}
