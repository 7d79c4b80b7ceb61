//! Network addresses, and the words with few choices.

use std::fmt::Display;
use std::net::SocketAddr;

use super::raw::shortened;
use super::setting::Word;
use super::{AuthMode, LogFormat};

/// `localhost` is taken for 127.0.0.1; other names are not looked up.
impl Word for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.into(),
        };
        numeric.parse().map_err(|_| {
            format!(
                "`{}` is not an address such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080",
                shortened(text)
            )
        })
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Word for AuthMode {
    fn read(text: &str) -> Result<Self, String> {
        one_of(text, &[Self::Open, Self::Required])
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Word for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        one_of(text, &[Self::Pretty, Self::Json])
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

fn one_of<T: Copy + Display>(text: &str, choices: &[T]) -> Result<T, String> {
    let chosen = choices.iter().find(|choice| choice.to_string() == text);
    chosen.copied().ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        format!(
            "`{}` is not one of {}",
            shortened(text),
            names.join(" and ")
        )
    })
}

/// Whether `text` is `host:port` with a port that one can connect to.
pub(super) fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let named = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    (bracketed || named) && port.parse::<u16>().is_ok_and(|port| port > 0)
}
