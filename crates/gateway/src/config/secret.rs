//! Text that is never shown.

use std::fmt;

use super::setting::Word;

/// What stands where a secret was.
pub(super) const MASK: &str = "********";

/// Text that neither `Debug` nor `check-config` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Whether `given` is the secret, in a time that does not tell how much of it is right.
    pub fn matches(&self, given: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), given.as_bytes());
        let different = ours
            .iter()
            .zip(theirs)
            .fold(0, |different, (a, b)| different | (a ^ b));
        ours.len() == theirs.len() && different == 0
    }

    /// The secret itself, for the code that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Word for Secret {
    fn read(text: &str) -> Result<Self, String> {
        String::read(text).map(Self)
    }

    fn write(&self) -> String {
        MASK.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_matches() {
        let secret = Secret::from("admin-token-admin-token");
        assert!(secret.matches("admin-token-admin-token"));
        for wrong in [
            "",
            "admin-token-admin-toke",
            "admin-token-admin-token-",
            "Admin-token-admin-token",
            "admin-token-admin-tokem",
            "admin-token-admin-tok\u{e9}",
        ] {
            assert!(!secret.matches(wrong), "{wrong}");
        }
    }
}
