//! The first line of a frame.

use std::fmt;

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a frame is for. Commands are case sensitive.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command {
            $($(#[$doc])* $name,)*
        }

        impl Command {
            /// Every command there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The command as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

commands! {
    /// A client begins.
    Connect = "CONNECT",
    /// The same, under the name that STOMP 1.1 introduced; its headers are escaped.
    Stomp = "STOMP",
    /// A client says something to a destination.
    Send = "SEND",
    /// A client wants what is said to a destination.
    Subscribe = "SUBSCRIBE",
    /// It does not want it any more.
    Unsubscribe = "UNSUBSCRIBE",
    /// A client has handled a message.
    Ack = "ACK",
    /// It has not; since 1.1.
    Nack = "NACK",
    /// A transaction begins.
    Begin = "BEGIN",
    /// A transaction is carried out.
    Commit = "COMMIT",
    /// A transaction is dropped.
    Abort = "ABORT",
    /// A client is about to close.
    Disconnect = "DISCONNECT",
    /// The server's yes to CONNECT.
    Connected = "CONNECTED",
    /// What was said to a destination.
    Message = "MESSAGE",
    /// The server has handled a frame that asked to be told.
    Receipt = "RECEIPT",
    /// What went wrong; the connection ends.
    Error = "ERROR",
}

impl Command {
    /// The longest command, bytes.
    pub(crate) const BYTES_MAX: usize = Self::Unsubscribe.as_str().len();

    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|command| command.as_str().as_bytes() == text)
    }

    /// STOMP 1.2, «Body».
    pub(crate) fn may_have_a_body(self) -> bool {
        matches!(self, Self::Send | Self::Message | Self::Error)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_again_by_its_name_and_no_longer_than_the_longest() {
        for command in Command::ALL {
            let name = command.as_str();
            assert_eq!(Command::from_bytes(name.as_bytes()), Some(*command));
            assert!(name.len() <= Command::BYTES_MAX, "{name}");
        }
    }
}
