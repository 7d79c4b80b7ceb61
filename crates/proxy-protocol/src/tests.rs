use proptest::prelude::*;

use super::*;

fn header(len: usize, client: Option<&str>) -> Result<Option<Header>, Malformed> {
    let client = client.map(|client| client.parse().expect("an address"));
    Ok(Some(Header { len, client }))
}

/// Version 2, with these bytes behind the signature.
fn v2(fixed: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a length");
    [
        b"\r\n\r\n\0\r\nQUIT\n",
        &fixed[..],
        &length.to_be_bytes(),
        payload,
    ]
    .concat()
}

const IPV4: [u8; 12] = [203, 0, 113, 9, 198, 51, 100, 1, 0xc8, 0x22, 0x01, 0xbb];

/// Whole headers as proxies send them.
fn good() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let ipv6 = [&[0x20, 0x01, 0x0d, 0xb8][..], &[0; 11], &[9], &[0; 20]].concat();
    let tlvs = [&IPV4[..], &[0x01, 0, 2, b'h', b'1', 0x04, 0, 3, 0, 0, 0]].concat();
    let longest = [&IPV4[..], &[0x04, 0x01, 0xf9], &[0; 505]].concat();
    let longest_line = format!("PROXY UNKNOWN {}\r\n", "f".repeat(91));
    let line = |line: &str, client| (line.as_bytes().to_vec(), client);
    vec![
        line(
            "PROXY TCP4 203.0.113.9 198.51.100.1 51234 443\r\n",
            Some("203.0.113.9"),
        ),
        line(
            "PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n",
            Some("255.255.255.255"),
        ),
        line(
            "PROXY TCP6 2001:db8::9 ::1 51234 443\r\n",
            Some("2001:db8::9"),
        ),
        line(
            "PROXY TCP6 ::ffff:203.0.113.9 ::1 1 2\r\n",
            Some("::ffff:203.0.113.9"),
        ),
        line("PROXY UNKNOWN\r\n", None),
        line("PROXY UNKNOWN ffff:f:f what ever\r\n", None),
        (longest_line.into_bytes(), None),
        (v2([0x21, 0x11], &IPV4), Some("203.0.113.9")),
        (v2([0x21, 0x21], &ipv6), Some("2001:db8::9")),
        (v2([0x21, 0x11], &tlvs), Some("203.0.113.9")),
        (v2([0x21, 0x11], &longest), Some("203.0.113.9")),
        // A health check, with and without addresses of whatever kind.
        (v2([0x20, 0x00], &[]), None),
        (v2([0x20, 0x11], &IPV4), None),
        (v2([0x20, 0xff], &[1, 2, 3]), None),
        // Nothing that could be counted.
        (v2([0x21, 0x00], &[]), None),
        (v2([0x21, 0x00], &[3, 0, 1, 7]), None),
        (v2([0x21, 0x12], &IPV4), None),
        (v2([0x21, 0x31], &[b'/'; 216]), None),
    ]
}

#[test]
fn headers_are_read_and_what_follows_is_left() {
    for (bytes, client) in good() {
        assert_eq!(read(&bytes), header(bytes.len(), client), "{bytes:?}");
        let followed = [&bytes[..], b"GET / HTTP/1.1\r\n\r\nPROXY UNKNOWN\r\n"].concat();
        assert_eq!(read(&followed), header(bytes.len(), client), "{bytes:?}");
    }
}

#[test]
fn every_beginning_of_a_header_is_incomplete() {
    for (bytes, _) in good() {
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), Ok(None), "{:?}", &bytes[..end]);
        }
    }
}

#[test]
fn what_is_no_header_is_refused() {
    let too_long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(92));
    for (bytes, why) in [
        (&b"GET / HTTP/1.1\r\n"[..], Malformed::Signature),
        (b"POST / HTTP/1.1\r\n", Malformed::Signature),
        (b"\x16\x03\x01\x02\x00", Malformed::Signature),
        (b"\r\n\r\n\0\r\nQUIT\r", Malformed::Signature),
        (b"\r\n\r\n\r\n", Malformed::Signature),
        (b"\0", Malformed::Signature),
        (b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", Malformed::Signature),
        (b"PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n", Malformed::Signature),
        (b"PROXY\r\n", Malformed::Signature),
        (b"PROXY \r\n", Malformed::Line),
        (b"PROXY TCP4\r\n", Malformed::Line),
        (b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 nowhere 1 2\r\n", Malformed::Line),
        (b"PROXY TCP4 ::1 ::1 1 2\r\n", Malformed::Line),
        (b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", Malformed::Line),
        (b"PROXY TCP6 [::1] ::1 1 2\r\n", Malformed::Line),
        (b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", Malformed::Line),
        (b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", Malformed::Line),
        (b"PROXY UNKNOWNX\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n", Malformed::Line),
        // Before its end has come.
        (b"PROXY TCP4 \xff", Malformed::Line),
        (b"PROXY TCP4 1.2.3.4\r ", Malformed::Line),
        (too_long.as_bytes(), Malformed::Line),
        (&too_long.as_bytes()[..107], Malformed::Line),
        (&v2([0x11, 0x11], &IPV4), Malformed::Kind),
        (&v2([0x31, 0x11], &IPV4), Malformed::Kind),
        (&v2([0x22, 0x11], &IPV4), Malformed::Kind),
        (b"\r\n\r\n\0\r\nQUIT\n\x01", Malformed::Kind),
        (&v2([0x21, 0x13], &IPV4), Malformed::Kind),
        (&v2([0x21, 0x41], &IPV4), Malformed::Kind),
        (&v2([0x21, 0x10], &IPV4), Malformed::Kind),
        (&v2([0x21, 0x11], &IPV4[..11]), Malformed::Length),
        (&v2([0x21, 0x21], &IPV4), Malformed::Length),
        (&v2([0x21, 0x31], &[0; 215]), Malformed::Length),
        (&v2([0x21, 0x11], &[]), Malformed::Length),
        (&v2([0x20, 0x00], &[0; 521]), Malformed::Length),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", Malformed::Length),
    ] {
        assert_eq!(
            read(bytes),
            Err(why),
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn a_header_that_is_too_long_is_refused_as_soon_as_its_length_has_come() {
    assert_eq!(read(&v2([0x20, 0x00], &[0; 520])), header(BYTES_MAX, None));
    assert_eq!(
        read(&v2([0x20, 0x00], &[0; 521])[..16]),
        Err(Malformed::Length)
    );
}

/// Parts of headers, and what no header has.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let wholes: Vec<_> = good().into_iter().map(|(bytes, _)| bytes).collect();
    let damaged = (
        prop::sample::select(wholes),
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        prop::collection::vec(any::<u8>(), 0..40),
    );
    let damaged = damaged.prop_map(|(mut bytes, changes, behind)| {
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes.extend(behind);
        bytes
    });
    prop_oneof![4 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..600)]
}

proptest! {
    /// However the bytes are cut, the answer is the same, and it does not change once it is given.
    #[test]
    fn an_answer_stands_whatever_comes_behind(bytes in stream()) {
        let whole = read(&bytes);
        let mut answered = false;
        for end in 0..=bytes.len() {
            match read(&bytes[..end]) {
                Ok(None) => prop_assert!(!answered),
                answer => {
                    answered = true;
                    prop_assert_eq!(answer, whole);
                }
            }
        }
        match whole {
            Ok(Some(header)) => prop_assert!(header.len <= bytes.len().min(BYTES_MAX)),
            Ok(None) => prop_assert!(bytes.len() < BYTES_MAX),
            Err(_) => {}
        }
    }
}
