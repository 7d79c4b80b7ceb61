//! Whatever a native member may say is told to clients of every dialect, in frames that are well-formed.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| switchboard_dialects::fuzzing::native_signals(stream));
