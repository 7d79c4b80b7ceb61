//! Any bytes, cut anywhere, are no more than a header of PROXY protocol, the beginning of one, or none: the answer that a part of
//! them gets is the one that all get, and a header is within its bound.

#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_proxy_protocol::{BYTES_MAX, read};

fuzz_target!(|bytes: &[u8]| {
    let whole = read(bytes);
    let first = (0..=bytes.len()).find_map(|end| read(&bytes[..end]).transpose());
    assert_eq!(first, whole.transpose());
    match whole {
        Ok(Some(header)) => assert!(header.len <= bytes.len().min(BYTES_MAX)),
        Ok(None) => assert!(bytes.len() < BYTES_MAX),
        Err(_) => {}
    }
});
