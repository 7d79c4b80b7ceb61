//! What a token lets its bearer do (`docs/protocol.md`, roles of the token).

use switchboard_protocol::RoomId;

/// One right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ability {
    /// Enter rooms that exist.
    Join = 1,
    /// Enter rooms that do not exist yet.
    Create = 2,
    /// Send signals.
    Signal = 4,
    /// Change one's own state.
    State = 8,
    /// Call users.
    Invite = 16,
    /// Use the server API.
    Admin = 32,
}

/// A set of [`Ability`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities(u8);

impl Abilities {
    /// What a token without a `switchboard` claim gives, and open mode: everything but [`Ability::Admin`].
    pub const USUAL: Self = Self(1 | 2 | 4 | 8 | 16);

    /// Whether `ability` is among them.
    pub fn has(self, ability: Ability) -> bool {
        self.0 & ability as u8 != 0
    }
}

impl FromIterator<Ability> for Abilities {
    fn from_iter<I: IntoIterator<Item = Ability>>(abilities: I) -> Self {
        Self(
            abilities
                .into_iter()
                .fold(0, |set, ability| set | ability as u8),
        )
    }
}

/// Everything a token grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// Room ids, exact or ending in `*`; `None` means any room.
    pub rooms: Option<Vec<String>>,
    /// What may be done in them.
    pub can: Abilities,
    /// The most that may be asked for when creating a room.
    pub capacity: Option<u32>,
    /// An observer: sees events and broadcasts, is seen by nobody, may not signal.
    pub hidden: bool,
}

impl Default for Grants {
    fn default() -> Self {
        Self {
            rooms: None,
            can: Abilities::USUAL,
            capacity: None,
            hidden: false,
        }
    }
}

impl Grants {
    /// Whether `room` matches one of the patterns.
    pub fn covers(&self, room: &RoomId) -> bool {
        let Some(patterns) = &self.rooms else {
            return true;
        };
        patterns.iter().any(|pattern| pattern_covers(pattern, room))
    }
}

/// Whether `room` matches a pattern: a room id, or the beginning of some before a `*`.
pub fn pattern_covers(pattern: &str, room: &RoomId) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => room.as_str().starts_with(prefix),
        None => room.as_str() == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_exact_or_ends_in_a_star() {
        let grants = Grants {
            rooms: Some(vec!["study-*".into(), "lobby".into()]),
            ..Grants::default()
        };
        for (room, covered) in [
            ("study-1", true),
            ("study-", true),
            ("lobby", true),
            ("lobby2", false),
            ("my-study-1", false),
        ] {
            assert_eq!(
                grants.covers(&room.parse().expect("a room id")),
                covered,
                "{room}"
            );
        }
    }
}
