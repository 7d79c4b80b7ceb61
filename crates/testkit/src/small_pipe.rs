//! A pipe that is full soon.

use std::io::{PipeReader, PipeWriter, pipe};

use rustix::pipe::fcntl_setpipe_size;

/// Bytes in the smallest pipe.
const BYTES: usize = 4096;

/// A pipe that holds 4 KiB, where the usual one holds 64.
pub fn small_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().expect("a pipe can be made");
    fcntl_setpipe_size(&writer, BYTES).expect("a pipe can be made smaller");
    (reader, writer)
}
