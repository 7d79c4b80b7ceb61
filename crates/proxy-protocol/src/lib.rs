//! The header in which a proxy says which client it connects for: PROXY protocol, versions 1 and 2.
//!
//! ```text
//! PROXY TCP4 203.0.113.9 198.51.100.1 51234 443\r\n             version 1, one line
//! \r\n\r\n\0\r\nQUIT\n  0x21 0x11  0x000c  addresses, ports      version 2
//! ```
//!
//! [`read`] looks at the bytes that have come so far. It refuses at the first byte that no header has there, so that what is
//! no header is not waited for, and it never looks behind the header. It does no I/O: whether the peer may be believed, how
//! long it may take, and that nothing behind the header is lost is its caller's business.
//!
//! The specification is `doc/proxy-protocol.txt` of haproxy. It allows version 2 to be 64 KiB long; here a header has
//! [`BYTES_MAX`] at most, which every IPv4 host takes in one segment and which has room for the addresses and usual TLVs.

mod binary;
#[cfg(test)]
mod tests;
mod text;

use std::net::IpAddr;

/// The longest header: 536 bytes, the segment that every IPv4 host takes (RFC 9293 section 3.7.1).
pub const BYTES_MAX: usize = 536;

/// A whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its length in bytes: what comes next begins there.
    pub len: usize,
    /// The client that the proxy connects for. `None`: the proxy connects for itself, as for a health check (`LOCAL`), or does
    /// not know (`UNKNOWN`, or a kind of address that is no TCP over IP).
    pub client: Option<IpAddr>,
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They do not begin as one.
    #[error("it does not begin as a PROXY header does")]
    Signature,
    /// A line of version 1 that breaks its grammar, or is longer than 107 bytes.
    #[error("its line is not as version 1 has it")]
    Line,
    /// A version, command, or kind of address that the specification does not have.
    #[error("it has a version, command or kind of address that is not specified")]
    Kind,
    /// Version 2 with more than [`BYTES_MAX`], or with fewer bytes than its addresses take.
    #[error("its length is wrong")]
    Length,
}

/// Reads the header at the beginning of `bytes`. `None`: it is not complete yet.
///
/// # Errors
/// The bytes are not the beginning of any header.
pub fn read(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(first) = bytes.first() else {
        return Ok(None);
    };
    match first {
        b'P' => text::read(bytes),
        _ => binary::read(bytes),
    }
}

/// Whether `bytes` begin with `expected`. `None`: so far they do.
fn begins_with(bytes: &[u8], expected: &[u8]) -> Result<Option<()>, Malformed> {
    let len = bytes.len().min(expected.len());
    if bytes[..len] != expected[..len] {
        return Err(Malformed::Signature);
    }
    Ok((len == expected.len()).then_some(()))
}
