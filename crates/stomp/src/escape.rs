//! How characters that would end a header are written inside one (STOMP 1.2, «Value Encoding»).

use std::borrow::Cow;

use crate::{Command, Version};

/// The letter behind a backslash, and the character that the two stand for.
#[derive(Debug)]
pub(crate) struct Escape {
    letter: u8,
    means: u8,
}

const fn escape(letter: u8, means: u8) -> Escape {
    Escape { letter, means }
}

static V1_2: [Escape; 4] = [
    escape(b'\\', b'\\'),
    escape(b'n', b'\n'),
    escape(b'c', b':'),
    escape(b'r', b'\r'),
];

/// The escapes in the headers of one frame; none: a backslash is a backslash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escapes(&'static [Escape]);

/// An escape that does not exist: the letter behind its backslash, if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Undefined(pub(crate) Option<char>);

impl Escapes {
    pub(crate) fn of(command: Command, version: Version) -> Self {
        match (command, version) {
            (Command::Connect | Command::Connected, _) | (_, Version::V1_0) => Self(&[]),
            (_, Version::V1_1) => Self(&V1_2[..3]),
            (_, Version::V1_2) => Self(&V1_2),
        }
    }

    /// The letter that stands for this character behind a backslash.
    pub(crate) fn letter(self, means: u8) -> Option<u8> {
        let escape = self.0.iter().find(|escape| escape.means == means);
        escape.map(|escape| escape.letter)
    }

    /// A name or a value as it was meant.
    pub(crate) fn undo(self, text: &str) -> Result<Cow<'_, str>, Undefined> {
        let Some(first) = text.find('\\').filter(|_| !self.0.is_empty()) else {
            return Ok(Cow::Borrowed(text));
        };
        let (plain, mut rest) = text.split_at(first);
        let mut meant = String::with_capacity(text.len());
        meant.push_str(plain);
        while let Some(backslash) = rest.find('\\') {
            meant.push_str(&rest[..backslash]);
            let letter = rest[backslash + 1..].chars().next();
            meant.push(self.meaning(letter).ok_or(Undefined(letter))?);
            rest = &rest[backslash + 2..];
        }
        meant.push_str(rest);
        Ok(Cow::Owned(meant))
    }

    fn meaning(self, letter: Option<char>) -> Option<char> {
        let mut escapes = self.0.iter();
        let escape = escapes.find(|escape| Some(char::from(escape.letter)) == letter);
        escape.map(|escape| char::from(escape.means))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo(version: Version, text: &str) -> Result<Cow<'_, str>, Undefined> {
        Escapes::of(Command::Send, version).undo(text)
    }

    #[test]
    fn every_version_has_its_escapes() {
        let text = r"\\a\nb\cc";
        assert_eq!(undo(Version::V1_0, text).as_deref(), Ok(text));
        assert_eq!(undo(Version::V1_1, text).as_deref(), Ok("\\a\nb:c"));
        assert_eq!(undo(Version::V1_2, text).as_deref(), Ok("\\a\nb:c"));
        assert_eq!(undo(Version::V1_2, r"\r").as_deref(), Ok("\r"));
    }

    #[test]
    fn an_undefined_escape_is_refused() {
        assert_eq!(undo(Version::V1_1, r"a\r"), Err(Undefined(Some('r'))));
        assert_eq!(undo(Version::V1_2, r"a\t"), Err(Undefined(Some('t'))));
        assert_eq!(undo(Version::V1_2, r"a\한"), Err(Undefined(Some('한'))));
        assert_eq!(undo(Version::V1_2, r"a\"), Err(Undefined(None)));
    }

    #[test]
    fn an_escaped_backslash_begins_no_escape() {
        assert_eq!(undo(Version::V1_2, r"\\n").as_deref(), Ok(r"\n"));
    }

    #[test]
    fn connect_and_connected_are_never_escaped_but_stomp_is() {
        for command in [Command::Connect, Command::Connected] {
            let escapes = Escapes::of(command, Version::V1_2);
            assert_eq!(escapes.undo(r"a\n").as_deref(), Ok(r"a\n"));
        }
        let escapes = Escapes::of(Command::Stomp, Version::V1_2);
        assert_eq!(escapes.undo(r"a\n").as_deref(), Ok("a\n"));
    }
}
