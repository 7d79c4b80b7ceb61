//! Many polling sessions that say nothing, opened over one TCP connection.

use std::io::{Read, Write};
use std::net::TcpStream;

/// Opens them.
pub(crate) fn open_polling(stream: &mut TcpStream, sessions: usize) {
    open_polling_as(stream, sessions, |_| String::new());
}

/// The same with more header lines for each, by its number.
pub(crate) fn open_polling_as(
    stream: &mut TcpStream,
    sessions: usize,
    more: impl Fn(usize) -> String,
) {
    for ten in 0..sessions / 10 {
        let request = |one| {
            let more = more(ten * 10 + one);
            format!(
                "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"
            )
        };
        let requests: String = (0..10).map(request).collect();
        stream
            .write_all(requests.as_bytes())
            .expect("the gateway reads");
        let mut opened = 0;
        while opened < 10 {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).expect("the gateway answers");
            assert!(length > 0, "the gateway ended the connection");
            let text = String::from_utf8_lossy(&bytes[..length]);
            opened += text.matches("\"sid\"").count();
        }
    }
}
