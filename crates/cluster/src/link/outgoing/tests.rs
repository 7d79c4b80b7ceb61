use super::*;

fn send(outgoing: &mut Outgoing, now: Instant) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(next) = outgoing.take(now) {
        match next {
            Next::New { number, batch } => {
                outgoing.keep(batch.envelopes.clone().into(), &batch, now);
                numbers.push(number);
            }
            Next::Again { number, .. } => numbers.push(number),
        }
    }
    numbers
}

fn gather(outgoing: &mut Outgoing, now: Instant, bytes: usize) -> Position {
    outgoing
        .gather(now, now, |out| out.resize(out.len() + bytes, 0))
        .expect("room")
}

fn confirm(outgoing: &mut Outgoing, seen: (u64, u64), now_so: bool, now: Instant) -> Restart {
    outgoing.confirmed(seen, now_so, now, |_| ())
}

#[test]
fn a_confirmed_frame_says_how_long_its_first_envelope_took_and_does_so_once() {
    let (mut outgoing, start) = (Outgoing::new(1), Instant::now());
    gather(&mut outgoing, start, 10);
    let later = start + Duration::from_millis(20);
    gather(&mut outgoing, later, 10);
    send(&mut outgoing, later);
    gather(&mut outgoing, later, 10);
    send(&mut outgoing, later);
    let mut told = Vec::new();
    let end = start + Duration::from_millis(30);
    for _ in 0..2 {
        outgoing.confirmed((1, 2), true, end, |confirmed| told.push(confirmed));
    }
    let confirmed = |envelopes, millis| Confirmed {
        envelopes,
        after: Duration::from_millis(millis),
    };
    assert_eq!(told, [confirmed(2, 30), confirmed(1, 10)]);
}

#[test]
fn what_is_gathered_goes_as_one_frame_and_says_which() {
    let (mut outgoing, now) = (Outgoing::new(1), Instant::now());
    assert_eq!(gather(&mut outgoing, now, 10).number, 1);
    assert_eq!(gather(&mut outgoing, now, 10).number, 1);
    assert_eq!(send(&mut outgoing, now), [1]);
    assert_eq!(gather(&mut outgoing, now, 10).number, 2);
}

#[test]
fn a_frame_is_bounded_unless_one_envelope_is_larger() {
    let (mut outgoing, now) = (Outgoing::new(1), Instant::now());
    let numbers =
        [200_000, 100_000, 900_000, 5].map(|bytes| gather(&mut outgoing, now, bytes).number);
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(send(&mut outgoing, now), [1, 2, 3, 4]);
}

#[test]
fn unconfirmed_frames_are_repeated_in_order_with_doubling_pauses() {
    let (mut outgoing, start) = (Outgoing::new(1), Instant::now());
    for _ in 0..3 {
        gather(&mut outgoing, start, 1);
        send(&mut outgoing, start);
    }
    assert_eq!(confirm(&mut outgoing, (1, 1), true, start), Restart::No);
    assert_eq!(send(&mut outgoing, start + RETRY_MIN), [2, 3]);
    assert!(send(&mut outgoing, start + RETRY_MIN * 2).is_empty());
    assert_eq!(send(&mut outgoing, start + RETRY_MIN * 3), [2, 3]);
    confirm(&mut outgoing, (1, 3), true, start);
    assert_eq!(outgoing.wake_at(), None);
    assert_eq!(outgoing.bytes(), 0);
}

#[test]
fn a_closed_window_gathers_and_opens_with_a_confirmation() {
    let (mut outgoing, now) = (Outgoing::new(1), Instant::now());
    for _ in 0..WINDOW + 10 {
        gather(&mut outgoing, now, 1);
        send(&mut outgoing, now);
    }
    assert_eq!(outgoing.wake_at(), Some(now + RETRY_MIN));
    confirm(&mut outgoing, (1, 1), true, now);
    assert_eq!(
        send(&mut outgoing, now),
        [WINDOW as u64 + 1],
        "all that was gathered, in one frame"
    );
}

#[test]
fn a_full_link_takes_nothing_until_everything_is_confirmed() {
    let (mut outgoing, now) = (Outgoing::new(1), Instant::now());
    while outgoing
        .gather(now, now, |out| out.resize(out.len() + 200_000, 0))
        .is_ok()
    {}
    assert!(outgoing.bytes() < LINK_BYTES_MAX + 400_000);
    // More than a window at first.
    let last = loop {
        let Some(last) = send(&mut outgoing, now).pop() else {
            break outgoing.next - 1;
        };
        if outgoing.batches.is_empty() {
            break last;
        }
        assert_eq!(confirm(&mut outgoing, (1, last), true, now), Restart::No);
    };
    assert_eq!(
        confirm(&mut outgoing, (1, last), true, now),
        Restart::Drained
    );
    outgoing.reset(2);
    assert_eq!(
        gather(&mut outgoing, now, 1),
        Position {
            generation: 2,
            number: 1
        }
    );
}

#[test]
fn only_what_went_out_may_be_published() {
    let (mut outgoing, now) = (Outgoing::new(1), Instant::now());
    let position = gather(&mut outgoing, now, 1);
    assert!(!outgoing.may_be_published(position));
    send(&mut outgoing, now);
    assert!(outgoing.may_be_published(position), "it is on its way");
    outgoing.published(1, 1, false);
    outgoing.pause(now);
    assert!(!outgoing.may_be_published(position));
    assert!(send(&mut outgoing, now).is_empty(), "it pauses");
    assert_eq!(send(&mut outgoing, now + Duration::from_millis(100)), [1]);
    outgoing.published(1, 1, true);
    assert!(outgoing.may_be_published(position));
}

#[test]
fn another_side_that_has_forgotten_everything_makes_the_link_start_again() {
    let (mut outgoing, now) = (Outgoing::new(1), Instant::now());
    gather(&mut outgoing, now, 1);
    send(&mut outgoing, now);
    assert_eq!(
        confirm(&mut outgoing, (0, 0), true, now),
        Restart::No,
        "it has not heard of us"
    );
    confirm(&mut outgoing, (1, 1), true, now);
    assert_eq!(
        confirm(&mut outgoing, (0, 0), true, now),
        Restart::Forgotten
    );
}

#[test]
fn a_side_that_waits_long_for_what_was_confirmed_before_has_forgotten_it() {
    let (mut outgoing, mut now) = (Outgoing::new(1), Instant::now());
    for _ in 0..4 {
        gather(&mut outgoing, now, 1);
        send(&mut outgoing, now);
    }
    confirm(&mut outgoing, (1, 3), true, now);
    assert_eq!(
        confirm(&mut outgoing, (1, 1), true, now),
        Restart::No,
        "it is late"
    );
    for _ in 0..8 {
        now += RETRY_MAX;
        assert_eq!(send(&mut outgoing, now), [4]);
    }
    assert_eq!(
        confirm(&mut outgoing, (1, 1), false, now),
        Restart::No,
        "a repeat"
    );
    assert_eq!(
        confirm(&mut outgoing, (1, 3), true, now),
        Restart::No,
        "it is next"
    );
    assert_eq!(
        confirm(&mut outgoing, (1, 1), true, now),
        Restart::Forgotten
    );
}

#[test]
fn a_confirmation_of_another_generation_or_of_the_future_is_ignored() {
    let (mut outgoing, now) = (Outgoing::new(2), Instant::now());
    gather(&mut outgoing, now, 1);
    send(&mut outgoing, now);
    confirm(&mut outgoing, (1, 1), true, now);
    confirm(&mut outgoing, (2, 7), true, now);
    assert!(outgoing.bytes() > 0);
}
