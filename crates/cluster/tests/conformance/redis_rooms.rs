//! What the scripts leave in Redis, seen from outside.

use std::collections::BTreeSet;

use fred::clients::Client;
use fred::interfaces::{HashesInterface, KeysInterface, LuaInterface, SetsInterface};
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{JoinOutcome, JoinRequest};
use switchboard_cluster::record::{Flags, Profile, RosterSnapshot};
use switchboard_cluster::{Backend, DirectoryError};
use switchboard_protocol::PeerId;

use crate::people::{join, leave, request, room, roster};
use crate::stage::{Stage, raw, within};

fn key(what: &str) -> String {
    format!(
        "sb:{{{}}}:room:{}:{what}",
        Bucket::of(&room()).tag(),
        room()
    )
}

async fn start() -> (Stage, Backend, Client) {
    let stage = Stage::redis().await;
    let Stage::Redis(server) = &stage else {
        unreachable!("it was made as Redis")
    };
    let (backend, client) = (stage.node().await, raw(server).await);
    (stage, backend, client)
}

/// xorshift: the same steps in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// One step of either implementation, its answer as text without times.
async fn step(backend: &Backend, peers: &[PeerId], dice: &mut Dice) -> String {
    let peer = peers[dice.below(peers.len() as u64) as usize];
    let (epoch, what) = (1 + dice.below(3), dice.below(10));
    let on = ["gw-a", "gw-b", "gw-c"][dice.below(3) as usize];
    let flags = Flags {
        hidden: dice.below(5) == 0,
        away: false,
        resumable: dice.below(2) == 0,
    };
    let profile = Profile {
        name: Some(format!("name {}", dice.below(3)).into()),
        ..Profile::default()
    };
    let may_create = dice.below(8) > 0;
    match what {
        0..5 => {
            let request = JoinRequest {
                epoch,
                flags,
                profile,
                may_create,
                ..request(peer, on)
            };
            match join(backend, &request).await {
                JoinOutcome::Joined(snapshot) => format!("{:?}", timeless(snapshot)),
                outcome => format!("{outcome:?}"),
            }
        }
        5..8 => {
            let mut left = leave(backend, peer, epoch).await;
            left.nodes.sort_unstable();
            format!("{left:?}")
        }
        8 => {
            let outcome = backend
                .directory
                .update(&room(), &peer, epoch, &profile)
                .await;
            format!("{outcome:?}").replace("NodeId", "")
        }
        _ => format!("{:?}", timeless(roster(backend).await)),
    }
}

/// Without times, hidden members sorted by id: their order depends on times alone.
fn timeless(mut snapshot: RosterSnapshot) -> RosterSnapshot {
    for member in &mut snapshot.members {
        member.joined_at = 0;
    }
    snapshot
        .members
        .sort_unstable_by_key(|member| (member.order, member.peer));
    snapshot
}

#[tokio::test]
async fn two_thousand_random_steps_agree_with_memory_and_set_with_roster() {
    within(async {
        let (_stage, redis, client) = start().await;
        let memory = Stage::memory().node().await;
        let peers: Vec<_> = (0..6).map(|_| PeerId::random()).collect();
        let (mut here, mut there) = (Dice(0x5EED), Dice(0x5EED));
        for number in 0..2000 {
            let (expected, found) = (
                step(&memory, &peers, &mut here).await,
                step(&redis, &peers, &mut there).await,
            );
            assert_eq!(sorted(&found), sorted(&expected), "step {number}");
            let members: BTreeSet<String> =
                client.smembers(key("members")).await.expect("SMEMBERS");
            let records: BTreeSet<String> = client.hkeys(key("roster")).await.expect("HKEYS");
            assert_eq!(members, records, "step {number}");
        }
    })
    .await;
}

/// Nodes to tell come in any order.
fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<_> = text.split([' ', ',', '[', ']']).collect();
    words.sort_unstable();
    words
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() {
    within(async {
        let (_stage, backend, client) = start().await;
        let peer = PeerId::random();
        join(&backend, &request(peer, "gw-a")).await;
        client.script_flush(false).await.expect("SCRIPT FLUSH");
        assert!(leave(&backend, peer, 1).await.changed);
    })
    .await;
}

#[tokio::test]
async fn a_record_of_another_version_is_corrupt_and_stays_as_it_is() {
    within(async {
        let (_stage, backend, client) = start().await;
        let peer = PeerId::random();
        join(&backend, &request(peer, "gw-a")).await;
        let later = "9 1 gw-z 1 --- u 5 0:";
        client.hset::<(), _, _>(key("roster"), (peer.as_str(), later)).await.expect("HSET");
        let corrupt = |error| matches!(error, Err(DirectoryError::Corrupt(what)) if what.contains(peer.as_str()));
        assert!(corrupt(backend.directory.roster(&room()).await.map(drop)));
        assert!(corrupt(backend.directory.join(&request(peer, "gw-a")).await.map(drop)));
        assert!(corrupt(backend.directory.leave(&room(), &peer, 1).await.map(drop)));
        let kept: String = client.hget(key("roster"), peer.as_str()).await.expect("HGET");
        assert_eq!(kept, later);
    })
    .await;
}

#[tokio::test]
async fn a_room_that_is_gone_leaves_only_its_buckets_revision() {
    within(async {
        let (_stage, backend, client) = start().await;
        let peer = PeerId::random();
        join(&backend, &request(peer, "gw-a")).await;
        leave(&backend, peer, 1).await;
        for what in ["members", "roster", "meta"] {
            assert_eq!(
                client.exists::<u64, _>(key(what)).await.expect("EXISTS"),
                0,
                "{what}"
            );
        }
        let revision = format!("sb:{{{}}}:revision", Bucket::of(&room()).tag());
        assert_eq!(client.get::<u64, _>(revision).await.expect("GET"), 2);
    })
    .await;
}
