//! What is told without being asked for, and receipts.

use std::sync::Arc;

use switchboard_protocol::server_message::{LeaveReason, Left, MemberJoined, MemberLeft, Ready};

use switchboard_protocol::client_message::Bye;

use super::*;

#[tokio::test]
async fn events_come_in_their_order() {
    for codec in Codec::ALL {
        let mut call = joined(codec, |_| ()).await;
        let (me, other) = (call.client.peer(), PeerId::random());
        let joined = MemberJoined {
            room: room(),
            revision: 2,
            member: member(other, 2),
        };
        let ready = Ready {
            room: room(),
            offerer: me,
            peers: [me, other],
        };
        let left = MemberLeft {
            room: room(),
            revision: 3,
            peer: other,
            reason: LeaveReason::NodeLost,
        };
        let signal = signal_from(other, 1, codec);
        call.accepted.say(joined.clone()).await;
        call.accepted.say(ready.clone()).await;
        call.accepted.say(signal.clone()).await;
        call.accepted.say(left.clone()).await;
        for expected in [
            Event::MemberJoined(Arc::new(joined)),
            Event::Ready(ready),
            Event::Signal(signal),
            Event::MemberLeft(left),
        ] {
            assert_eq!(call.events.next().await, Some(expected));
        }
    }
}

#[tokio::test]
async fn a_signal_is_acknowledged_once_the_application_took_it_and_not_before() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let (from, room) = (PeerId::random(), room());
    let gateway = async {
        let read_leave = |message: ClientMessage<'_>| match message {
            ClientMessage::Leave(leave) => leave.id,
            other => panic!("{other:?} is no leave"),
        };
        let re = call.accepted.hear(read_leave).await;
        for id in [4, 5] {
            call.accepted.say(signal_from(from, id, Codec::Json)).await;
        }
        let room = room.clone();
        call.accepted.say(Left { re, room }).await;
        // By now the client has both signals, and goes on without a word about them.
        let re = call.accepted.hear(read_leave).await;
        let room = super::room();
        call.accepted.say(Left { re, room }).await;
    };
    let leave_twice = async {
        call.client.leave(&room).await?;
        call.client.leave(&room).await
    };
    let (left, ()) = tokio::join!(leave_twice, gateway);
    assert_eq!(left, Ok(()));
    assert!(matches!(call.events.next().await, Some(Event::Signal(_))));
    assert!(matches!(call.events.next().await, Some(Event::Signal(_))));
    let received = |message: ClientMessage<'_>| match message {
        ClientMessage::Received(received) => received,
        other => panic!("{other:?} is no receipt"),
    };
    // The task has had no time between the two.
    let expected = said::Received { from, id: 5 };
    assert_eq!(call.accepted.hear(received).await, expected);
}

#[tokio::test]
async fn a_repeated_signal_is_told_once_and_acknowledged_again() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let from = PeerId::random();
    let received = |message: ClientMessage<'_>| match message {
        ClientMessage::Received(received) => received.id,
        other => panic!("{other:?} is no receipt"),
    };
    call.accepted.say(signal_from(from, 7, Codec::Json)).await;
    assert!(matches!(call.events.next().await, Some(Event::Signal(_))));
    assert_eq!(call.accepted.hear(received).await, 7);
    call.accepted.say(signal_from(from, 7, Codec::Json)).await;
    tokio::select! {
        event = call.events.next() => panic!("{event:?} is told twice"),
        id = call.accepted.hear(received) => assert_eq!(id, 7),
    }
    call.accepted.say(signal_from(from, 8, Codec::Json)).await;
    match call.events.next().await {
        Some(Event::Signal(signal)) => assert_eq!(signal.id, 8),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mailbox_is_full_until_the_application_takes_something() {
    let mailbox = Arc::new(Mailbox::default());
    let mut events = Events(mailbox.clone());
    let from = PeerId::random();
    let mut pushed = 0;
    while !mailbox.is_full() {
        pushed += 1;
        mailbox.push(Event::Signal(signal_from(from, pushed, Codec::Json)), from);
    }
    // Only states of the connection still come, and they take the place of one another.
    for _ in 0..3 {
        mailbox.push(Event::Connection(ConnectionState::NeedsToken), from);
    }
    let mut taken = 0;
    while let Some(Event::Signal(_)) = events.try_next() {
        taken += 1;
    }
    assert_eq!((taken, events.try_next()), (pushed, None));
    assert!(!mailbox.is_full());
}

#[tokio::test]
async fn goodbye_is_said_and_everything_ends() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let (client, room) = (call.client.clone(), room());
    let gateway = async {
        call.accepted
            .hear(|message| assert_eq!(message, ClientMessage::Bye(Bye::default())))
            .await;
        call.accepted.close(1000, "bye").await;
    };
    tokio::join!(call.client.bye(), gateway);
    assert_eq!(call.events.next().await, None);
    assert_eq!(client.leave(&room).await, Err(RequestError::Over));
}

#[tokio::test]
async fn a_goodbye_may_hold_the_place() {
    let mut call = joined(Codec::Json, |_| ()).await;
    let gateway = async {
        let hold_ms = Some(5000);
        let expected = ClientMessage::Bye(Bye { hold_ms });
        call.accepted
            .hear(|message| assert_eq!(message, expected))
            .await;
        call.accepted.close(1000, "bye").await;
    };
    tokio::join!(call.client.bye_holding(Duration::from_secs(5)), gateway);
    assert_eq!(call.events.next().await, None);
}

#[tokio::test]
async fn the_last_handle_dropped_says_goodbye() {
    let mut call = joined(Codec::MessagePack, |_| ()).await;
    drop(call.client);
    call.accepted
        .hear(|message| assert_eq!(message, ClientMessage::Bye(Bye::default())))
        .await;
    call.accepted.close(1000, "bye").await;
    assert_eq!(call.events.next().await, None);
}
