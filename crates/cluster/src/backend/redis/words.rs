//! What fred says of an error, in words for an operator.

use fred::error::{Error, ErrorKind};
use tokio::time::Duration;

/// An answer that takes longer is none: callers have deadlines of their own.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);

/// fred's error for an operator. It never holds credentials: fred quotes what Redis said, and Redis does not repeat them.
pub(super) fn in_words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Timeout => format!("no answer within {} s", COMMAND_TIMEOUT.as_secs()),
        ErrorKind::Auth if !is_refusal(error) => {
            format!("the credentials are refused ({})", error.details())
        }
        ErrorKind::Canceled => "the connection is down".into(),
        _ => io_message(error.details()).to_owned(),
    }
}

/// fred prints an I/O error by `Debug`: `Os { code: 111, kind: ConnectionRefused, message: "Connection refused" }`, or one
/// of TLS, `Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) }`.
fn io_message(details: &str) -> &str {
    let between = |start, end| details.split_once(start)?.1.rsplit_once(end);
    between("message: \"", "\"")
        .or_else(|| between(", error: ", " }"))
        .map_or(details, |(message, _)| message)
}

/// Redis answered that it does not do this now, or not for this user. What was asked did not happen, unless it was a script.
pub(super) fn is_refusal(error: &Error) -> bool {
    ["NOPERM ", "OOM ", "NOREPLICAS ", "READONLY ", "MISCONF "]
        .iter()
        .any(|word| error.details().starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operating_systems_error_is_told_by_its_message() {
        let error = Error::from(std::io::Error::from_raw_os_error(111));
        assert_eq!(in_words(&error), "Connection refused");
        let tls = "Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) }";
        assert_eq!(
            in_words(&Error::new(ErrorKind::IO, tls)),
            "InvalidCertificate(UnknownIssuer)"
        );
        assert_eq!(
            in_words(&Error::new(ErrorKind::IO, "Connection closed.")),
            "Connection closed."
        );
    }
}
