use std::collections::BTreeMap;

use super::stream::REFUSED_MAX;
use super::*;

fn refused(reason: Reason) -> Judgement {
    Judgement::Answer(Answer::Refused(reason))
}

fn up_to(sender: PeerId, id: u64) -> Seen {
    BTreeMap::from([(sender, id)]).into()
}

fn listing(sender: PeerId, ids: &[u64]) -> Seen {
    let last = ids.iter().max().copied().unwrap_or(0);
    Seen {
        listed: Some(BTreeMap::from([(sender, ids.to_vec())])),
        ..up_to(sender, last)
    }
}

struct Rig {
    inbound: Inbound,
    sender: PeerId,
    receiver: PeerId,
    node: NodeId,
}

impl Rig {
    fn new() -> Self {
        Self {
            inbound: Inbound::default(),
            sender: PeerId::random(),
            receiver: PeerId::random(),
            node: NodeId::start("a"),
        }
    }

    fn judge(&mut self, id: u64) -> Judgement {
        self.inbound.judge(self.sender, 1, &self.node, id)
    }

    fn received(&mut self, id: u64) -> Vec<u64> {
        let answer = self.inbound.received(self.receiver, &self.sender, id);
        answer.map_or_else(Vec::new, |(_, receipt)| receipt.delivered.to_vec())
    }
}

#[test]
fn a_signal_that_is_turned_away_is_turned_away_again_when_it_comes_again() {
    let mut rig = Rig::new();
    let left = Some(Answer::Refused(Reason::Left));
    assert_eq!(
        rig.inbound.turn_away((rig.sender, 1), 1, Reason::Left),
        left
    );
    let again = rig.inbound.judge(rig.sender, 1, &rig.node, 1);
    assert_eq!(again, refused(Reason::Left), "back in the room");
    let next = rig.inbound.judge(rig.sender, 1, &rig.node, 2);
    assert_eq!(next, Judgement::HandOn);
    assert_eq!(
        rig.inbound.turn_away((rig.sender, 1), 2, Reason::Left),
        None
    );
}

#[test]
fn each_id_is_handed_on_once_and_a_repeat_gets_the_same_answer() {
    let mut rig = Rig::new();
    assert_eq!(rig.judge(5), Judgement::HandOn);
    assert_eq!(rig.judge(5), Judgement::Pending);
    rig.inbound.written(rig.receiver, &rig.sender, 5, false);
    assert_eq!(rig.received(5), [5]);
    assert_eq!(rig.judge(5), Judgement::Answer(Answer::Delivered));
    assert_eq!(rig.judge(6), Judgement::HandOn);
    rig.inbound.refuse(&rig.sender, 6, Reason::Overloaded);
    assert_eq!(rig.judge(6), refused(Reason::Overloaded));
}

#[test]
fn a_client_cannot_acknowledge_what_it_was_never_sent() {
    let mut rig = Rig::new();
    for id in 1..=4 {
        rig.judge(id);
    }
    assert_eq!(rig.received(9), [0; 0]);
    rig.inbound.written(rig.receiver, &rig.sender, 2, false);
    assert_eq!(rig.received(9), [1, 2]);
    assert_eq!(rig.received(9), [0; 0]);
}

#[test]
fn the_end_says_left_for_what_was_never_written_and_unconfirmed_for_the_rest() {
    let mut rig = Rig::new();
    for id in 1..=3 {
        rig.judge(id);
    }
    rig.inbound.written(rig.receiver, &rig.sender, 2, false);
    rig.received(1);
    let answers = rig.inbound.end((rig.receiver, 1), Fate::Left);
    let refused_ids: Vec<_> = answers
        .into_iter()
        .flat_map(|(_, receipt)| receipt.refused)
        .collect();
    assert_eq!(refused_ids, [(2, Reason::Unconfirmed), (3, Reason::Left)]);
    assert_eq!(rig.judge(4), refused(Reason::Left));
}

#[test]
fn a_lost_connection_says_what_its_client_may_have_and_what_it_cannot() {
    let mut rig = Rig::new();
    for id in 1..=3 {
        rig.judge(id);
    }
    rig.inbound.written(rig.receiver, &rig.sender, 2, false);
    rig.received(1);
    rig.inbound.end((rig.receiver, 1), Fate::Moved);
    let moved = |may_have| Judgement::Answer(Answer::Moved { may_have });
    assert_eq!(rig.judge(1), Judgement::Answer(Answer::Delivered));
    assert_eq!(
        [2, 3, 4].map(|id| rig.judge(id)),
        [moved(true), moved(false), moved(false)]
    );
}

#[test]
fn a_resumed_session_is_handed_only_what_is_above_what_it_has_seen() {
    let mut rig = Rig::new();
    rig.inbound = Inbound::resumed(up_to(rig.sender, 7));
    assert_eq!(rig.judge(7), Judgement::Answer(Answer::Delivered));
    assert_eq!(rig.judge(8), Judgement::HandOn);
}

#[test]
fn in_a_room_that_the_session_is_not_in_what_its_client_has_seen_may_have_been_refused() {
    let unconfirmed = Some(Answer::Refused(Reason::Unconfirmed));
    let mut rig = Rig::new();
    rig.inbound = Inbound::resumed(up_to(rig.sender, 7));
    assert_eq!(rig.judge(8), Judgement::HandOn);
    rig.inbound.written(rig.receiver, &rig.sender, 8, true);
    let turned_away = |rig: &mut Rig, id| rig.inbound.turn_away((rig.sender, 1), id, Reason::Left);
    assert_eq!(turned_away(&mut rig, 7), unconfirmed);
    assert_eq!(turned_away(&mut rig, 8), Some(Answer::Delivered));
    // Its next connection tells, if there is one.
    for (fate, answer) in [
        (Fate::Left, unconfirmed),
        (Fate::Moved, Some(Answer::Moved { may_have: true })),
    ] {
        let recall = |id| {
            let untouched = fate.of_untouched();
            rig.inbound.recall(&rig.sender, id, (fate, untouched))
        };
        assert_eq!([7, 8].map(recall), [answer, Some(Answer::Delivered)]);
    }
}

#[test]
fn what_a_sender_left_behind_at_its_former_node_is_not_handed_on() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.inbound.judge(rig.sender, 2, &rig.node, 1),
        Judgement::HandOn
    );
    assert_eq!(
        rig.inbound.judge(rig.sender, 1, &rig.node, 2),
        Judgement::Stale
    );
}

#[test]
fn what_the_client_has_seen_counts_also_from_a_sender_that_it_has_yet_to_meet_again() {
    let mut rig = Rig::new();
    rig.inbound = Inbound::resumed(up_to(rig.sender, 5));
    rig.inbound.keep_members(&HashSet::new());
    assert_eq!(rig.judge(5), Judgement::Answer(Answer::Delivered));
    assert_eq!(rig.judge(6), Judgement::HandOn);
}

#[test]
fn what_the_client_has_seen_from_people_elsewhere_is_bounded() {
    let seen: BTreeMap<_, _> = (0..1000).map(|_| (PeerId::random(), 1)).collect();
    let mut inbound = Inbound::resumed(seen.into());
    inbound.keep_members(&HashSet::new());
    assert_eq!(inbound.streams.len(), SEEN_ELSEWHERE_MAX);
}

#[test]
fn what_a_resumed_client_does_not_list_it_was_not_handed_whatever_came_after() {
    let mut rig = Rig::new();
    rig.inbound = Inbound::resumed(listing(rig.sender, &[5, 9, 3, 5]));
    let delivered = Judgement::Answer(Answer::Delivered);
    let answers = [2, 3, 4, 5, 8, 9].map(|id| rig.judge(id));
    let expected = [
        refused(Reason::Unconfirmed),
        delivered.clone(),
        refused(Reason::Left),
        delivered.clone(),
        refused(Reason::Left),
        delivered,
    ];
    assert_eq!(answers, expected);
    assert_eq!(rig.judge(10), Judgement::HandOn);
    // Also where the session is not in that room now.
    let turned_away = [4, 5].map(|id| {
        let sender = (rig.sender, 1);
        rig.inbound.turn_away(sender, id, Reason::NoSuchPeer)
    });
    let left = Some(Answer::Refused(Reason::Left));
    assert_eq!(turned_away, [left, Some(Answer::Delivered)]);
}

#[test]
fn what_was_handled_of_a_sender_that_is_not_listed_beside_others_is_not_known() {
    let mut rig = Rig::new();
    let mut seen = listing(PeerId::random(), &[1]);
    seen.up_to.insert(rig.sender, 7);
    rig.inbound = Inbound::resumed(seen);
    assert_eq!(rig.judge(7), refused(Reason::Unconfirmed));
    assert_eq!(rig.judge(8), Judgement::HandOn);
}

#[test]
fn what_is_listed_is_bounded_and_forgotten_behind_what_is_handed_on() {
    let mut rig = Rig::new();
    let ids: Vec<u64> = (1..=1000).map(|n| 2 * n).collect();
    rig.inbound = Inbound::resumed(listing(rig.sender, &ids));
    let listed = |rig: &Rig| rig.inbound.streams[&rig.sender].handed_on.len();
    assert_eq!(listed(&rig), HANDED_ON_MAX);
    assert_eq!(rig.judge(1999), refused(Reason::Left));
    for id in 2001..=2000 + HANDED_ON_MAX as u64 {
        rig.judge(id);
    }
    assert_eq!(listed(&rig), HANDED_ON_MAX);
    assert_eq!(rig.judge(1999), refused(Reason::Unconfirmed));

    let lists: BTreeMap<_, _> = (0..100).map(|_| (PeerId::random(), ids.clone())).collect();
    let inbound = Inbound::resumed(Seen {
        up_to: lists.keys().map(|sender| (*sender, 2000)).collect(),
        listed: Some(lists),
    });
    let listed: usize = inbound
        .streams
        .values()
        .map(|stream| stream.handed_on.len())
        .sum();
    assert_eq!(listed, LISTED_MAX);
}

#[test]
fn an_id_that_others_have_overtaken_is_not_told_as_delivered() {
    let mut rig = Rig::new();
    rig.judge(6);
    assert_eq!(rig.judge(5), refused(Reason::Overloaded));
}

#[test]
fn a_refusal_that_was_forgotten_is_not_told_as_delivered() {
    let mut rig = Rig::new();
    for id in 1..=REFUSED_MAX as u64 + 1 {
        rig.judge(id);
        rig.inbound.refuse(&rig.sender, id, Reason::Overloaded);
    }
    assert_eq!(rig.judge(1), refused(Reason::Unconfirmed));
    assert_eq!(rig.judge(2), refused(Reason::Overloaded));
}

#[test]
fn a_receiver_that_never_answers_is_bounded() {
    let mut rig = Rig::new();
    for id in 1..=PENDING_MAX as u64 {
        assert_eq!(rig.judge(id), Judgement::HandOn);
    }
    assert_eq!(
        rig.judge(PENDING_MAX as u64 + 1),
        refused(Reason::Overloaded)
    );
}
