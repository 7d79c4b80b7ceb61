//! A node that drains.

use switchboard_protocol::server_message::Drain;

use super::*;

const DRAIN: Drain = Drain {
    reconnect_after_ms: 20,
    deadline_ms: 10_000,
};

#[tokio::test]
async fn a_client_moves_to_another_connection_and_nobody_notices() {
    for codec in Codec::ALL {
        let mut call = joined(codec, |_| ()).await;
        let (me, other, room) = (call.client.peer(), PeerId::random(), room());
        let note = payload(codec, "1");
        call.accepted.say(DRAIN).await;
        let sent = call
            .client
            .queue_signal(&room, other, "note", note.clone())
            .await;
        let sent = sent.expect("there is room");
        let id = hear_signal(&mut call.accepted).await;
        // This one comes on the old connection, and once more on the new one.
        let signal = signal_from(other, 5, codec);
        call.accepted.say(signal.clone()).await;

        let snapshot = snapshot(1, vec![member(me, 1)]);
        let (mut accepted, resume) = call.gateway.welcome_back(vec![snapshot]).await;
        assert_eq!(resume.peer, me);
        assert_eq!(hear_signal(&mut accepted).await, id);
        accepted.say(delivered(id, other)).await;
        assert!(sent.await.expect("taken").all_delivered());
        call.accepted.close(4409, "superseded").await;
        let next = signal_from(other, 6, codec);
        accepted.say(signal.clone()).await;
        accepted.say(next.clone()).await;
        for expected in [signal, next] {
            let expected = Some(Event::Signal(expected));
            assert_eq!(call.events.next().await, expected);
        }
        assert_eq!(call.client.peer(), me);
    }
}

#[tokio::test]
async fn a_move_that_is_refused_leaves_the_client_where_it_is_until_it_succeeds() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let (me, room) = (call.client.peer(), room());
    call.accepted.say(DRAIN).await;
    let refused = call.gateway.accept().await;
    refused.close(4503, r#"{"retry_after_ms":1}"#).await;
    let other = PeerId::random();
    let note = payload(Codec::Json, "1");
    let gateway = async {
        let id = hear_signal(&mut call.accepted).await;
        call.accepted.say(delivered(id, other)).await;
    };
    let signal = call.client.signal(&room, other, "note", note);
    let (outcomes, ()) = tokio::join!(signal, gateway);
    assert!(outcomes.expect("taken").all_delivered());
    let snapshot = snapshot(1, vec![member(me, 1)]);
    let (accepted, _) = call.gateway.welcome_back(vec![snapshot]).await;
    drop(call.accepted);
    drop(accepted);
    // The first that the application hears of.
    let state = next_state(&mut call.events).await;
    assert!(
        matches!(state, ConnectionState::Reconnecting(_)),
        "{state:?}"
    );
}
