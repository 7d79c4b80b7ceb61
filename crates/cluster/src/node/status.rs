//! Whether a node can take sessions.

/// Whether the node can take sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Not yet, and why.
    Starting(String),
    /// It can.
    Serving,
    /// Not at the moment: another node took this one for dead.
    Reentering,
    /// Not any more.
    Stopped,
}
