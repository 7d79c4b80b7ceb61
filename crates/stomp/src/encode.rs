//! Writing frames.

use crate::escape::Escapes;
use crate::{Command, Frame, Version};

/// A heart-beat: the end of a line between frames.
pub const HEART_BEAT: &str = "\n";

/// A header that this version cannot write: a line break or a NUL, or in a name a colon, that it has no escape for.
///
/// Written as it is, it would end the header and begin another one, or a body, of somebody else's choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("header {name:?} of a {command} frame holds what STOMP {version} cannot write in a header")]
pub struct Unwritable {
    /// Of which frame.
    pub command: Command,
    /// In which version.
    pub version: Version,
    /// Which header.
    pub name: String,
}

impl Frame<'_> {
    /// Writes the frame behind whatever `out` holds; on an error, `out` is as before.
    ///
    /// A body gets its `content-length` in bytes, so that it may hold NUL; a header of that name is not written.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let before = out.len();
        let head = self.command.as_str().len() + self.headers.bytes();
        out.reserve(head + self.body.len() + 64);
        out.extend_from_slice(self.command.as_str().as_bytes());
        out.push(b'\n');
        let escapes = Escapes::of(self.command, version);
        for (name, value) in self.headers.iter().filter(|(name, _)| *name != LENGTH) {
            if !write_header(escapes, name, value, out) {
                out.truncate(before);
                return Err(self.unwritable(version, name));
            }
        }
        self.write_body(out);
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        if !self.body.is_empty() {
            out.extend_from_slice(format!("{LENGTH}:{}\n", self.body.len()).as_bytes());
        }
        out.push(b'\n');
        out.extend_from_slice(&self.body);
        out.push(0);
    }

    fn unwritable(&self, version: Version, name: &str) -> Unwritable {
        Unwritable {
            command: self.command,
            version,
            name: name.to_owned(),
        }
    }
}

/// The header that both ends of the codec keep to themselves.
pub(crate) const LENGTH: &str = "content-length";

/// Whether it could be written.
fn write_header(escapes: Escapes, name: &str, value: &str, out: &mut Vec<u8>) -> bool {
    // In a value a colon is harmless: a header is parted at its first one. Yet where there is an escape, it is due.
    if name.is_empty() || !write_text(escapes, name, b"\r\n\0:", out) {
        return false;
    }
    out.push(b':');
    let written = write_text(escapes, value, b"\r\n\0", out);
    out.push(b'\n');
    written
}

fn write_text(escapes: Escapes, text: &str, forbidden: &[u8], out: &mut Vec<u8>) -> bool {
    for byte in text.bytes() {
        match escapes.letter(byte) {
            Some(letter) => out.extend_from_slice(&[b'\\', letter]),
            None if forbidden.contains(&byte) => return false,
            None => out.push(byte),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(version: Version, frame: &Frame<'_>) -> String {
        let mut out = Vec::new();
        frame.encode(version, &mut out).expect("writable");
        String::from_utf8(out).expect("UTF-8")
    }

    fn with_header(command: Command, name: &str, value: &str) -> Frame<'static> {
        Frame::new(command).with(name, value)
    }

    #[test]
    fn a_frame_ends_with_nul_and_a_body_has_its_length_in_bytes() {
        let frame = Frame::new(Command::Message)
            .with("destination", "/topic/a")
            .with_body("한".as_bytes());
        assert_eq!(
            encoded(Version::V1_1, &frame),
            "MESSAGE\ndestination:/topic/a\ncontent-length:3\n\n한\0"
        );
        let receipt = with_header(Command::Receipt, "receipt-id", "7");
        assert_eq!(
            encoded(Version::V1_2, &receipt),
            "RECEIPT\nreceipt-id:7\n\n\0"
        );
    }

    #[test]
    fn a_length_that_somebody_gave_is_not_written() {
        let frame = with_header(Command::Message, "content-length", "9").with_body(&b"ab"[..]);
        assert_eq!(
            encoded(Version::V1_2, &frame),
            "MESSAGE\ncontent-length:2\n\nab\0"
        );
    }

    #[test]
    fn headers_are_escaped_as_the_version_says() {
        let frame = with_header(Command::Message, "a:b", "c:\\\n");
        for version in [Version::V1_1, Version::V1_2] {
            assert_eq!(encoded(version, &frame), "MESSAGE\na\\cb:c\\c\\\\\\n\n\n\0");
        }
        let frame = with_header(Command::Message, "a", "\r");
        assert_eq!(encoded(Version::V1_2, &frame), "MESSAGE\na:\\r\n\n\0");
        let frame = with_header(Command::Message, "a", "c:\\");
        assert_eq!(encoded(Version::V1_0, &frame), "MESSAGE\na:c:\\\n\n\0");
        let frame = with_header(Command::Connected, "a", "c:\\");
        assert_eq!(encoded(Version::V1_2, &frame), "CONNECTED\na:c:\\\n\n\0");
    }

    #[test]
    fn what_would_begin_another_header_is_refused_and_leaves_nothing_behind() {
        use Command::{Connected, Message};
        for (version, command, name, value) in [
            (Version::V1_0, Message, "a", "b\nc:d"),
            (Version::V1_0, Message, "a:b", ""),
            (Version::V1_1, Message, "a", "b\r"),
            (Version::V1_2, Connected, "a", "b\nc:d"),
            (Version::V1_2, Message, "a", "b\0"),
            (Version::V1_2, Message, "", "b"),
        ] {
            let mut out = b"before".to_vec();
            let refused = with_header(command, name, value)
                .encode(version, &mut out)
                .expect_err("not writable");
            assert_eq!(
                (refused.command, refused.version, refused.name.as_str()),
                (command, version, name)
            );
            assert_eq!(out, b"before");
        }
    }
}
