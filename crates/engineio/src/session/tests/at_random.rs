//! Requests, frames and time in any order: what is said arrives once and in order, and what waits is bounded.

use proptest::prelude::*;

use super::*;
use crate::payload::packets;

#[derive(Debug, Clone)]
enum Step {
    Poll,
    Answer,
    AnswerTaken,
    Post(&'static str),
    Say,
    Candidate,
    CandidateText(&'static str),
    CandidateGone,
    Text(&'static str),
    Carry,
    Pass(u64),
    Hear,
}

fn step() -> impl Strategy<Value = Step> {
    let body = prop::sample::select(vec!["4x", "3", "4a\u{1e}4b\u{1e}bAQID", "6", "1", "abc"]);
    let probe = prop::sample::select(vec!["2probe", "2probe", "5", "5", "4x"]);
    prop_oneof![
        4 => Just(Step::Poll),
        4 => Just(Step::Answer),
        4 => Just(Step::AnswerTaken),
        1 => body.clone().prop_map(Step::Post),
        4 => Just(Step::Say),
        1 => Just(Step::Candidate),
        3 => probe.prop_map(Step::CandidateText),
        1 => Just(Step::CandidateGone),
        1 => body.prop_map(Step::Text),
        3 => Just(Step::Carry),
        1 => (0..12_u64).prop_map(Step::Pass),
        2 => Just(Step::Hear),
    ]
}

/// Numbers that a client reads out of what it is told.
fn numbers(told: &str) -> Vec<usize> {
    let read = packets(told).map(|packet| match packet.expect("a packet") {
        Packet::Message(Message::Text(number)) => Some(number.parse().expect("a number")),
        _ => None,
    });
    read.flatten().collect()
}

proptest! {
    #[test]
    fn in_order_once_and_bounded(steps in prop::collection::vec(step(), 1..150)) {
        let mut bench = Bench::polling();
        let (mut said, mut told) = (0, Vec::new());
        // The client polls again when it has read its answer.
        let mut answer = None;
        for step in steps {
            match step {
                Step::Poll if answer.is_none() && !bench.session.waiting => {
                    let _ = bench.poll();
                }
                Step::Answer if answer.is_none() => answer = bench.answer(),
                Step::AnswerTaken => if let Some(answer) = answer.take() {
                    told.extend(numbers(&answer));
                    bench.session.on_answer_taken();
                },
                Step::Post(body) => drop(bench.post(body)),
                Step::Say if bench.session.takes() && bench.ending().is_none() => {
                    bench.session.send_text(&said.to_string());
                    said += 1;
                }
                Step::Candidate => drop(bench.session.on_candidate(bench.now)),
                Step::CandidateText(text) => {
                    let verdict = bench.candidate(text);
                    prop_assert!(verdict != Candidate::Switch || text == "5");
                }
                Step::CandidateGone => bench.session.on_candidate_gone(),
                Step::Text(text) if bench.session.transport() == Transport::WebSocket => {
                    let _ = bench.session.on_text(text, bench.now);
                }
                Step::Carry => for frame in bench.frames() {
                    let Frame::Text(frame) = frame else { panic!("{frame:?}") };
                    told.extend(numbers(&frame));
                },
                Step::Pass(seconds) => {
                    bench.pass(Duration::from_secs(seconds));
                    prop_assert!(bench.session.wake_at() > bench.now || bench.ending().is_some());
                }
                Step::Hear => drop(bench.heard()),
                _ => {}
            }
            prop_assert!(told.iter().copied().eq(0..told.len()), "{told:?}");
            prop_assert!(told.len() <= said);
            prop_assert!(bench.session.waiting_bytes() < 1500);
        }
        // Whoever goes on hears all that was said.
        if bench.ending().is_none() {
            if let Some(answer) = answer.take() {
                told.extend(numbers(&answer));
                bench.session.on_answer_taken();
            }
            while bench.ending().is_none() && !bench.session.all_taken() {
                if !bench.session.waiting {
                    let _ = bench.poll();
                }
                if let Some(answer) = bench.answer() {
                    told.extend(numbers(&answer));
                    bench.session.on_answer_taken();
                }
                for frame in bench.frames() {
                    let Frame::Text(frame) = frame else { panic!("{frame:?}") };
                    told.extend(numbers(&frame));
                }
            }
            prop_assert!(told.into_iter().eq(0..said));
        }
    }
}
