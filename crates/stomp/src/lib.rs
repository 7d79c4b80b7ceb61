//! STOMP frames: bytes in, frames out, and back. What a frame means is the gateway's affair.
//!
//! ```text
//! COMMAND EOL *( name ":" value EOL ) EOL body NUL        EOL between frames: a heart-beat
//! ```
//!
//! STOMP expects a stream, and clients use WebSocket as one: a message may hold several frames, and a frame may span
//! several messages, text or binary. The [`Decoder`] therefore takes pieces, whatever their borders. It passes over
//! each byte once and never keeps more than one incomplete frame, so neither time nor memory depends on how a client
//! cuts. A body that came in one piece is not copied.
//!
//! The versions differ, on this level, only in how headers are escaped (see [`Version`]). What a connection speaks is
//! settled by [`Version::negotiate`] and [`HeartBeat::agree`] when its CONNECT frame is there.

mod command;
mod decode;
mod encode;
mod escape;
mod fault;
mod frame;
mod headers;
mod heart_beat;
mod limits;
mod version;

pub use command::Command;
pub use decode::{Decoder, Item};
pub use encode::{HEART_BEAT, Unwritable};
pub use fault::Fault;
pub use frame::Frame;
pub use headers::Headers;
pub use heart_beat::{Agreed, BadHeartBeat, HeartBeat};
pub use limits::Limits;
pub use version::{NoCommonVersion, Version};
