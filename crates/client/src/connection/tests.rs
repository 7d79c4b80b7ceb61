use futures_util::{FutureExt, SinkExt, StreamExt};
use switchboard_protocol::client_message::{Hello, Ping, Signal};
use switchboard_protocol::server_message::{self, Pong};
use switchboard_protocol::{CloseCode, PeerId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::header;

use super::*;
use crate::test_gateway::{Accepted, TestGateway, payload};

async fn open(codec: Codec) -> (Connection, Accepted) {
    let (gateway, options) = TestGateway::start(codec).await;
    let (opened, (accepted, peer)) = tokio::join!(Connection::open(&options), gateway.welcome());
    let (connection, welcome) = opened.expect("a welcome");
    assert_eq!(welcome.peer, peer);
    (connection, accepted)
}

fn ping(id: u64) -> ClientMessage<'static> {
    ClientMessage::Ping(Ping { id: Some(id) })
}

fn pong(re: u64) -> ServerMessage {
    Pong { re: Some(re) }.into()
}

#[tokio::test]
async fn hello_says_what_the_options_say() {
    for codec in Codec::ALL {
        let (gateway, mut options) = TestGateway::start(codec).await;
        options.token = Some("secret".into());
        options.name = Some("민수".into());
        options.source = Some([127, 0, 0, 9].into());
        let gateway = async {
            let mut accepted = gateway.accept().await;
            assert_eq!(accepted.address.ip().to_string(), "127.0.0.9");
            assert!(!accepted.headers.contains_key(header::AUTHORIZATION));
            let expected = ClientMessage::Hello(Hello {
                token: Some("secret".into()),
                name: Some("민수".into()),
                receipts: true,
                ..Hello::default()
            });
            accepted.hear(|hello| assert_eq!(hello, expected)).await;
            accepted.say(gateway.welcome_message()).await;
        };
        let (opened, ()) = tokio::join!(Connection::open(&options), gateway);
        opened.expect("a welcome");
    }
}

#[tokio::test]
async fn a_token_may_go_in_the_handshake_instead() {
    let (gateway, mut options) = TestGateway::start(Codec::Json).await;
    options.token = Some("secret".into());
    options.bearer = true;
    let gateway = async {
        let mut accepted = gateway.accept().await;
        assert_eq!(accepted.headers[header::AUTHORIZATION], "Bearer secret");
        let silent = ClientMessage::Hello(Hello {
            receipts: true,
            ..Hello::default()
        });
        accepted.hear(|hello| assert_eq!(hello, silent)).await;
        accepted.say(gateway.welcome_message()).await;
    };
    let (opened, ()) = tokio::join!(Connection::open(&options), gateway);
    opened.expect("a welcome");
}

#[tokio::test]
async fn a_close_frame_instead_of_a_welcome_says_when_to_come_back() {
    let (gateway, options) = TestGateway::start(Codec::Json).await;
    let gateway = async {
        let accepted = gateway.accept().await;
        accepted.close(4503, r#"{"retry_after_ms":250}"#).await;
    };
    let (opened, ()) = tokio::join!(Connection::open(&options), gateway);
    match opened.err() {
        Some(ConnectError::Closed(closed)) => {
            assert_eq!(closed.row(), Some(CloseCode::Unavailable));
            assert_eq!(closed.retry_after_ms, Some(250));
        }
        other => panic!("{other:?}"),
    }
}

/// Opens a connection to something that answers every request with this.
async fn answered_by(answer: &[u8]) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.read(&mut [0; 4096]).await.expect("a request");
        stream.write_all(answer).await.expect("it is still there");
    };
    let options = Options::new(format!("ws://{address}"));
    let (opened, ()) = tokio::join!(Connection::open(&options), server);
    opened.err().expect("no connection")
}

#[tokio::test]
async fn what_refuses_to_upgrade_is_told_apart_from_what_speaks_otherwise() {
    let refused = answered_by(b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\n\r\n").await;
    assert!(
        matches!(
            refused,
            ConnectError::Refused {
                status: 503,
                retry_after_ms: Some(2000)
            }
        ),
        "{refused}"
    );
    for answer in [
        &b"SSH-2.0-OpenSSH\r\n"[..],
        b"HTTP/1.1 101 Sure\r\nSec-WebSocket-Accept: nonsense\r\n\r\n",
        b"",
    ] {
        let error = answered_by(answer).await;
        assert!(matches!(error, ConnectError::Handshake(_)), "{error}");
    }
}

#[tokio::test]
async fn a_url_that_is_none_is_named() {
    for url in [
        "",
        "localhost:8080",
        "http://localhost:8080",
        "wss://localhost",
    ] {
        let error = Connection::open(&Options::new(url)).await.err();
        let error = error.expect("no connection").to_string();
        assert!(error.contains(&format!("`{url}`")), "{error}");
    }
}

#[tokio::test]
async fn a_loop_of_next_and_feed_writes_by_itself() {
    for codec in Codec::ALL {
        let (mut connection, mut accepted) = open(codec).await;
        let client = async {
            connection.feed(&ping(1)).expect("a message");
            loop {
                let Ok(message) = connection.next().await else {
                    break;
                };
                let ServerMessage::Pong(Pong { re: Some(re) }) = message else {
                    panic!("{message:?}");
                };
                connection.feed(&ping(re + 1)).expect("a message");
            }
        };
        let gateway = async {
            for id in 1..100 {
                accepted.hear(|heard| assert_eq!(heard, ping(id))).await;
                accepted.say(pong(id)).await;
            }
            accepted.close(1000, "bye").await;
        };
        tokio::join!(client, gateway);
    }
}

#[tokio::test]
async fn what_was_read_with_a_message_is_there_without_waiting() {
    let (mut connection, mut accepted) = open(Codec::Json).await;
    for id in 1..=3 {
        let pong = Message::text(format!(r#"{{"type":"pong","re":{id}}}"#));
        accepted.socket.feed(pong).await.expect("it is still there");
    }
    assert_eq!(connection.try_next(), Ok(None));
    accepted.socket.flush().await.expect("it is still there");
    assert_eq!(connection.next().await, Ok(pong(1)));
    assert_eq!(connection.try_next(), Ok(Some(pong(2))));
    assert_eq!(connection.try_next(), Ok(Some(pong(3))));
    assert_eq!(connection.try_next(), Ok(None));
}

#[tokio::test]
async fn a_full_write_side_does_not_stop_the_reading() {
    let (mut connection, mut accepted) = open(Codec::Json).await;
    let big = vec![b' '; 1 << 20];
    while {
        connection.try_flush();
        connection.unwritten() == 0
    } {
        connection.feed_frame(&big);
    }
    accepted.say(pong(7)).await;
    assert_eq!(connection.next().await, Ok(pong(7)));
    assert!(connection.unwritten() > 0);
    let gateway = async { while accepted.socket.next().await.is_some() {} };
    let client = async {
        connection.flush().await.expect("it is read by now");
        assert_eq!(connection.unwritten(), 0);
        drop(connection);
    };
    tokio::join!(client, gateway);
}

#[tokio::test]
async fn a_next_that_is_dropped_loses_nothing() {
    for codec in Codec::ALL {
        let (mut connection, mut accepted) = open(codec).await;
        let text: &'static str = String::leak(format!("{:?}", "x".repeat(1 << 20)));
        let sent = server_message::Signal {
            room: "r".parse().expect("a room id"),
            from: PeerId::random(),
            id: 1,
            kind: "offer".into(),
            payload: payload(codec, text),
            traceparent: None,
        };
        let expected = ServerMessage::from(sent.clone());
        let client = async {
            loop {
                match connection.next().now_or_never() {
                    Some(message) => break assert_eq!(message, Ok(expected)),
                    None => tokio::task::yield_now().await,
                }
            }
        };
        tokio::join!(client, accepted.say(sent));
    }
}

#[tokio::test]
async fn messages_of_unknown_types_are_passed_over() {
    let (mut connection, mut accepted) = open(Codec::Json).await;
    accepted.say_frame(br#"{"type":"weather"}"#.to_vec()).await;
    accepted.say(pong(1)).await;
    assert_eq!(connection.next().await, Ok(pong(1)));
}

#[tokio::test]
async fn what_is_no_message_ends_the_connection() {
    let (mut connection, mut accepted) = open(Codec::Json).await;
    accepted.say_frame(br#"{"type":"pong","#.to_vec()).await;
    let ended = connection.next().await.expect_err("no message");
    assert!(matches!(ended, Disconnected::Message(_)), "{ended}");
    assert_eq!(connection.next().await, Err(ended));
}

#[tokio::test]
async fn websocket_pings_are_answered_while_waiting() {
    let (mut connection, mut accepted) = open(Codec::Json).await;
    let ping = Message::Ping("here?".into());
    accepted.socket.send(ping).await.expect("it is still there");
    let answer = tokio::select! {
        answer = accepted.socket.next() => answer.expect("more").expect("a frame"),
        message = connection.next() => panic!("{message:?}"),
    };
    assert_eq!(answer, Message::Pong("here?".into()));
}

#[tokio::test]
async fn a_lost_connection_and_a_closed_one_are_told_apart() {
    let (mut connection, accepted) = open(Codec::Json).await;
    drop(accepted);
    let ended = connection.next().await.expect_err("the end");
    assert!(matches!(ended, Disconnected::Lost(_)), "{ended}");

    let (mut connection, accepted) = open(Codec::Json).await;
    let (ended, ()) = tokio::join!(connection.next(), accepted.close(4413, "slow consumer"));
    let ended = ended.expect_err("the end");
    assert_eq!(
        ended.to_string(),
        "closed by the gateway: 4413 slow consumer"
    );
}

#[tokio::test]
async fn a_message_that_the_gateway_would_close_for_is_not_sent() {
    let (mut connection, _accepted) = open(Codec::Json).await;
    let text = format!("{:?}", "x".repeat(256 * 1024));
    let payload = payload(Codec::Json, String::leak(text));
    let signal = ClientMessage::Signal(Signal {
        id: 1,
        room: "r".into(),
        to: None,
        kind: "offer".into(),
        payload: payload.as_slice(),
        traceparent: None,
    });
    let refused = connection.feed(&signal);
    assert!(matches!(refused, Err(FeedError::TooLarge { .. })));
    assert_eq!(connection.unwritten(), 0);
}

#[tokio::test]
async fn bye_waits_for_the_gateway_to_close() {
    let (connection, mut accepted) = open(Codec::MessagePack).await;
    let gateway = async {
        accepted
            .hear(|message| assert_eq!(message, ClientMessage::Bye(Bye::default())))
            .await;
        accepted.close(1000, "bye").await;
    };
    let (ended, ()) = tokio::join!(connection.bye(), gateway);
    assert_eq!(ended.to_string(), "closed by the gateway: 1000 bye");
}
