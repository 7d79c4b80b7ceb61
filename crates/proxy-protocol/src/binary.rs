//! Version 2: bytes.

use std::net::IpAddr;

use super::{BYTES_MAX, Header, Malformed, begins_with};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, version and command, kind of address, and the length of what follows.
const FIXED_BYTES: usize = SIGNATURE.len() + 4;

/// The proxy connects for itself.
const LOCAL: u8 = 0x20;
/// It connects for somebody.
const PROXY: u8 = 0x21;

const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const UDP_OVER_IPV4: u8 = 0x12;
const TCP_OVER_IPV6: u8 = 0x21;
const UDP_OVER_IPV6: u8 = 0x22;
const UNIX_STREAM: u8 = 0x31;
const UNIX_DATAGRAM: u8 = 0x32;

pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    if begins_with(bytes, SIGNATURE)?.is_none() {
        return Ok(None);
    }
    let rest = &bytes[SIGNATURE.len()..];
    if rest
        .first()
        .is_some_and(|command| !matches!(*command, LOCAL | PROXY))
    {
        return Err(Malformed::Kind);
    }
    let [command, kind, high, low, ..] = *rest else {
        return Ok(None);
    };
    let payload_bytes = usize::from(u16::from_be_bytes([high, low]));
    let len = FIXED_BYTES + payload_bytes;
    let address_bytes = match (command, kind) {
        // What the addresses of LOCAL say is to be ignored.
        (LOCAL, _) | (_, UNSPECIFIED) => 0,
        (_, TCP_OVER_IPV4 | UDP_OVER_IPV4) => 12,
        (_, TCP_OVER_IPV6 | UDP_OVER_IPV6) => 36,
        (_, UNIX_STREAM | UNIX_DATAGRAM) => 216,
        _ => return Err(Malformed::Kind),
    };
    if len > BYTES_MAX || payload_bytes < address_bytes {
        return Err(Malformed::Length);
    }
    let Some(payload) = bytes.get(FIXED_BYTES..len) else {
        return Ok(None);
    };
    let client = match (command, kind) {
        (PROXY, TCP_OVER_IPV4) => source::<4>(payload).map(IpAddr::from),
        (PROXY, TCP_OVER_IPV6) => source::<16>(payload).map(IpAddr::from),
        _ => None,
    };
    Ok(Some(Header { len, client }))
}

/// The first of the addresses. Behind them are ports and TLVs, which say nothing that is needed here.
fn source<const N: usize>(payload: &[u8]) -> Option<[u8; N]> {
    payload.first_chunk().copied()
}
