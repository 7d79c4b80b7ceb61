//! What polling requests carry: packets with 0x1e between them, bytes in base64.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::outbox::Frame;
use crate::packet::{BadPacket, Message, Packet};

pub(crate) const SEPARATOR: char = '\u{1e}';
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The packets of a body, one after another.
pub fn packets(body: &str) -> impl Iterator<Item = Result<Packet<'_>, BadPacket>> {
    body.split(SEPARATOR).map(decode)
}

fn decode(text: &str) -> Result<Packet<'_>, BadPacket> {
    let Some(base64) = text.strip_prefix('b') else {
        return Packet::decode(text);
    };
    let bytes = BASE64.decode(base64).map_err(|_| BadPacket)?;
    Ok(Packet::Message(Message::Binary(bytes.into())))
}

/// Bytes that a frame takes in a payload.
pub(crate) fn encoded_len(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) => 1 + 4 * bytes.len().div_ceil(3),
    }
}

/// Adds a frame to a payload.
pub(crate) fn encode(frame: &Frame, payload: &mut String) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
    match frame {
        Frame::Text(text) => payload.push_str(text),
        Frame::Binary(bytes) => {
            payload.push('b');
            BASE64.encode_string(bytes, payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Packet<'_> {
        Packet::Message(Message::Text(text.into()))
    }

    #[test]
    fn a_body_holds_packets_of_all_kinds() {
        let read: Result<Vec<_>, _> = packets("4hello\u{1e}bAQIDBA==\u{1e}3\u{1e}4").collect();
        let bytes = Packet::Message(Message::Binary(vec![1, 2, 3, 4].into()));
        assert_eq!(
            read,
            Ok(vec![text("hello"), bytes, Packet::Pong(""), text("")])
        );
        for body in [
            "",
            "\u{1e}",
            "4hello\u{1e}",
            "4\u{1e}\u{1e}4",
            "b!",
            "bA",
            "x",
        ] {
            assert!(packets(body).any(|packet| packet.is_err()), "{body:?}");
        }
    }

    #[test]
    fn base64_may_lack_its_padding() {
        let bytes = Packet::Message(Message::Binary(vec![1, 2, 3, 4].into()));
        assert_eq!(decode("bAQIDBA"), Ok(bytes));
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in(
            frames in prop::collection::vec(prop_oneof![
                "[^\u{1e}]{0,20}".prop_map(|text| Frame::Text(format!("4{text}"))),
                prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Frame::Binary(bytes.into())),
            ], 1..8),
        ) {
            let mut payload = String::new();
            let mut expected = frames.len() - 1;
            for frame in &frames {
                encode(frame, &mut payload);
                expected += encoded_len(frame);
            }
            prop_assert_eq!(payload.len(), expected);
            let read = packets(&payload).map(|packet| match packet {
                Ok(Packet::Message(Message::Text(text))) => Frame::Text(format!("4{text}")),
                Ok(Packet::Message(Message::Binary(bytes))) => Frame::Binary(Bytes::from(bytes.into_owned())),
                other => panic!("{other:?}"),
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), frames);
        }
    }
}
