//! Any bytes, cut at any places, are no more than frames or a fault: the same ones as uncut, within the bounds, and what
//! was a frame is one again after it was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_stomp::{Decoder, Fault, Frame, Item, Limits, Version};

/// Small enough that inputs reach every bound.
const LIMITS: Limits = Limits {
    frame_bytes_max: 200,
    headers_max: 4,
    header_bytes_max: 60,
};

/// The version, the sizes of the pieces, over and over, and what comes in them.
type Input<'a> = (u8, [u8; 4], &'a [u8]);

/// Frames, the number of heart-beats, and what ended the stream.
type Outcome = (Vec<Frame<'static>>, usize, Option<Fault>);

fuzz_target!(|input: Input<'_>| {
    let (version, sizes, stream) = input;
    let version = match version % 3 {
        0 => Version::V1_0,
        1 => Version::V1_1,
        _ => Version::V1_2,
    };
    let whole = decode(LIMITS, version, [stream]);
    assert_eq!(decode(LIMITS, version, cut(stream, sizes)), whole);
    for frame in whole.0 {
        let mut written = Vec::new();
        frame
            .encode(version, &mut written)
            .expect("what was read can be written");
        // Escapes that the sender had left out, and the length, may take it beyond its bound.
        let again = decode(Limits::default(), version, [&written[..]]);
        assert_eq!(again, (vec![frame], 0, None));
    }
});

fn decode<'a>(
    limits: Limits,
    version: Version,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut decoder = Decoder::new(limits);
    decoder.set_version(version);
    let (mut frames, mut heart_beats) = (Vec::new(), 0);
    for mut input in pieces {
        loop {
            match decoder.read(&mut input) {
                Ok(Some(Item::Frame(frame))) => frames.push(frame.into_owned()),
                Ok(Some(Item::HeartBeat)) => heart_beats += 1,
                Ok(None) => break,
                Err(fault) => return (frames, heart_beats, Some(fault)),
            }
        }
        assert!(input.is_empty(), "a piece is used up");
        assert!(
            decoder.buffered() <= limits.frame_bytes_max,
            "{}",
            decoder.buffered()
        );
    }
    (frames, heart_beats, None)
}

fn cut(mut stream: &[u8], sizes: [u8; 4]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    for size in sizes.into_iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (piece, rest) = stream.split_at(stream.len().min(usize::from(size).max(1)));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}
