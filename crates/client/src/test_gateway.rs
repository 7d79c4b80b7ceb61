//! As much of a gateway as the tests need: it accepts, and each test says what it says.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use switchboard_protocol::client_message::{Hello, Ping, Resume};
use switchboard_protocol::limits::Limits;
use switchboard_protocol::server_message::{ResumeTicket, RoomSnapshot, Welcome};
use switchboard_protocol::{
    ClientMessage, Codec, Connection, Member, MemberState, NodeId, Payload, PeerId, ServerMessage,
    UserId,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::Options;

pub(crate) const LIMITS: Limits = Limits {
    in_flight: 16,
    in_flight_bytes: 1 << 20,
    max_message_bytes: 256 * 1024,
    signals_per_second: 1000,
    burst: 1000,
};

pub(crate) struct TestGateway {
    listener: TcpListener,
    codec: Codec,
    pub(crate) heartbeat_ms: u64,
    pub(crate) limits: Limits,
}

impl TestGateway {
    pub(crate) async fn start(codec: Codec) -> (Self, Options) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let options = Options {
            codec,
            ..Options::new(format!("ws://{address}"))
        };
        let gateway = Self {
            listener,
            codec,
            heartbeat_ms: 15_000,
            limits: LIMITS,
        };
        (gateway, options)
    }

    /// The next connection, before its `hello`.
    #[expect(
        clippy::result_large_err,
        reason = "the callback's signature is tungstenite's"
    )]
    pub(crate) async fn accept(&self) -> Accepted {
        let (stream, address) = self.listener.accept().await.expect("a connection");
        let mut headers = HeaderMap::new();
        let socket = accept_hdr_async(stream, |request: &Request, mut response: Response| {
            assert_eq!(request.uri().path(), "/v1/connect");
            headers = request.headers().clone();
            let subprotocol = HeaderValue::from_static(self.codec.subprotocol());
            assert_eq!(headers[header::SEC_WEBSOCKET_PROTOCOL], subprotocol);
            response
                .headers_mut()
                .insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
            Ok(response)
        });
        Accepted {
            socket: socket.await.expect("an upgrade"),
            codec: self.codec,
            headers,
            address,
        }
    }

    /// The next connection, welcomed.
    pub(crate) async fn welcome(&self) -> (Accepted, PeerId) {
        let mut accepted = self.accept().await;
        accepted
            .hear(|message| assert!(matches!(message, ClientMessage::Hello(_)), "{message:?}"))
            .await;
        let welcome = self.welcome_message();
        let peer = welcome.peer;
        accepted.say(welcome).await;
        (accepted, peer)
    }

    /// The next connection, resumed, and what it said to be.
    pub(crate) async fn welcome_back(
        &self,
        rooms: Vec<RoomSnapshot>,
    ) -> (Accepted, Resume<'static>) {
        let mut accepted = self.accept().await;
        let resume = accepted
            .hear(|message| match message {
                ClientMessage::Hello(Hello {
                    resume: Some(resume),
                    ..
                }) => Resume {
                    secret: resume.secret.into_owned().into(),
                    ..resume
                },
                other => panic!("{other:?} resumes nothing"),
            })
            .await;
        let welcome = Welcome {
            peer: resume.peer,
            resume: ResumeTicket {
                secret: secret(resume.peer),
                window_ms: 60_000,
            },
            resumed: true,
            rooms: Some(rooms),
            ..self.welcome_message()
        };
        accepted.say(welcome).await;
        (accepted, resume)
    }

    pub(crate) fn welcome_message(&self) -> Welcome {
        let peer = PeerId::random();
        Welcome {
            peer,
            user: UserId::anonymous(&peer),
            name: None,
            node: NodeId::start("test"),
            resume: ResumeTicket {
                secret: secret(peer),
                window_ms: 60_000,
            },
            resumed: false,
            rooms: None,
            heartbeat_ms: self.heartbeat_ms,
            limits: self.limits,
            ice_servers: Vec::new(),
        }
    }
}

pub(crate) struct Accepted {
    pub(crate) socket: WebSocketStream<TcpStream>,
    codec: Codec,
    pub(crate) headers: HeaderMap,
    pub(crate) address: SocketAddr,
}

impl Accepted {
    /// The next message of the client that is no ping.
    pub(crate) async fn hear<T>(&mut self, read: impl FnOnce(ClientMessage<'_>) -> T) -> T {
        loop {
            let frame = self.frame().await;
            match self.codec.decode(&frame).expect("a message") {
                ClientMessage::Ping(Ping { id: None }) => {}
                message => return read(message),
            }
        }
    }

    /// The next message of the client, which is a ping: it has nothing else to say for as long as a heartbeat.
    pub(crate) async fn hear_ping(&mut self) {
        let frame = self.frame().await;
        let message = self.codec.decode(&frame).expect("a message");
        assert!(matches!(message, ClientMessage::Ping(_)), "{message:?}");
    }

    async fn frame(&mut self) -> Bytes {
        loop {
            let message = self.socket.next().await.expect("more").expect("a frame");
            if message.is_text() || message.is_binary() {
                assert_eq!(message.is_text(), self.codec == Codec::Json);
                return message.into_data();
            }
        }
    }

    pub(crate) async fn say(&mut self, message: impl Into<ServerMessage>) {
        let mut frame = Vec::new();
        self.codec
            .encode(&message.into(), &mut frame)
            .expect("a message");
        self.say_frame(frame).await;
    }

    pub(crate) async fn say_frame(&mut self, frame: Vec<u8>) {
        let message = match self.codec {
            Codec::Json => Message::text(String::from_utf8(frame).expect("JSON")),
            Codec::MessagePack => Message::binary(frame),
        };
        self.socket.send(message).await.expect("it is still there");
    }

    pub(crate) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        let _ = self.socket.close(Some(frame)).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// What this gateway lets a peer resume with.
pub(crate) fn secret(peer: PeerId) -> String {
    format!("secret of {peer}")
}

pub(crate) fn payload(codec: Codec, json: &'static str) -> Payload {
    let json = Payload {
        encoding: Codec::Json.encoding(),
        bytes: json.as_bytes(),
    };
    let bytes = json.transcode_to(codec.encoding()).expect("a value");
    Payload {
        encoding: codec.encoding(),
        bytes: Bytes::from(bytes.into_owned()),
    }
}

pub(crate) fn member(peer: PeerId, order: u64) -> Member {
    Member {
        peer,
        user: UserId::anonymous(&peer),
        name: None,
        avatar: None,
        state: MemberState::default(),
        order,
        joined_at: 0,
        connection: Connection::Live,
    }
}
