//! What is wrong with a configuration, in the operator's words.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What the operator typed: a variable, a flag, or a key with its file and line.
    pub name: String,
    /// What is wrong with it, and what is allowed.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.problem)
    }
}

/// All of them.
#[derive(Debug)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "The configuration has a mistake:")?,
            many => write!(f, "The configuration has {many} mistakes:")?,
        }
        self.0
            .iter()
            .try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

/// For a name that is not known: which known one was probably meant, as the rest of a sentence.
pub(super) fn did_you_mean<S: AsRef<str>>(
    unknown: &str,
    known: impl IntoIterator<Item = S>,
) -> String {
    let distance_max = 1 + unknown.len() / 4;
    let close = |name: &str| {
        // A key without its group is recognised as well as a slip of the finger.
        let without_group = name
            .strip_suffix(unknown)
            .is_some_and(|group| group.ends_with('.'));
        let distance = if without_group {
            0
        } else {
            distance(unknown, name)
        };
        (distance <= distance_max).then_some(distance)
    };
    let nearest = known
        .into_iter()
        .filter_map(|name| Some((close(name.as_ref())?, name)));
    match nearest.min_by_key(|(distance, _)| *distance) {
        Some((_, name)) => format!("; did you mean `{}`?", name.as_ref()),
        None => String::new(),
    }
}

/// Levenshtein's: how many letters to insert, remove or change.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let changed = diagonal + usize::from(letter != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_suggested() {
        let known = [
            "listen",
            "session.heartbeat_ms",
            "session.heartbeat_timeout_ms",
            "redis.url",
        ];
        for (unknown, meant) in [
            ("lisen", "listen"),
            ("heartbeat_ms", "session.heartbeat_ms"),
            ("sesion.heartbeat_ms", "session.heartbeat_ms"),
            ("session.heartbeat", "session.heartbeat_ms"),
            ("redis_url", "redis.url"),
        ] {
            assert_eq!(
                did_you_mean(unknown, known),
                format!("; did you mean `{meant}`?"),
                "{unknown}"
            );
        }
        assert_eq!(did_you_mean("turn.secret", known), "");
    }

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
