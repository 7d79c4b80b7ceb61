//! Memory and Redis go through the same random steps and must say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use fred::clients::Client;
use fred::interfaces::{HashesInterface, SetsInterface};
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{AssertMember, Attach, JoinRequest, Rename, TakeOver};
use switchboard_cluster::record::{Flags, MemberRecord, PeerRecord};
use switchboard_cluster::{Backend, Claim};
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};

use crate::people::{named, node, request, room};
use crate::redis_rooms::key;
use crate::stage::{Stage, open_buckets, within};

/// xorshift: the same steps in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn node(&mut self) -> NodeId {
        node(self.of(&["gw-a", "gw-b", "gw-c"]))
    }

    fn user(&mut self) -> UserId {
        self.of(&["alice", "bob %"]).parse().expect("a user id")
    }

    fn claim(&mut self) -> Claim {
        self.of(&[Claim::IfFree, Claim::FromSameUser, Claim::FromAnybody])
    }

    fn rooms(&mut self) -> Vec<RoomId> {
        let mut rooms = Vec::new();
        for name in ["a", "b:1", "c@2"] {
            if self.one_in(2) {
                rooms.push(name.parse().expect("a room id"));
            }
        }
        rooms
    }
}

/// A member to whom something may happen in a step, and how it claims its name.
struct Step {
    number: u64,
    capacity: u32,
    member: MemberRecord,
    claim: Option<Claim>,
}

impl Step {
    fn random(dice: &mut Dice, number: u64, peers: &[PeerId]) -> Self {
        let capacity = 2 + dice.below(3) as u32;
        let flags = Flags {
            hidden: dice.one_in(5),
            away: dice.one_in(2),
            resumable: dice.one_in(2),
            named: dice.one_in(2),
        };
        let claim = dice.one_in(2).then_some(dice.claim());
        let member = MemberRecord {
            peer: dice.of(peers),
            epoch: 1 + dice.below(3),
            node: dice.node(),
            // Of two with the same order either might make room for a third.
            order: if flags.hidden { 0 } else { 1000 + number * 10 },
            flags,
            user: dice.user(),
            joined_at: 1_700_000_000_000 + dice.below(3),
            profile: named(dice.of(&["anna", "ben", "carl"])),
            unread: None,
        };
        Self {
            number,
            capacity,
            member,
            claim,
        }
    }

    fn join(self, dice: &mut Dice) -> JoinRequest {
        let member = self.member;
        JoinRequest {
            epoch: member.epoch,
            node: member.node,
            user: member.user,
            flags: Flags {
                away: false,
                ..member.flags
            },
            capacity: self.capacity,
            may_create: !dice.one_in(8),
            profile: member.profile,
            claim: self.claim,
            whole: dice.one_in(2),
            ..request(member.peer, "gw-a")
        }
    }

    fn take_over(self, dice: &mut Dice) -> TakeOver {
        TakeOver {
            room: room(),
            peer: self.member.peer,
            epoch: self.member.epoch,
            node: self.member.node,
            away: self.member.flags.away,
            whole: dice.one_in(2),
        }
    }

    fn assert(self, dice: &mut Dice) -> AssertMember {
        AssertMember {
            room: room(),
            revision: dice.below(1 + self.number),
            ready: dice.below(1 + self.number),
            capacity: self.capacity,
            order_max: self.member.order + dice.below(3),
            lift: dice.below(4) == 0,
            own: dice.below(4) == 0,
            member: self.member,
        }
    }

    fn rename(self, dice: &mut Dice) -> Rename {
        Rename {
            room: room(),
            peer: self.member.peer,
            epoch: self.member.epoch,
            profile: self.member.profile,
            claim: dice.claim(),
        }
    }
}

/// One of the two.
struct Side {
    stage: Stage,
    backend: Backend,
    dice: Dice,
}

impl Side {
    async fn of(stage: Stage) -> Self {
        let backend = stage.node().await;
        Self {
            stage,
            backend,
            dice: Dice(0x5EED),
        }
    }

    /// Loses everything, or finds that enough was asserted.
    async fn maybe_forget(&mut self) {
        if self.dice.one_in(80) {
            self.stage.forget().await;
        } else if self.dice.one_in(15) {
            open_buckets(&self.backend).await;
        }
    }

    /// A step of a room, its answer as text without times.
    async fn room_step(&mut self, number: u64, peers: &[PeerId]) -> String {
        self.maybe_forget().await;
        let (dice, directory) = (&mut self.dice, &self.backend.directory);
        let what = dice.below(18);
        let step = Step::random(dice, number, peers);
        let (peer, epoch) = (step.member.peer, step.member.epoch);
        match what {
            0..5 => text(directory.join(&step.join(dice)).await),
            5..8 => text(directory.take_over(&step.take_over(dice)).await),
            8..11 => {
                let asserted = text(directory.assert_member(&step.assert(dice)).await);
                let closed = directory.closed_buckets().await;
                // Else nothing else could happen in a room that was behind.
                let opened = directory.open_bucket(Bucket::of(&room())).await;
                format!("{asserted} {closed:?} {opened:?}")
            }
            11..13 => text(directory.leave(&room(), &peer, epoch).await),
            13 => text(
                directory
                    .leave_kept(&room(), &peer, epoch, &step.member.node)
                    .await,
            ),
            14 => text(
                directory
                    .update(&room(), &peer, epoch, &step.member.profile)
                    .await,
            ),
            15..17 => text(directory.rename(&step.rename(dice)).await),
            _ => text(directory.roster(&room()).await),
        }
    }

    /// A step of a session.
    async fn peer_step(&mut self, peers: &[PeerId]) -> String {
        self.maybe_forget().await;
        let (dice, directory) = (&mut self.dice, &self.backend.directory);
        let what = dice.below(10);
        let epoch = 1 + dice.below(5);
        let record = PeerRecord {
            peer: dice.of(peers),
            node: dice.node(),
            epoch,
            proven: 1 + dice.below(epoch),
            user: dice.user(),
            credential: None,
            rooms: dice.rooms(),
        };
        let peer = record.peer;
        match what {
            0..3 => {
                let attach = Attach {
                    peer,
                    epoch,
                    node: record.node,
                    user: record.user,
                    credential: None,
                    shown: dice.one_in(2).then_some(record.proven),
                };
                text(directory.attach(&attach).await)
            }
            3..5 => text(directory.prove(&peer, epoch).await),
            5..7 => text(directory.assert_peer(&record).await),
            7 => {
                let room = dice.of(&["a", "d"]).parse().expect("a room id");
                let wanted = dice.one_in(2);
                text(directory.intend(&peer, epoch, &room, wanted).await)
            }
            8 => text(directory.forget(&peer, epoch).await),
            _ => text(directory.peer(&peer).await),
        }
    }
}

/// The answer as a heap of words: members and nodes come in any order, and the times of joins differ.
fn text(answer: impl Debug) -> String {
    let text = format!("{answer:?}");
    let mut words: Vec<_> = text.split([' ', ',', '[', ']', '{', '}']).collect();
    for at in 1..words.len() {
        if words[at - 1] == "joined_at:" {
            words[at] = "";
        }
    }
    words.sort_unstable();
    words.join(" ")
}

fn some_peers() -> Vec<PeerId> {
    (0..6).map(|_| PeerId::random()).collect()
}

/// Who holds a name, each once, as the fields of both directions agree.
async fn holders(client: &Client) -> BTreeSet<String> {
    let meta: BTreeMap<String, String> = client.hgetall(key("meta")).await.expect("HGETALL");
    let mut holders = BTreeSet::new();
    for (field, value) in &meta {
        if let Some(name) = field.strip_prefix("name:") {
            assert_eq!(
                meta.get(&format!("name_of:{value}")).map(String::as_str),
                Some(name)
            );
            assert!(holders.insert(value.clone()), "{value} holds two names");
        } else if let Some(peer) = field.strip_prefix("name_of:") {
            assert_eq!(
                meta.get(&format!("name:{value}")).map(String::as_str),
                Some(peer)
            );
        }
    }
    holders
}

/// Whose records say that they hold one.
async fn named_ones(client: &Client) -> BTreeSet<String> {
    let roster: BTreeMap<String, Vec<u8>> = client.hgetall(key("roster")).await.expect("HGETALL");
    let is_named = |record: &[u8]| {
        let flags = record.split(|&byte| byte == b' ').nth(4);
        flags.is_some_and(|flags| flags.ends_with(b"n"))
    };
    let named = roster.into_iter().filter(|(_, record)| is_named(record));
    named.map(|(peer, _)| peer).collect()
}

#[tokio::test]
async fn four_thousand_steps_of_a_room_agree_and_so_do_set_roster_and_names() {
    within(async {
        let redis = Stage::redis();
        let client = redis.raw().await;
        let (mut memory, mut redis) = (Side::of(Stage::memory()).await, Side::of(redis).await);
        let peers = some_peers();
        for number in 0..4000 {
            let expected = memory.room_step(number, &peers).await;
            let found = redis.room_step(number, &peers).await;
            assert_eq!(found, expected, "step {number}");
            let members: BTreeSet<String> =
                client.smembers(key("members")).await.expect("SMEMBERS");
            let records: BTreeSet<String> = client.hkeys(key("roster")).await.expect("HKEYS");
            assert_eq!(members, records, "step {number}");
            assert_eq!(
                holders(&client).await,
                named_ones(&client).await,
                "step {number}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn three_thousand_steps_of_sessions_agree() {
    within(async {
        let mut memory = Side::of(Stage::memory()).await;
        let mut redis = Side::of(Stage::redis()).await;
        let peers = some_peers();
        for number in 0..3000 {
            let expected = memory.peer_step(&peers).await;
            assert_eq!(redis.peer_step(&peers).await, expected, "step {number}");
        }
    })
    .await;
}
