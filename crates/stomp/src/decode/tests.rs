use super::*;

/// Reads pieces until they are used up or wrong.
fn read(
    decoder: &mut Decoder,
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<Vec<Item<'static>>, Fault> {
    let mut items = Vec::new();
    for piece in pieces {
        let mut input = piece.as_ref();
        while let Some(item) = decoder.read(&mut input)? {
            items.push(match item {
                Item::Frame(frame) => Item::Frame(frame.into_owned()),
                Item::HeartBeat => Item::HeartBeat,
            });
        }
        assert_eq!(input, b"", "the piece is used up");
    }
    Ok(items)
}

fn decoder(version: Version) -> Decoder {
    let mut decoder = Decoder::new(Limits::default());
    decoder.set_version(version);
    decoder
}

fn decode(version: Version, bytes: impl AsRef<[u8]>) -> Result<Vec<Item<'static>>, Fault> {
    read(&mut decoder(version), [bytes])
}

/// The only frame in these bytes.
fn frame(version: Version, bytes: impl AsRef<[u8]>) -> Frame<'static> {
    let items = decode(version, bytes).expect("a frame");
    match <[Item<'_>; 1]>::try_from(items) {
        Ok([Item::Frame(frame)]) => frame,
        other => panic!("not one frame: {other:?}"),
    }
}

fn fault(bytes: impl AsRef<[u8]>) -> Fault {
    decode(Version::V1_2, bytes).expect_err("no frame")
}

#[test]
fn a_message_may_hold_several_frames() {
    let items = decode(Version::V1_2, "SEND\na:b\n\nhi\0DISCONNECT\n\n\0").expect("two frames");
    let hi = Frame::new(Command::Send).with("a", "b");
    assert_eq!(
        items,
        [
            Item::Frame(hi.with_body(&b"hi"[..])),
            Item::Frame(Frame::new(Command::Disconnect)),
        ]
    );
}

#[test]
fn a_frame_may_span_several_messages_cut_anywhere() {
    let bytes = "SEND\r\na:\\\\\r\ncontent-length:5\r\n\r\nh\0한\0".as_bytes();
    let whole = decode(Version::V1_2, bytes).expect("a frame");
    for cut in 0..=bytes.len() {
        let (front, back) = bytes.split_at(cut);
        let parts = read(&mut decoder(Version::V1_2), [front, back]);
        assert_eq!(parts.as_ref(), Ok(&whole), "cut at {cut}");
    }
}

#[test]
fn lines_end_with_lf_or_crlf_in_every_version() {
    for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
        let read = frame(version, "SEND\r\na:b\nc:d\r\n\r\nhi\r\n\0");
        assert_eq!((read.header("a"), read.header("c")), (Some("b"), Some("d")));
        assert_eq!(*read.body, *b"hi\r\n");
    }
}

#[test]
fn the_end_of_a_line_between_frames_is_a_heart_beat() {
    let items = decode(Version::V1_2, "\n\r\nDISCONNECT\n\n\0\n").expect("well formed");
    let disconnect = Item::Frame(Frame::new(Command::Disconnect));
    assert_eq!(
        items,
        [
            Item::HeartBeat,
            Item::HeartBeat,
            disconnect,
            Item::HeartBeat
        ]
    );
}

#[test]
fn of_a_repeated_header_the_first_counts() {
    let read = frame(Version::V1_2, "SEND\nfoo:World\nfoo:Hello\n\n\0");
    assert_eq!(read.header("foo"), Some("World"));
    let read = frame(
        Version::V1_2,
        "SEND\ncontent-length:2\ncontent-length:9\n\nhi\0",
    );
    assert_eq!(*read.body, *b"hi");
}

#[test]
fn content_length_counts_bytes_and_lets_the_body_hold_nul() {
    let read = frame(Version::V1_1, "SEND\ncontent-length:4\n\n한\0\0");
    assert_eq!(*read.body, *"한\0".as_bytes());
    assert_eq!(read.header("content-length"), None);
}

#[test]
fn without_content_length_the_body_ends_at_the_first_nul() {
    assert_eq!(*frame(Version::V1_2, "SEND\n\nhi\0").body, *b"hi");
    assert_eq!(fault("SEND\n\nhi\0there\0"), Fault::EndInHead);
}

#[test]
fn a_wrong_content_length_is_refused() {
    for length in ["-1", "+2", " 2", "two", "", "99999999999999999999"] {
        let bytes = format!("SEND\ncontent-length:{length}\n\nhi\0");
        assert_eq!(fault(bytes), Fault::ContentLength, "{length}");
    }
    let characters = "SEND\ncontent-length:1\n\n한\0";
    assert_eq!(fault(characters), Fault::NoNul(1));
}

#[test]
fn headers_lose_their_escapes_as_the_version_says() {
    let escaped = "SEND\na\\cb:\\n\\\\\n\n\0";
    for version in [Version::V1_1, Version::V1_2] {
        assert_eq!(frame(version, escaped).header("a:b"), Some("\n\\"));
    }
    let read = frame(Version::V1_0, escaped);
    assert_eq!(read.header("a\\cb"), Some("\\n\\\\"));
    let connect = frame(Version::V1_2, "CONNECT\npasscode:a\\tb\n\n\0");
    assert_eq!(connect.header("passcode"), Some("a\\tb"));
}

#[test]
fn an_undefined_escape_is_an_error_that_names_those_that_exist() {
    let refused = decode(Version::V1_1, "SEND\na:b\nc:\\r\n\n\0").expect_err("1.2 has it");
    assert_eq!(
        refused.to_string(),
        r"header 2 holds an undefined escape, a backslash before 'r'; STOMP 1.1 has \n, \c and \\"
    );
    assert_eq!(
        fault("SEND\na:b\\\n\n\0").to_string(),
        r"header 1 holds an undefined escape, a backslash at its end; STOMP 1.2 has \n, \c, \r and \\"
    );
}

#[test]
fn a_value_may_hold_colons_that_nobody_escaped() {
    let read = frame(Version::V1_2, "CONNECT\nhost:localhost:8080\n\n\0");
    assert_eq!(read.header("host"), Some("localhost:8080"));
    let read = frame(Version::V1_2, "SEND\na:b:c\n\n\0");
    assert_eq!(read.header("a"), Some("b:c"));
}

#[test]
fn spaces_around_headers_count_except_in_1_0() {
    let padded = "SEND\n a : b \n\n\0";
    assert_eq!(frame(Version::V1_2, padded).header(" a "), Some(" b "));
    assert_eq!(frame(Version::V1_1, padded).header(" a "), Some(" b "));
    assert_eq!(frame(Version::V1_0, padded).header("a"), Some("b"));
}

#[test]
fn a_version_is_in_force_from_the_frame_behind_connect() {
    let mut decoder = Decoder::new(Limits::default());
    let mut input = &b"CONNECT\n\n\0SEND\na:\\r\n\n\0"[..];
    let connect = decoder.read(&mut input).expect("a frame");
    assert_eq!(connect, Some(Item::Frame(Frame::new(Command::Connect))));
    decoder.set_version(Version::V1_0);
    let send = Frame::new(Command::Send).with("a", "\\r");
    assert_eq!(decoder.read(&mut input), Ok(Some(Item::Frame(send))));
}

#[test]
fn lines_that_are_no_headers_are_refused() {
    assert_eq!(fault("SEND\na:b\nnonsense\n\n\0"), Fault::NoColon(2));
    assert_eq!(fault("SEND\n:b\n\n\0"), Fault::NoName(1));
    assert_eq!(fault(b"SEND\na:\xff\n\n\0"), Fault::NotUtf8(1));
    assert_eq!(fault("SEND\na:b\rc\n\n\0"), Fault::CarriageReturn(1));
    assert_eq!(fault("SEND\na:b\0"), Fault::EndInHead);
}

#[test]
fn lines_that_are_no_commands_are_refused() {
    assert_eq!(fault("send\n\n\0"), Fault::UnknownCommand("send".into()));
    assert_eq!(fault(" SEND\n\n\0"), Fault::UnknownCommand(" SEND".into()));
    assert_eq!(fault("GET / HTTP/1.1\r\n"), Fault::NoCommand);
    assert_eq!(fault("\0"), Fault::EndInHead);
}

#[test]
fn only_some_frames_have_a_body_except_in_1_0() {
    let refused = Fault::BodyNotAllowed(Command::Subscribe);
    assert_eq!(fault("SUBSCRIBE\n\nhi\0"), refused);
    assert_eq!(fault("SUBSCRIBE\ncontent-length:2\n\nhi\0"), refused);
    assert_eq!(*frame(Version::V1_0, "SUBSCRIBE\n\nhi\0").body, *b"hi");
    assert_eq!(
        *frame(Version::V1_2, "ACK\ncontent-length:0\n\n\0").body,
        *b""
    );
}

fn small() -> Decoder {
    Decoder::new(Limits {
        frame_bytes_max: 30,
        headers_max: 2,
        header_bytes_max: 16,
    })
}

#[test]
fn a_frame_at_its_bounds_is_taken() {
    for bytes in [
        "SEND\n\n12345678901234567890123\0",
        "SEND\ncontent-length:6\n\n123456\0",
        "SEND\na:34567890123456\n\n123456\0",
        "SEND\na:1\nb:2\n\n\0",
    ] {
        let items = read(&mut small(), [bytes]).expect(bytes);
        assert_eq!(items.len(), 1, "{bytes}");
    }
}

#[test]
fn a_frame_beyond_a_bound_is_refused_as_soon_as_that_is_known() {
    for (bytes, fault) in [
        ("SEND\n\n123456789012345678901234", Fault::FrameTooLarge(30)),
        ("SEND\ncontent-length:7\n\n", Fault::FrameTooLarge(30)),
        (
            "SEND\na:345678901234567",
            Fault::HeaderTooLong {
                header: 1,
                bytes_max: 16,
            },
        ),
        ("SEND\na:1\nb:2\nc:3\n", Fault::TooManyHeaders(2)),
        (
            "SEND\na:34567890123456\nb:3456789",
            Fault::FrameTooLarge(30),
        ),
    ] {
        let bytes = bytes.as_bytes();
        let all_but_one = &bytes[..bytes.len() - 1];
        assert_eq!(read(&mut small(), [all_but_one]), Ok(Vec::new()), "{fault}");
        assert_eq!(read(&mut small(), [bytes]), Err(fault));
    }
}

#[test]
fn headers_that_are_not_kept_count_too() {
    let lengths = "SEND\ncontent-length:0\ncontent-length:0\ncontent-length:0\n\n\0";
    let mut decoder = Decoder::new(Limits {
        headers_max: 2,
        ..Limits::default()
    });
    assert_eq!(read(&mut decoder, [lengths]), Err(Fault::TooManyHeaders(2)));
}

#[test]
fn an_announced_body_takes_no_memory_before_it_comes() {
    let mut decoder = decoder(Version::V1_2);
    read(&mut decoder, ["SEND\ncontent-length:200000\n\nhi"]).expect("well formed");
    let begun = decoder.begun.as_ref().expect("a frame has begun");
    assert!(begun.body.capacity() < 100, "{}", begun.body.capacity());
    assert_eq!(decoder.buffered(), 2);
}

#[test]
fn after_an_error_there_is_only_that_error() {
    let mut decoder = decoder(Version::V1_2);
    let refused = read(&mut decoder, ["send\n"]).expect_err("no command");
    let mut input = &b"SEND\n\n\0"[..];
    assert_eq!(decoder.read(&mut input), Err(refused));
}

#[test]
fn a_body_that_came_in_one_piece_is_not_copied() {
    let mut decoder = decoder(Version::V1_2);
    read(&mut decoder, ["SEND\n"]).expect("well formed");
    let mut input = &b"a:b\n\nhi\0"[..];
    let Ok(Some(Item::Frame(frame))) = decoder.read(&mut input) else {
        panic!("not a frame")
    };
    assert!(matches!(frame.body, Cow::Borrowed(b"hi")));
}
