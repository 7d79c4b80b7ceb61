//! Requests, frames and time in any order: a session of Engine.IO says each of its messages once and in order, hears no
//! more than it may keep, and its packets are what its client reads.

#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use switchboard_engineio::{
    Candidate, Frame, Message, Packet, Session, Settings, Sid, Transport, packets,
};

const BYTES_MAX: usize = 300;

/// What the client has been told, as numbers.
#[derive(Default)]
struct Client {
    heard: Vec<usize>,
}

impl Client {
    fn packet(&mut self, packet: Packet<'_>) {
        if let Packet::Message(Message::Text(number)) = packet {
            self.heard.push(number.parse().expect("a number"));
        }
    }

    fn payload(&mut self, payload: &str) {
        assert!(payload.len() <= BYTES_MAX, "{payload}");
        for packet in packets(payload) {
            self.packet(packet.expect("a packet"));
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let settings = Settings {
        max_payload: BYTES_MAX,
        outbox_bytes_max: BYTES_MAX,
        inbox_bytes_max: BYTES_MAX,
        ..Settings::default()
    };
    let mut now = Instant::now();
    let sid = Sid::random();
    let mut session = Session::open(&sid, Transport::Polling, Arc::new(settings), now);
    let (mut client, mut said) = (Client::default(), 0);
    // A client polls again only when it has its answer.
    let mut answering = None;
    for line in input.split(|byte| *byte == b'\n') {
        let Some((what, rest)) = line.split_first() else {
            continue;
        };
        let text = String::from_utf8_lossy(rest);
        match what % 12 {
            0 => drop(session.on_poll(now)),
            1 if answering.is_none() => answering = session.answer(now),
            1 | 2 => {
                if let Some(payload) = answering.take() {
                    client.payload(&payload);
                    session.on_answer_taken();
                }
            }
            3 => {
                if session.on_post(now).is_ok() {
                    let _ = session.on_body(rest, now);
                }
            }
            4 if session.takes() && session.ending().is_none() => {
                session.send_text(&said.to_string());
                said += 1;
            }
            5 => drop(session.on_candidate(now)),
            6 => {
                let verdict = session.on_candidate_text(&text, now);
                let has_switched = session.transport() == Transport::WebSocket;
                assert!(verdict != Candidate::Switch || has_switched && text.starts_with('5'));
            }
            7 if session.transport() == Transport::WebSocket => {
                session.on_text(&text, now);
            }
            8 => {
                if let Some(Frame::Text(frame)) = session.next_frame() {
                    client.packet(Packet::decode(&frame).expect("a packet"));
                }
            }
            9 => {
                now += Duration::from_secs(rest.len() as u64);
                session.on_time(now);
                assert!(session.wake_at() > now || session.ending().is_some());
            }
            10 => while session.receive().is_some() {},
            11 => session.on_candidate_gone(),
            _ => {}
        }
        let in_order = client.heard.iter().copied().eq(0..client.heard.len());
        assert!(in_order && client.heard.len() <= said, "{:?}", client.heard);
        // Of what is unread, one message may be too many; of what is unsaid, one message and what the session says itself.
        let bound = 2 * (BYTES_MAX + BYTES_MAX + Settings::MESSAGE_COST);
        assert!(
            session.waiting_bytes() <= bound,
            "{}",
            session.waiting_bytes()
        );
    }
});
