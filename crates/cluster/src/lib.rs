//! Who is where, and how to reach them.
//!
//! The one idea: a node owns sockets and nothing else that cannot be rebuilt. Rooms and peers are in the [`Directory`],
//! nodes prove that they live through [`Leases`], and what one node tells another travels over the [`Bus`]. Each of the
//! three exists in memory (the embedded default, one node) and on Redis; everything else here is the same code over both.
//!
//! A session belongs to one node at a time: to the one with its highest epoch. It outlives its connection and moves to
//! whichever node its client comes to (`resume`), also when the one it was on is dead, frozen or stopping. What a link lost
//! is sent again after a `resync`, what the directory lost is written again by an assertion; there is no third repair.
//!
//! `backend`, `link`, `observe`, `spawning` and `tasks` know none of the folders above them. In `signal`, `room`, `sessions`,
//! `revocations`, `node` and `repair`, state lies in files that do not know `node::Inner`; what needs the whole node lies beside them.

#![warn(clippy::too_many_lines)]

pub mod backend;
#[cfg(test)]
mod golden;
pub mod link;
pub mod node;
pub mod observe;
mod repair;
mod revocations;
mod room;
pub mod sabotage;
mod sessions;
mod signal;
mod spawning;
pub mod tasks;

pub use backend::bus::{Bus, BusError, BusEvent, Inbox};
pub use backend::directory::{Claim, Directory, DirectoryError, JoinRequest, RevokeRequest};
pub use backend::format::Format;
pub use backend::leases::{Leases, NodeInfo};
pub use backend::record::Profile;
pub use backend::revocation::{Credential, Revocation, Revoked, TokenMark};
pub use backend::{Backend, Reach};
pub use backend::{bucket, bus, directory, leases, memory, record, redis, revocation};
pub use link::keyring::ClusterKey;
pub use link::{envelope, frame};
pub use node::RoomCount;
pub use node::{Node, Settings, Status};
pub use observe::record_kind::RecordKind;
pub use observe::repeated::{Lasted, Repeated, Said};
pub use observe::unreadable::Unreadable;
pub use observe::{AwayEnd, KindClass, Observation, Observe, ResumeOutcome};
pub use revocations::revoking::RevokeError;
pub use room::change::{RenameError, UpdateError};
pub use room::join::JoinError;
pub use sessions::attach::AttachError;
pub use sessions::detach::Departure;
pub use sessions::local_session::{LocalSession, NewSession, OutboxFull, Recipient};
pub use sessions::of_user::UserSession;
pub use sessions::resume::{ResumeError, Resumed};
pub use signal::seen::Seen;
pub use signal::send::NotAMember;
pub use signal::unanswered::bounds::InFlightMax;
pub use tasks::guard;
pub use tasks::{Alarm, Task};
