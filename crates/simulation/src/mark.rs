//! What the payload of every simulated signal begins with: whose it is, and which of that sender's. A receiver finds it
//! in whatever its dialect makes of the payload.

use switchboard_protocol::PeerId;

/// A sender, and the number of one of its signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) from: PeerId,
    pub(crate) id: u64,
}

const FROM: &str = "\"from\":\"";
const ID: &str = "\",\"id\":";

impl Mark {
    /// A payload that is so many bytes longer than the mark.
    pub(crate) fn payload(&self, bytes: usize) -> String {
        let Self { from, id } = self;
        let rest = "x".repeat(bytes);
        format!("{{{FROM}{from}{ID}{id},\"x\":\"{rest}\"}}")
    }

    /// The mark in what a client is told, if there is one: it is behind what the dialect says of sender and id.
    pub(crate) fn find(told: &str) -> Option<Self> {
        told.rmatch_indices(FROM).find_map(|(at, _)| {
            let (from, rest) = told[at + FROM.len()..].split_once(ID)?;
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            Some(Self {
                from: from.parse().ok()?,
                id: rest[..digits].parse().ok()?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_behind_whatever_a_dialect_says_first() {
        let from = PeerId::random();
        let mark = Mark { from, id: 17 };
        let payload = mark.payload(3);
        assert_eq!(Mark::find(&payload), Some(mark));
        let told = format!(r#"2["offer",{{"target":"t","from":"{from}","offer":{payload}}}]"#);
        assert_eq!(Mark::find(&told), Some(mark));
        let told = format!(r#"{{"type":"signal","from":"{from}","id":3,"payload":{payload}}}"#);
        assert_eq!(Mark::find(&told), Some(mark));
        for none in [
            "",
            r#""from":"#,
            r#"{"from":"x","id":7}"#,
            r#"2["a",{"from":"b"}]"#,
        ] {
            assert_eq!(Mark::find(none), None, "{none}");
        }
    }
}
