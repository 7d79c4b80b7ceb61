//! Bounds on the signals that are not answered yet.

use std::sync::atomic::{AtomicUsize, Ordering};

use switchboard_protocol::limits::RECEIVER_SHARE;

/// Bounds on what is unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlightMax {
    /// Signals of one session. Those for one receiver may be a quarter of them.
    pub signals: usize,
    /// Their payload bytes; likewise.
    pub bytes: usize,
    /// Bytes of all sessions of the node.
    pub node_bytes: usize,
}

impl InFlightMax {
    /// Signals of one session for one receiver.
    pub(super) fn signals_of_one(&self) -> usize {
        (self.signals / RECEIVER_SHARE as usize).max(1)
    }

    /// Their payload bytes.
    pub(super) fn bytes_of_one(&self) -> usize {
        self.bytes / RECEIVER_SHARE as usize
    }
}

/// The bounds, and how much of the node's is taken, by all its sessions together.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(super) max: InFlightMax,
    node_bytes: AtomicUsize,
}

impl Bounds {
    pub(crate) fn new(max: InFlightMax) -> Self {
        Self {
            max,
            node_bytes: AtomicUsize::new(0),
        }
    }

    /// Bytes that all sessions of the node have taken.
    pub(crate) fn node_bytes(&self) -> usize {
        self.node_bytes.load(Ordering::Relaxed)
    }

    /// Takes so many bytes of the node's bound. False: it does not have them.
    pub(super) fn charge(&self, bytes: usize) -> bool {
        let before = self.node_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before + bytes <= self.max.node_bytes;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.node_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
