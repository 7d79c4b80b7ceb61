//! A signal from a session of this node to those it is for, and from other nodes to the sessions of this one.
//!
//! ```text
//! session ─► send ─► unanswered ─► link ─► bus ⇢ other node: receive ─► inbound ─► session
//!    ▲                                 ◄──────────── receipt ◄─────────────┘
//!    └── delivered / undelivered
//! ```

pub(crate) mod held_back;
pub(crate) mod inbound;
pub(crate) mod look_up;
pub(crate) mod overdue;
mod receipts;
pub(crate) mod receive;
pub(crate) mod reroute;
pub(crate) mod send;
pub(crate) mod tombstones;
pub(crate) mod unanswered;
