//! How the connections that drains picked have ended.

use switchboard_protocol::CloseCode;

/// Counts since the node's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Clients that were told to resume at another node.
    pub(crate) told: u64,
    /// Connections whose session goes on through another one.
    pub(crate) moved: u64,
    /// Connections that the node closed.
    pub(crate) closed: u64,
    /// Connections that ended by themselves.
    pub(crate) left: u64,
}

impl Tally {
    /// A connection ended, with the code that this side closed it with, if it did.
    pub(crate) fn ended(&mut self, code: Option<CloseCode>) {
        let count = match code {
            Some(CloseCode::Superseded) => &mut self.moved,
            Some(CloseCode::GoingAway) => &mut self.closed,
            _ => &mut self.left,
        };
        *count += 1;
    }

    /// What was counted since `then`.
    pub(crate) fn since(self, then: Self) -> Self {
        Self {
            told: self.told - then.told,
            moved: self.moved - then.moved,
            closed: self.closed - then.closed,
            left: self.left - then.left,
        }
    }
}
