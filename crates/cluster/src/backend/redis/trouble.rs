//! Why a connection is of no use: it is not there, or Redis does not do over it what clients need.

use fred::error::{Error, ErrorKind};

use super::words::{in_words, is_refusal};

/// What is wrong with a connection.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It does not answer.
    Absent(Error),
    /// It answers, and refuses something: which, and in which words.
    Refused(String),
    /// It answers, and brings nothing of what is published.
    Deaf,
}

impl Trouble {
    /// That command, in a script, was answered with that error. Redis 6 puts before it in which line: `@user_script: 23: -OOM …`.
    pub(super) fn refused(command: &str, answer: &str) -> Self {
        let line = answer.strip_prefix("@user_script: ");
        let words = line.and_then(|line| line.split_once(": "));
        let answer = words.map_or(answer, |(_, words)| words.trim_start_matches('-'));
        Self::Refused(format!(
            "it refuses what clients need: {command} ({answer})"
        ))
    }

    /// For an operator.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Absent(error) => in_words(error),
            Self::Refused(words) => words.clone(),
            Self::Deaf => "nothing is heard of what is published".into(),
        }
    }

    /// Whether it may help to make the connection again: it claims to be there, or leads to what was the master and is a
    /// replica now, and the address may lead elsewhere since.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Absent(error) => {
                *error.kind() == ErrorKind::Timeout || error.details().starts_with("MASTERDOWN ")
            }
            Self::Refused(words) => words.contains("READONLY "),
            Self::Deaf => true,
        }
    }

    /// Told by fred itself, where it is not connected; the reason follows as an event.
    pub(super) fn is_canceled(&self) -> bool {
        matches!(self, Self::Absent(error) if error.is_canceled())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        if is_refusal(&error) {
            Self::Refused(format!("it refuses what clients need: {}", error.details()))
        } else {
            Self::Absent(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_to_what_is_a_replica_now_is_made_anew() {
        let trouble = |details| Trouble::from(Error::new(ErrorKind::Unknown, details));
        let readonly = "READONLY You can't write against a read only replica.";
        assert!(trouble(readonly).is_silence());
        assert!(Trouble::refused("HSET", readonly).is_silence());
        assert!(trouble("MASTERDOWN Link with MASTER is down").is_silence());
        assert!(!trouble("OOM too much").is_silence());
        assert!(!trouble("LOADING Redis is loading").is_silence());
    }

    #[test]
    fn what_redis_6_answers_to_a_script_is_said_as_later_ones_say_it() {
        let words = |answer| Trouble::refused("HSET", answer).in_words();
        let said = "it refuses what clients need: HSET (OOM too much)";
        assert_eq!(words("OOM too much"), said);
        assert_eq!(words("@user_script: 23: -OOM too much"), said);
    }
}
