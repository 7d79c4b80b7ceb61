//! What the scripts leave in Redis, seen from outside.

use fred::clients::Client;
use fred::interfaces::{HashesInterface, KeysInterface, LuaInterface};
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::{Backend, DirectoryError};
use switchboard_protocol::PeerId;

use crate::people::{join, leave, request, room};
use crate::stage::{Stage, within};

/// A key of the room that everybody here joins.
pub(crate) fn key(what: &str) -> String {
    format!(
        "sb:{{{}}}:room:{}:{what}",
        Bucket::of(&room()).tag(),
        room()
    )
}

async fn start() -> (Stage, Backend, Client) {
    let stage = Stage::redis();
    let (backend, client) = (stage.node().await, stage.raw().await);
    (stage, backend, client)
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
