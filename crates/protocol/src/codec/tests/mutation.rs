//! Frames with bytes changed at random: nothing panics, and what is let in can be handed on.

use super::samples::{client_messages, offer, server_messages};
use super::*;
use crate::{Encoding, Payload};

const SEED: u64 = 0x5eed_0001;
const MUTATIONS: u64 = 20_000;

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_of<'t, T>(&mut self, things: &'t [T]) -> &'t T {
        &things[self.below(things.len())]
    }
}

/// Bytes that mean something in one of the encodings.
const TELLING: &[u8] = b"\"\\u{}[]:,0-9.eE\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc4\xc7\xca\xcb\xcf\xd3\xd4\xd9\xdc\xdd\xde\xdf\xff";

fn mutate(frame: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(frame.len());
        match random.below(5) {
            0 => frame.truncate(at),
            1 => frame.insert(at, *random.one_of(TELLING)),
            2 => frame.extend_from_within(at..),
            3 if !frame.is_empty() => frame[at] = random.next() as u8,
            _ if !frame.is_empty() => frame[at] = *random.one_of(TELLING),
            _ => {}
        }
    }
}

/// A payload that was let in can be written for any receiver, and read by him.
fn is_readable_everywhere(payload: Payload<&[u8]>) {
    let other = match payload.encoding {
        Encoding::Json => Encoding::MessagePack,
        Encoding::MessagePack => Encoding::Json,
    };
    let there = payload
        .transcode_to(other)
        .expect("what was let in has a counterpart");
    let there = Payload::new(other, there).expect("the counterpart is a payload");
    let back = there
        .transcode_to(payload.encoding)
        .expect("it has one, too");
    let back = Payload::new(payload.encoding, back).expect("and that is a payload");
    let there_again = back.transcode_to(other).expect("as before");
    assert_eq!(
        there_again, there.bytes,
        "the values are the same after a round"
    );
}

#[test]
fn mutated_client_frames_are_read_or_refused_and_what_is_read_can_be_handed_on() {
    let mut random = Random(SEED);
    let mut read = 0;
    for codec in Codec::ALL {
        let payload = offer(codec.encoding());
        let rich = rich_payload(codec.encoding());
        let mut frames = Vec::new();
        for payload in [payload.as_slice(), rich.as_slice()] {
            frames.extend(
                client_messages(payload)
                    .iter()
                    .map(|message| client_frame(codec, message)),
            );
        }
        for _ in 0..MUTATIONS {
            let mut frame = random.one_of(&frames).clone();
            mutate(&mut frame, &mut random);
            let Ok(message) = codec.decode(&frame) else {
                continue;
            };
            read += 1;
            if let ClientMessage::Signal(signal) = &message {
                is_readable_everywhere(signal.payload);
            }
            for receiver in Codec::ALL {
                receiver
                    .decode(&client_frame(receiver, &message))
                    .expect("it can be handed on");
            }
        }
    }
    assert!(
        read > MUTATIONS / 20,
        "the test would see nothing: {read} frames were read"
    );
}

#[test]
fn mutated_server_frames_are_read_or_refused() {
    let mut random = Random(SEED);
    for codec in Codec::ALL {
        let payload = rich_payload(codec.encoding());
        let messages = server_messages(payload.as_slice());
        let frames: Vec<_> = messages
            .iter()
            .map(|message| server_frame(codec, message))
            .collect();
        for _ in 0..MUTATIONS {
            let mut frame = random.one_of(&frames).clone();
            mutate(&mut frame, &mut random);
            if let Ok(message) = codec.decode_server(&frame) {
                server_frame(codec, &message);
            }
        }
    }
}

/// Of every type something.
fn rich_payload(encoding: Encoding) -> Payload<Vec<u8>> {
    let json = Payload {
        encoding: Encoding::Json,
        bytes: br#"{"a":[1,-2,3.5e10,"\u00e9\ud83d\ude00",null,true,{"b":{}}],"n":123456789012,"s":"\"\\"}"#,
    };
    let bytes = json.transcode_to(encoding).expect("a payload").into_owned();
    Payload { encoding, bytes }
}
