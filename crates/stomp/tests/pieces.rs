//! However a stream is cut into pieces, the same comes out of it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use switchboard_stomp::{Command, Decoder, Fault, Frame, HEART_BEAT, Item, Limits, Version};

/// What came out, and what ended it.
type Outcome = (Vec<Item<'static>>, Option<Fault>);

fn decode<'a>(
    limits: Limits,
    version: Version,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut decoder = Decoder::new(limits);
    decoder.set_version(version);
    let mut items = Vec::new();
    for mut input in pieces {
        loop {
            match decoder.read(&mut input) {
                Ok(Some(Item::Frame(frame))) => items.push(Item::Frame(frame.into_owned())),
                Ok(Some(Item::HeartBeat)) => items.push(Item::HeartBeat),
                Ok(None) => break,
                Err(fault) => return (items, Some(fault)),
            }
        }
        assert!(input.is_empty() && decoder.buffered() <= limits.frame_bytes_max);
    }
    (items, None)
}

/// Cuts into pieces of these sizes, over and over.
fn cut<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(*size));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..40, 1..8)
}

fn versions() -> impl Strategy<Value = Version> {
    select(&[Version::V1_0, Version::V1_1, Version::V1_2][..])
}

/// Names and values as the version can write them in this frame.
fn headers(version: Version, command: Command) -> impl Strategy<Value = Vec<(String, String)>> {
    let escaped = !matches!(command, Command::Connect | Command::Connected);
    let (name, value) = match version {
        Version::V1_1 if escaped => (r"[a-c\\:\n 한]{1,6}", r"[a-c\\:\n 한]{0,12}"),
        Version::V1_2 if escaped => (r"[a-c\\:\n\r 한]{1,6}", r"[a-c\\:\n\r 한]{0,12}"),
        _ => (r"[a-c\\한]{1,6}", r"[a-c\\:한]{0,12}"),
    };
    vec((name, value), 0..5)
}

fn frames(version: Version) -> impl Strategy<Value = Frame<'static>> {
    let any_command = select(Command::ALL);
    any_command.prop_flat_map(move |command| {
        let body_bytes_max = match command {
            Command::Send | Command::Message | Command::Error => 60,
            _ => 0,
        };
        let parts = (
            headers(version, command),
            vec(any::<u8>(), 0..=body_bytes_max),
        );
        parts.prop_map(move |(headers, body)| {
            let mut frame = Frame::new(command).with_body(body);
            for (name, value) in headers {
                frame.headers.push(&name, &value);
            }
            frame
        })
    })
}

fn items(version: Version) -> impl Strategy<Value = Vec<Item<'static>>> {
    let item = prop_oneof![
        3 => frames(version).prop_map(Item::Frame),
        1 => Just(Item::HeartBeat),
    ];
    vec(item, 1..6)
}

fn encode(version: Version, items: &[Item<'_>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for item in items {
        match item {
            Item::Frame(frame) => frame.encode(version, &mut stream).expect("writable"),
            Item::HeartBeat => stream.extend_from_slice(HEART_BEAT.as_bytes()),
        }
    }
    stream
}

/// What looks like STOMP and mostly is not.
fn almost_frames() -> impl Strategy<Value = Vec<u8>> {
    let parts = select(
        &[
            "SEND\n",
            "CONNECT\r\n",
            "ACK\n",
            "SEN",
            "a:b\n",
            "c:\\r\n",
            "a:\\",
            "content-length:3\n",
            "content-length:",
            "4",
            ":",
            "\n",
            "\r\n",
            "\r",
            "\0",
            "xyz",
            "한",
            "\\",
        ][..],
    );
    vec(parts, 0..30).prop_map(|parts| parts.concat().into_bytes())
}

/// Small enough that random streams reach every bound.
const SMALL: Limits = Limits {
    frame_bytes_max: 48,
    headers_max: 3,
    header_bytes_max: 18,
};

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in(
        (version, items) in versions().prop_flat_map(|version| (Just(version), items(version))),
        sizes in sizes(),
    ) {
        let stream = encode(version, &items);
        let outcome = decode(Limits::default(), version, cut(&stream, &sizes));
        prop_assert_eq!(outcome, (items, None));
    }

    #[test]
    fn a_broken_stream_fails_in_the_same_way_however_it_is_cut(
        version in versions(),
        stream in almost_frames(),
        sizes in sizes(),
    ) {
        let whole = decode(SMALL, version, [&stream[..]]);
        prop_assert_eq!(decode(SMALL, version, cut(&stream, &sizes)), whole);
    }
}
