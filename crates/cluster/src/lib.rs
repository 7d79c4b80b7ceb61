//! Who is where, and how to reach them.
//!
//! The one idea: a node owns sockets and nothing else that cannot be rebuilt. Rooms and peers are in the [`Directory`],
//! nodes prove that they live through [`Leases`], and what one node tells another travels over the [`Bus`]. Each of the
//! three exists in memory (the embedded default, one node) and on Redis; everything else here is the same code over both.
//!
//! A session belongs to one node at a time: to the one with its highest epoch. It outlives its connection and moves to
//! whichever node its client comes to (`resume`), also when the one it was on is dead, frozen or on its way out. What a
//! link lost is sent again after a `resync`, what the directory lost is written again by `assert`; there is no third repair.

mod about;
mod allowance;
mod assert;
mod away;
pub mod backend;
pub mod bucket;
pub mod bus;
mod delivery;
pub mod directory;
mod doubt;
mod early;
mod entering;
pub mod envelope;
mod evict;
mod follow;
pub mod format;
pub mod frame;
#[cfg(test)]
mod golden;
mod gone;
pub mod guard;
mod keyring;
pub mod leases;
mod life;
mod link;
mod local;
mod look_up;
mod loopback;
mod membership;
pub mod memory;
pub mod node;
pub mod observe;
mod observer;
mod presence;
mod reader;
mod reaper;
pub mod record;
pub mod redis;
mod repeated;
mod resume;
mod resync;
mod room;
mod rooms;
mod roster;
mod router;
pub mod sabotage;
mod secret;
mod sweeper;
mod tasks;
mod unanswered;
mod unreadable;

pub use backend::{Backend, Reach};
pub use bus::{Bus, BusError, BusEvent, Inbox};
pub use delivery::Seen;
pub use directory::{Claim, Directory, DirectoryError};
pub use format::Format;
pub use keyring::ClusterKey;
pub use leases::{Leases, NodeInfo};
pub use local::{Local, OutboxFull, Recipient};
pub use membership::{JoinError, JoinRoom, RenameError, UpdateError};
pub use node::RoomCount;
pub use node::{Node, Settings, Status};
pub use observe::{AwayEnd, KindClass, Observation, Observe, ResumeOutcome};
pub use presence::{AttachError, Departure, NewSession};
pub use record::Profile;
pub use repeated::{Lasted, Repeated, Said};
pub use resume::{ResumeError, Resumed};
pub use router::NotAMember;
pub use tasks::{Alarm, Task};
pub use unanswered::InFlightMax;
pub use unreadable::{RecordKind, Unreadable};
