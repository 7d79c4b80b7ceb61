//! Any bytes, taken for what a STOMP client says, are understood or refused, and what is told of them is frames.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| switchboard_dialects::fuzzing::stomp_messages(stream));
