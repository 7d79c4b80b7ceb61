//! Overhears what a node says to Redis, with MONITOR.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};

use switchboard_testkit::RedisServer;

/// What the last word is that is overheard.
const END: &str = "the end of the story";

/// A connection that hears every command.
pub(super) struct Monitor(BufReader<TcpStream>);

impl Monitor {
    /// Listens from now on.
    pub(super) fn start(redis: &RedisServer) -> Self {
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).expect("it listens");
        stream.write_all(b"MONITOR\r\n").expect("it reads");
        let mut monitor = Self(BufReader::new(stream));
        assert_eq!(monitor.line(), "+OK");
        monitor
    }

    /// The words of every command up to now, but what scripts call.
    pub(super) fn heard(mut self, redis: &RedisServer) -> Vec<Vec<Vec<u8>>> {
        redis.call(&["ECHO", END]);
        let mut heard = Vec::new();
        loop {
            let line = self.line();
            let (head, command) = line.split_once("] ").expect("a command behind its client");
            let words = words(command.as_bytes());
            if words.iter().any(|word| word == END.as_bytes()) {
                return heard;
            }
            if !head.ends_with(" lua") {
                heard.push(words);
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("it goes on");
        line.trim_end_matches("\r\n").to_owned()
    }
}

/// Words in quotes, with the escapes that Redis writes (`sdscatrepr`).
fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut bytes = line.iter().copied();
    while bytes.any(|byte| byte == b'"') {
        let mut word = Vec::new();
        loop {
            match bytes.next().expect("a word ends with a quote") {
                b'"' => break,
                b'\\' => word.push(escaped(&mut bytes)),
                byte => word.push(byte),
            }
        }
        words.push(word);
    }
    words
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    match bytes.next().expect("something is escaped") {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'x' => {
            let digits: Vec<u8> = bytes.take(2).collect();
            let digits = std::str::from_utf8(&digits).expect("digits");
            u8::from_str_radix(digits, 16).expect("two hexadecimal digits")
        }
        byte => byte,
    }
}
