//! The small part of Redis's protocol that the rig needs.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// A command without an answer within this time has failed.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection to a Redis on the loopback address.
pub(crate) struct Resp(Result<BufReader<TcpStream>>);

impl Resp {
    /// Connects; where that fails, every call does.
    pub(crate) fn connect(port: u16) -> Self {
        let connect = || {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            Ok(BufReader::new(stream))
        };
        Self(connect())
    }

    /// The answer as text, an array's elements one to a line. An error, of the connection or told by Redis, is a text
    /// that begins with `-`.
    pub(crate) fn call(&mut self, words: &[&str]) -> String {
        let stream = match &mut self.0 {
            Ok(stream) => stream,
            Err(error) => return format!("-{error}"),
        };
        ask(stream, words).unwrap_or_else(|error| format!("-{error}"))
    }

    /// The same, for a command that cannot fail.
    pub(crate) fn must(&mut self, words: &[&str]) -> String {
        let answer = self.call(words);
        assert!(!answer.starts_with('-'), "{words:?}: {answer}");
        answer
    }
}

fn ask(stream: &mut BufReader<TcpStream>, words: &[&str]) -> Result<String> {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.get_mut().write_all(command.as_bytes())?;
    read(stream)
}

fn read(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).unwrap_or(("-", "the end"));
    let count = || rest.parse::<usize>().unwrap_or_default();
    match kind {
        // A missing text has the length -1.
        "$" if rest == "-1" => Ok(String::new()),
        "$" => {
            let mut text = vec![0; count() + 2];
            stream.read_exact(&mut text)?;
            text.truncate(count());
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        "*" => {
            let elements: Result<Vec<_>> = (0..count()).map(|_| read(stream)).collect();
            Ok(elements?.join("\n"))
        }
        "-" => Ok(line.to_owned()),
        _ => Ok(rest.to_owned()),
    }
}
