//! Signals as the clients of the video tutorial write them, each with a number and the time at which it was sent.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::packet;

/// One offer after so many candidates.
const CANDIDATES_PER_OFFER: u64 = 5;
const SDP_BYTES: usize = 2500;
/// Stands where a signal's own stamp goes.
const PLACE: &str = "<stamp>";

/// What identifies a signal: the first words of its candidate or SDP, which no server reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) pair: usize,
    pub(super) number: u64,
    /// Since the run began; whole microseconds.
    pub(super) sent: Duration,
}

/// Writes frames to one receiver.
pub(super) struct Writer {
    candidate: Template,
    offer: Template,
}

/// A frame without its stamp.
struct Template {
    before: String,
    after: String,
}

impl Stamp {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            pair: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
            sent: Duration::from_micros(words.next()?.parse().ok()?),
        })
    }

    fn write(self) -> String {
        format!("{} {} {}", self.pair, self.number, self.sent.as_micros())
    }
}

impl Writer {
    pub(super) fn new(to: &str) -> Self {
        let candidate = format!(
            "{PLACE} candidate:1 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0"
        );
        let candidate = json!({"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0});
        let offer = json!({"type": "offer", "sdp": sdp()});
        Self {
            candidate: Template::new(packet::event(
                "video:ice-candidate",
                &json!({"to": to, "candidate": candidate}),
            )),
            offer: Template::new(packet::event(
                "video:offer",
                &json!({"to": to, "offer": offer}),
            )),
        }
    }

    pub(super) fn write(&self, stamp: Stamp) -> String {
        let is_offer = stamp.number % (CANDIDATES_PER_OFFER + 1) == CANDIDATES_PER_OFFER;
        let Template { before, after } = if is_offer {
            &self.offer
        } else {
            &self.candidate
        };
        format!("{before}{}{after}", stamp.write())
    }
}

impl Template {
    fn new(frame: String) -> Self {
        let parts = frame.split_once(PLACE);
        let (before, after) = parts.expect("the place of the stamp needs no escaping in JSON");
        Self {
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }
}

/// Lines such as a browser writes, up to the size of an offer of audio and video.
fn sdp() -> String {
    let head = format!("{PLACE}\r\nv=0\r\ns=-\r\nt=0 0\r\n");
    let line = "a=rtpmap:96 H264/90000\r\n";
    head + &line.repeat(SDP_BYTES / line.len())
}

/// The stamp of an event, if it is a signal from this peer.
pub(super) fn read(name: &str, argument: &str, from: &str) -> Option<Stamp> {
    let heard: Heard = serde_json::from_str(argument).ok()?;
    let text = match (name, heard.offer, heard.candidate) {
        ("video:offer", Some(offer), None) => offer.sdp,
        ("video:ice-candidate", None, Some(candidate)) => candidate.candidate,
        _ => return None,
    };
    Stamp::read(text.split("\r\n").next()?).filter(|_| heard.from == from)
}

#[derive(Deserialize)]
struct Heard<'a> {
    from: &'a str,
    #[serde(borrow)]
    offer: Option<Offer<'a>>,
    #[serde(borrow)]
    candidate: Option<Candidate<'a>>,
}

#[derive(Deserialize)]
struct Offer<'a> {
    #[serde(borrow)]
    sdp: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(borrow)]
    candidate: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socketio::packet::Packet;

    fn stamp(number: u64) -> Stamp {
        Stamp {
            pair: 3,
            number,
            sent: Duration::from_micros(1_234_567),
        }
    }

    /// A frame as its receiver gets it: the server has put `from` where `to` was.
    fn received(frame: &str) -> (String, String) {
        let frame = frame.replace(r#""to":"ben""#, r#""from":"ada""#);
        let Packet::Event(body) = packet::read(&frame) else {
            panic!("{frame} is an event");
        };
        let (name, argument) = packet::name_and_argument(body).expect("it has one argument");
        (name.to_owned(), argument.get().to_owned())
    }

    #[test]
    fn every_sixth_signal_is_an_offer_and_all_keep_their_stamps() {
        let writer = Writer::new("ben");
        let mut names = Vec::new();
        for number in 0..6 {
            let (name, argument) = received(&writer.write(stamp(number)));
            assert_eq!(read(&name, &argument, "ada"), Some(stamp(number)));
            names.push(name);
        }
        assert!(names[..5].iter().all(|name| name == "video:ice-candidate"));
        assert_eq!(names[5], "video:offer");
    }

    #[test]
    fn a_signal_from_somebody_else_is_not_taken() {
        let (name, argument) = received(&Writer::new("ben").write(stamp(0)));
        assert_eq!(read(&name, &argument, "eve"), None);
    }

    #[test]
    fn signals_have_the_sizes_of_real_ones() {
        let writer = Writer::new("0123456789abcdefghij");
        let sizes = [0, 5].map(|number| writer.write(stamp(number)).len());
        assert!((200..300).contains(&sizes[0]), "{sizes:?}");
        assert!((2500..3000).contains(&sizes[1]), "{sizes:?}");
    }
}
