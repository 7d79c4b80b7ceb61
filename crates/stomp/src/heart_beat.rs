//! How often each side shows that it is alive (STOMP 1.2, «Heart-beating»).

use std::fmt;
use std::time::Duration;

/// What one side says in its `heart-beat` header; whole milliseconds, below 50 days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeartBeat {
    /// The shortest pause between two signs of life that it can promise; 0: it sends none.
    pub can_send_ms: u32,
    /// The pause that it would like the other side to keep to; 0: it wants none.
    pub wants_ms: u32,
}

/// What both sides do, as this side sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// Something is to be sent at least this often; a heart-beat where there is nothing else.
    pub send_every: Option<Duration>,
    /// Something will come at least this often, give or take the network: allow for more before giving up.
    pub expect_every: Option<Duration>,
}

impl HeartBeat {
    /// Reads the header; without one, nothing is promised and nothing wanted.
    pub fn parse(header: Option<&str>) -> Result<Self, BadHeartBeat> {
        let Some(header) = header else {
            return Ok(Self::default());
        };
        let (can_send, wants) = header.split_once(',').ok_or(BadHeartBeat)?;
        Ok(Self {
            can_send_ms: milliseconds(can_send)?,
            wants_ms: milliseconds(wants)?,
        })
    }

    /// What this side and the other one do, given what both said.
    pub fn agree(self, other: Self) -> Agreed {
        Agreed {
            send_every: pause(self.can_send_ms, other.wants_ms),
            expect_every: pause(other.can_send_ms, self.wants_ms),
        }
    }
}

impl fmt::Display for HeartBeat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{},{}", self.can_send_ms, self.wants_ms)
    }
}

/// Digits only: what Rust reads as a number may also begin with a `+`.
fn milliseconds(text: &str) -> Result<u32, BadHeartBeat> {
    let digits = text.trim();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadHeartBeat);
    }
    digits.parse().map_err(|_| BadHeartBeat)
}

fn pause(can_send_ms: u32, wants_ms: u32) -> Option<Duration> {
    let both = can_send_ms > 0 && wants_ms > 0;
    both.then(|| Duration::from_millis(can_send_ms.max(wants_ms).into()))
}

/// A `heart-beat` header that is not two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "heart-beat has to be two whole numbers of milliseconds from 0 to {}, with a comma between them, as in 10000,10000",
    u32::MAX
)]
pub struct BadHeartBeat;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<HeartBeat, BadHeartBeat> {
        HeartBeat::parse(Some(header))
    }

    fn said(header: &str) -> HeartBeat {
        read(header).expect("two numbers")
    }

    #[test]
    fn each_direction_keeps_to_the_longer_pause() {
        let agreed = said("5000,20000").agree(said("10000,8000"));
        assert_eq!(agreed.send_every, Some(Duration::from_secs(8)));
        assert_eq!(agreed.expect_every, Some(Duration::from_secs(20)));
    }

    #[test]
    fn a_zero_on_either_side_ends_that_direction_only() {
        for (ours, theirs) in [("0,10000", "10000,10000"), ("10000,10000", "10000,0")] {
            let agreed = said(ours).agree(said(theirs));
            assert_eq!(agreed.send_every, None, "{ours} {theirs}");
            assert_eq!(agreed.expect_every, Some(Duration::from_secs(10)));
        }
        for (ours, theirs) in [("10000,0", "10000,10000"), ("10000,10000", "0,10000")] {
            let agreed = said(ours).agree(said(theirs));
            assert_eq!(agreed.send_every, Some(Duration::from_secs(10)));
            assert_eq!(agreed.expect_every, None, "{ours} {theirs}");
        }
    }

    #[test]
    fn without_the_header_there_are_no_heart_beats() {
        let silent = HeartBeat::parse(None).expect("nothing to misread");
        assert_eq!(silent, said("0,0"));
        let agreed = said("10000,10000").agree(silent);
        assert_eq!((agreed.send_every, agreed.expect_every), (None, None));
    }

    #[test]
    fn what_is_not_two_whole_numbers_is_refused_with_an_example() {
        for header in [
            "",
            ",",
            "10000",
            "-1,0",
            "0,-1",
            "+1,0",
            "a,b",
            "1.5,0",
            "1,2,3",
            "4294967296,0",
        ] {
            let refused = read(header).expect_err(header);
            assert!(refused.to_string().ends_with("10000,10000"), "{refused}");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        assert_eq!(said("0, 10000").to_string(), "0,10000");
    }
}
