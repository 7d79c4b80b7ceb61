//! One attack, and what all of them are made with.

use serde_json::Value;

/// What the issuer [`OWN`] signs with, by HS256.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The name of the issuer that shares [`SECRET`].
pub const OWN: &str = "own";
/// What its tokens name as their audience.
pub const AUDIENCE: &str = "calls";

/// A token that nobody may come in with.
pub struct Attack {
    /// What a failing test says.
    pub name: String,
    /// The token.
    pub token: String,
    /// The label of the metric that counts it.
    pub outcome: &'static str,
}

impl Attack {
    /// A gateway may say that it cannot know yet: the issuer may have published the key since.
    pub fn may_have_to_wait(&self) -> bool {
        self.outcome == "unknown_key"
    }
}

pub(super) fn add(
    all: &mut Vec<Attack>,
    name: impl Into<String>,
    token: String,
    outcome: &'static str,
) {
    all.push(Attack {
        name: name.into(),
        token,
        outcome,
    });
}

pub(super) fn merged(mut into: Value, more: Value) -> Value {
    let more = more.as_object().cloned().unwrap_or_default();
    for (name, value) in more {
        into[name] = value;
    }
    into
}
