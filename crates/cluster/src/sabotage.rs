//! Guards that a simulation takes out, one at a time, to show that it would notice. Without the feature `sabotage`, which
//! nothing that serves enables, all of them are always in place.

/// What keeps something from going wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A stream hands on an id once.
    HighWater,
    /// A signal is for one connection of its receiver.
    ReceiverEpoch,
    /// Frames from before a link started anew count for nothing.
    LinkGeneration,
    /// What is queued again is queued in its order.
    OldestFirst,
    /// A node notices that its lease is not its own any more.
    LeaseSelfCheck,
    /// A bucket that was forgotten answers nothing until it is filled.
    BucketMarker,
    /// A secret is worth nothing once a newer one was used.
    ProvenEpoch,
}

#[cfg(feature = "sabotage")]
thread_local! {
    static OUT: std::cell::Cell<Option<Guard>> = const { std::cell::Cell::new(None) };
}

/// Takes a guard out, for everything on this thread; `None`: all are in place.
#[cfg(feature = "sabotage")]
pub fn take_out(guard: Option<Guard>) {
    OUT.set(guard);
}

#[cfg(feature = "sabotage")]
pub(crate) fn is_out(guard: Guard) -> bool {
    OUT.get() == Some(guard)
}

#[cfg(not(feature = "sabotage"))]
pub(crate) const fn is_out(_: Guard) -> bool {
    false
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 7] = [
        Self::HighWater,
        Self::ReceiverEpoch,
        Self::LinkGeneration,
        Self::OldestFirst,
        Self::LeaseSelfCheck,
        Self::BucketMarker,
        Self::ProvenEpoch,
    ];

    /// As typed on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HighWater => "high-water",
            Self::ReceiverEpoch => "receiver-epoch",
            Self::LinkGeneration => "link-generation",
            Self::OldestFirst => "oldest-first",
            Self::LeaseSelfCheck => "lease-self-check",
            Self::BucketMarker => "bucket-marker",
            Self::ProvenEpoch => "proven-epoch",
        }
    }
}
