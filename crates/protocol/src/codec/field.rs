//! The names of all fields of all messages, each in this one place.

use super::Fault;
use super::scalar::Scalar;
use crate::InvalidId;

macro_rules! names {
    ($($field:ident = $name:literal,)*) => {
        /// A field that some message has. All others are skipped, so a frame full of them costs no memory.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field {
            $($field,)*
        }

        impl Field {
            pub(super) const COUNT: usize = [$(Self::$field),*].len();

            pub(super) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$field),)*
                    _ => None,
                }
            }

            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)*
                }
            }
        }
    };
}

names! {
    Type = "type",
    Id = "id",
    Room = "room",
    To = "to",
    From = "from",
    Kind = "kind",
    Payload = "payload",
    Traceparent = "traceparent",
    State = "state",
    Capacity = "capacity",
    Token = "token",
    Name = "name",
    Avatar = "avatar",
    Receipts = "receipts",
    Agent = "agent",
    Resume = "resume",
    HoldMs = "hold_ms",
}

impl Field {
    pub(super) fn expected(self, expected: &'static str, found: &Scalar<'_>) -> Fault {
        Fault::Expected {
            field: self.name(),
            expected,
            found: found.describe(),
        }
    }

    pub(super) fn expected_number(self, expected: &'static str, found: &Scalar<'_>) -> Fault {
        let found = match found {
            Scalar::Whole(_) | Scalar::OtherNumber => "another number",
            other => other.describe(),
        };
        Fault::Expected {
            field: self.name(),
            expected,
            found,
        }
    }

    pub(super) fn invalid_id(self, rule: InvalidId) -> Fault {
        Fault::Id {
            field: self.name(),
            rule,
        }
    }
}
