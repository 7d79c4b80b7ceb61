//! The id of a session: anyone who knows it can read and write in the client's place.

use std::fmt;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// 120 random bits from the operating system, as 20 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; 20]);

impl Sid {
    /// A new one.
    pub fn random() -> Self {
        let mut id = [0; 20];
        getrandom::fill(&mut id).expect("the operating system gives random bytes");
        Self(id.map(|byte| ALPHABET[usize::from(byte & 63)]))
    }

    /// One that a client names; `None`: it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let id: [u8; 20] = text.as_bytes().try_into().ok()?;
        id.iter()
            .all(|byte| ALPHABET.contains(byte))
            .then_some(Self(id))
    }

    /// As its client says it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a session id is made of ASCII only")
    }
}

/// It is a secret: not for logs.
impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(…)")
    }
}
