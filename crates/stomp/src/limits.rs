//! Bounds on what a peer may send; STOMP 1.2, «Size Limits», leaves them to the server.

/// How large a frame may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A whole frame, from its command to its NUL, bytes. What a decoder keeps of an incomplete frame stays below this.
    pub frame_bytes_max: usize,
    /// The headers of a frame; repeated ones count.
    pub headers_max: usize,
    /// One header as it is sent, name and value with their escapes but without the end of the line, bytes.
    pub header_bytes_max: usize,
}

impl Default for Limits {
    /// Room for the longest token that a gateway takes, 16 KiB, in one header.
    fn default() -> Self {
        Self {
            frame_bytes_max: 262_144,
            headers_max: 64,
            header_bytes_max: 17 * 1024,
        }
    }
}
