//! What clients speak. A dialect stands between the frames of one connection and its session: it translates, and knows
//! nothing of sockets, rooms, routing or limits that the session does not tell it.
//!
//! ```text
//! Frame ──► hear ──► Heard ──► session ──► ServerMessage ──► Dialect::say ──► Frames
//! ```
//!
//! | module | clients |
//! | --- | --- |
//! | [`native`] | those that speak the protocol of `switchboard_protocol`, the only ones that resume |
//! | [`socketio`] | Socket.IO in three vocabularies: rooms, calls by name, video and presence |
//! | [`stomp`] | STOMP over WebSocket |
//! | [`mdn`] | the chat of MDN's WebRTC sample |

mod foreign;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod kinds;
mod lists;
mod lobby;
pub mod mdn;
mod name;
pub mod native;
mod neutral;
mod requests;
mod room_view;
pub mod socketio;
pub mod stomp;

use std::borrow::Cow;
use std::time::Instant;

use switchboard_protocol::ServerMessage;
use switchboard_protocol::client_message::Hello;
use switchboard_protocol::codec::EncodeError;
use switchboard_session::{Closing, Input};

pub use frame::{Content, Frame, Text};
pub use name::DialectName;
pub use socketio::texts::ErrorTexts;

/// A translator for one connection.
pub trait Dialect: Send {
    /// For metrics.
    fn name(&self) -> &'static str;

    /// Who comes, where connecting is all that a client says of itself.
    fn introduction(&mut self) -> Option<Introduction<'static>> {
        None
    }

    /// Whether its clients can say that they have another token.
    fn refreshes(&self) -> bool {
        false
    }

    /// Whether its clients can go on with a session over another connection.
    fn resumes(&self) -> bool {
        false
    }

    /// What the client means by a frame: nothing, or several things in their order.
    fn hear(&mut self, content: Content<'_>, heard: &mut dyn FnMut(Heard<'_>));

    /// What came in the same frame as the client's hello, behind it; asked for once the welcome is said.
    fn hear_rest(&mut self, heard: &mut dyn FnMut(Heard<'_>)) {
        let _ = heard;
    }

    /// Time passed. Comes at least once in each heartbeat of the session.
    fn tick(&mut self, now: Instant, heard: &mut dyn FnMut(Heard<'_>)) {
        let _ = (now, heard);
    }

    /// What the client is to be told: no frame, or several.
    fn say(
        &mut self,
        message: &ServerMessage,
        say: &mut dyn FnMut(Frame),
    ) -> Result<(), EncodeError>;

    /// What the dialect has put off, of several messages the newest only: comes when all that waited for the client is
    /// said, and again at the moment that it returns, if it puts something off still.
    fn settle(&mut self, now: Instant, say: &mut dyn FnMut(Frame)) -> Option<Instant> {
        let _ = (now, say);
        None
    }

    /// What is said before the connection is closed, besides the close frame.
    fn goodbye(&mut self, closing: &Closing, say: &mut dyn FnMut(Frame)) {
        let _ = (closing, say);
    }
}

/// Who comes.
#[derive(Debug)]
pub struct Introduction<'a> {
    /// Its `hello`, or what comes to the same.
    pub hello: Hello<'a>,
    /// The user that the client says it is; a token has to agree.
    pub user: Option<Cow<'a, str>>,
}

impl Introduction<'_> {
    /// The same without the frame that it came in.
    pub fn into_owned(self) -> Introduction<'static> {
        Introduction {
            hello: self.hello.into_owned(),
            user: self.user.map(|user| Cow::Owned(user.into_owned())),
        }
    }
}

impl<'a> From<Hello<'a>> for Introduction<'a> {
    fn from(hello: Hello<'a>) -> Self {
        Self { hello, user: None }
    }
}

/// What a frame comes to.
#[derive(Debug)]
pub enum Heard<'a> {
    /// The client says who it is, in a dialect that has a word for the user: for the native one, see
    /// [`AwaitingHello`](switchboard_session::AwaitingHello).
    Hello(Introduction<'a>),
    /// Something for the session.
    Input(Input<'a>),
    /// The dialect answers by itself, once: what a client may ask for again and again goes through the session, see
    /// [`Input::Ask`].
    Say(Frame),
    /// The client closes the connection.
    Close,
    /// The dialect ends it.
    End(Closing),
}

/// What the client means by whatever came over its connection.
pub fn hear(dialect: &mut dyn Dialect, frame: &Frame, heard: &mut dyn FnMut(Heard<'_>)) {
    match frame {
        Frame::Text(text) => dialect.hear(Content::Text(text), heard),
        Frame::Binary(bytes) => dialect.hear(Content::Binary(bytes), heard),
        Frame::Ping | Frame::Pong => heard(Heard::Input(Input::Alive)),
        Frame::Close(_) => heard(Heard::Close),
    }
}

/// By tokio's clock, which a test or a simulation can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
