//! Every order of polls, bodies, upgrades and closes.

mod at_random;
mod closing;
mod heartbeat;
mod polling;
mod upgrade;
mod web_socket;

use std::time::Duration;

use super::*;
use crate::refused::Refused;

const INTERVAL: Duration = Duration::from_secs(25);

const TIMEOUT: Duration = Duration::from_secs(20);

/// A session and the time of its test.
struct Bench {
    session: Session,
    now: Instant,
}

impl Bench {
    fn open(transport: Transport) -> Self {
        let now = Instant::now();
        let settings = Settings {
            ping_interval: INTERVAL,
            ping_timeout: TIMEOUT,
            max_payload: 100,
            outbox_bytes_max: 500,
            inbox_bytes_max: 500,
            ..Settings::default()
        };
        let session = Session::open(&Sid::random(), transport, Arc::new(settings), now);
        Self { session, now }
    }

    /// One that polls and has read its open packet.
    fn polling() -> Self {
        let mut bench = Self::open(Transport::Polling);
        assert!(bench.take().starts_with("0{"));
        bench
    }

    fn web_socket() -> Self {
        let mut bench = Self::open(Transport::WebSocket);
        assert!(
            matches!(bench.session.next_frame(), Some(Frame::Text(text)) if text.starts_with("0{"))
        );
        bench
    }

    /// One with a candidate that has been probed.
    fn probed() -> Self {
        let mut bench = Self::polling();
        assert!(bench.session.on_candidate(bench.now));
        let reply = Candidate::Reply(Frame::Text("3probe".into()));
        assert_eq!(bench.candidate("2probe"), reply);
        bench
    }

    fn poll(&mut self) -> Result<(), Refused> {
        self.session.on_poll(self.now)
    }

    fn answer(&mut self) -> Option<String> {
        self.session.answer(self.now)
    }

    /// The answer that is there, taken.
    fn take(&mut self) -> String {
        let answer = self.answer().expect("an answer");
        self.session.on_answer_taken();
        answer
    }

    fn post(&mut self, body: &str) -> Result<(), Refused> {
        self.session.on_post(self.now)?;
        self.session.on_body(body.as_bytes(), self.now)
    }

    fn candidate(&mut self, text: &str) -> Candidate {
        self.session.on_candidate_text(text, self.now)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.on_time(self.now);
    }

    fn heard(&mut self) -> Vec<Message<'static>> {
        std::iter::from_fn(|| self.session.receive()).collect()
    }

    fn frames(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.session.next_frame()).collect()
    }

    fn ending(&self) -> Option<Ending> {
        self.session.ending()
    }
}

fn text(text: &str) -> Message<'static> {
    Message::Text(text.to_owned().into())
}

#[test]
fn the_open_packet_says_how_the_session_works() {
    let sid = Sid::random();
    let settings = Arc::new(Settings::default());
    for (transport, upgrades) in [
        (Transport::Polling, r#"["websocket"]"#),
        (Transport::WebSocket, "[]"),
    ] {
        let packet = open_packet(&sid, transport, &settings);
        let expected = format!(
            r#"0{{"sid":"{}","upgrades":{upgrades},"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#,
            sid.as_str()
        );
        assert_eq!(packet, expected);
    }
}
