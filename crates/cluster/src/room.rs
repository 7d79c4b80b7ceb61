//! A room with members on this node: what its roster is, who is told of changes, and in which order.
//!
//! Roster steps come from several nodes and may overtake one another, while a session must hear of a member's join before its
//! first signal and of its leaving after its last. So a room takes steps strictly by revision. A step that comes too early
//! waits for those before it; a signal from a member that this node has not heard of waits with its receiver. When a step
//! does not come, the roster is read again and the sessions are told the difference. A partial list is never taken for the
//! whole.

pub(crate) mod allowance;
pub(crate) mod announce;
mod arrivals;
mod catching_up;
pub(crate) mod change;
mod in_room;
pub(crate) mod join;
pub(crate) mod leave;
mod looking_up;
pub(crate) mod rooms;
pub(crate) mod roster;
mod state;
mod steps;
mod telling;
#[cfg(test)]
mod tests;

use tokio::time::Duration;

pub(crate) use self::state::{After, EnteredBy, Room, SenderKnown};

/// A join that the directory carried out reaches this node's roster within this, or is given up.
pub(crate) const JOIN_PATIENCE: Duration = Duration::from_secs(5);
