//! Version 1: a line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str;

use super::{Header, Malformed, begins_with};

const SIGNATURE: &[u8] = b"PROXY ";
/// With both ends in IPv6, or `UNKNOWN` and as much.
const LINE_BYTES_MAX: usize = 107;

pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    if begins_with(bytes, SIGNATURE)?.is_none() {
        return Ok(None);
    }
    let begin = &bytes[..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = begin.iter().position(|byte| *byte == b'\n') else {
        let is_too_long = begin.len() == LINE_BYTES_MAX;
        return if is_too_long || !is_text(begin.strip_suffix(b"\r").unwrap_or(begin)) {
            Err(Malformed::Line)
        } else {
            Ok(None)
        };
    };
    let line = begin[SIGNATURE.len()..end].strip_suffix(b"\r");
    let client = client(line.ok_or(Malformed::Line)?)?;
    Ok(Some(Header {
        len: end + 1,
        client,
    }))
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// What follows the signature, without the end of the line.
fn client(line: &[u8]) -> Result<Option<IpAddr>, Malformed> {
    let line = str::from_utf8(line)
        .ok()
        .filter(|line| is_text(line.as_bytes()));
    let line = line.ok_or(Malformed::Line)?;
    // What follows `UNKNOWN` is to be ignored.
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Ok(None);
    }
    let words: Vec<_> = line.split(' ').collect();
    let [kind, source, destination, source_port, destination_port] = words[..] else {
        return Err(Malformed::Line);
    };
    if !(is_port(source_port) && is_port(destination_port)) {
        return Err(Malformed::Line);
    }
    let client = match kind {
        "TCP4" => both::<Ipv4Addr>(source, destination),
        "TCP6" => both::<Ipv6Addr>(source, destination),
        _ => None,
    };
    client.map(Some).ok_or(Malformed::Line)
}

/// The source, where both ends are addresses of this kind.
fn both<A: str::FromStr + Into<IpAddr>>(source: &str, destination: &str) -> Option<IpAddr> {
    destination.parse::<A>().ok()?;
    Some(source.parse::<A>().ok()?.into())
}

/// Without sign and leading zeros.
fn is_port(text: &str) -> bool {
    let is_plain = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    is_plain && text.parse::<u16>().is_ok()
}
