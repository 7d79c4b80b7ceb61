//! Engine.IO 4: one socket in both directions, made of polling requests, a WebSocket, or first the one and then the other.
//! What its messages mean (Socket.IO, for example) is the user's affair.
//!
//! This is a state machine. It opens no socket, starts no task and reads no clock: time comes in as an argument, and what
//! carries requests and frames is the glue around it.
//!
//! ```text
//! polling   GET ?EIO=4&transport=polling          ◄── 0{"sid":"X","upgrades":["websocket"],…}
//!           GET …&sid=X                           ◄── 4hello ␞ 4world ␞ bAQID     once there is something; ␞ is 0x1e
//!           POST …&sid=X   4hello ␞ 4world        ◄── ok
//! upgrade   WebSocket …&sid=X      2probe ──►     ◄── 3probe, and 6 to the waiting GET
//!                                       5 ──►         from here on the WebSocket carries all
//! alive                                               2 after each interval, to be answered with 3
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `request` | which request is for what; `refused`: what it is answered that is for nothing |
//! | `packet`, `payload` | text ◄─► packets |
//! | `session` | the state machine: `session/polling`, `session/web_socket`, `session/upgrade`, `session/heartbeat` |
//! | `shared` | a session between its task and its requests; who is woken |
//! | `sessions` | all of them, by their ids |

mod ending;
mod inbox;
mod outbox;
mod packet;
mod payload;
mod refused;
mod request;
mod session;
mod sessions;
mod settings;
mod shared;
mod sid;

pub use ending::Ending;
pub use outbox::Frame;
pub use packet::{BadPacket, Message, Packet};
pub use payload::packets;
pub use refused::Refused;
pub use request::Request;
pub use session::{Candidate, Session, Transport};
pub use sessions::Sessions;
pub use settings::Settings;
pub use shared::{Answer, OpenPoll, OpenPost, SharedSession};
pub use sid::Sid;
