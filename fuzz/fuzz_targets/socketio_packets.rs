//! Any lines, taken for frames of Socket.IO, are understood or refused, and what is told of them is well-formed.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| switchboard_dialects::fuzzing::socketio_packets(stream));
