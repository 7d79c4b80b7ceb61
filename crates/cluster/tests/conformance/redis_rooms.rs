//! What the scripts leave in Redis, seen from outside.

use fred::clients::Client;
use fred::interfaces::{HashesInterface, KeysInterface, LuaInterface, SetsInterface};
use switchboard_cluster::bucket::Bucket;
use switchboard_cluster::directory::{JoinOutcome, JoinRequest};
use switchboard_cluster::{Backend, Claim};
use switchboard_protocol::PeerId;

use crate::people::{join, joined, leave, request, room};
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

fn claims(peer: PeerId) -> JoinRequest {
    JoinRequest {
        claim: Some(Claim::FromAnybody),
        ..request(peer, "gw-a")
    }
}

#[tokio::test]
async fn a_name_is_free_where_an_earlier_release_took_out_its_holder() {
    within(async {
        let (_stage, backend, client) = start().await;
        let [former, new] = [(); 2].map(|()| PeerId::random());
        join(&backend, &claims(former)).await;
        join(&backend, &request(PeerId::random(), "gw-b")).await;
        let (members, roster) = (key("members"), key("roster"));
        client
            .srem::<(), _, _>(members, former.as_str())
            .await
            .expect("SREM");
        client
            .hdel::<(), _, _>(roster, former.as_str())
            .await
            .expect("HDEL");
        let first_come = JoinRequest {
            claim: Some(Claim::IfFree),
            ..claims(new)
        };
        joined(&backend, &first_come).await;
        // What it left behind counts for nothing, either.
        joined(&backend, &request(former, "gw-a")).await;
        leave(&backend, former, 1).await;
        let again = JoinRequest {
            peer: former,
            ..first_come
        };
        let outcome = join(&backend, &again).await;
        assert_eq!(outcome, JoinOutcome::NameTaken);
        let fields: Vec<String> = client.hkeys(key("meta")).await.expect("HKEYS");
        let of_names = fields.iter().filter(|field| field.starts_with("name"));
        assert_eq!(of_names.count(), 2, "{fields:?}");
    })
    .await;
}

#[tokio::test]
async fn a_name_passes_from_a_record_of_another_version_as_from_any_other() {
    within(async {
        let (_stage, backend, client) = start().await;
        let [holder, new] = [(); 2].map(|()| PeerId::random());
        join(&backend, &claims(holder)).await;
        let later = "9 1 gw-z 1 --rn-x u 5 0:";
        client
            .hset::<(), _, _>(key("roster"), (holder.as_str(), later))
            .await
            .expect("HSET");
        let if_free = JoinRequest {
            claim: Some(Claim::IfFree),
            ..claims(new)
        };
        assert_eq!(join(&backend, &if_free).await, JoinOutcome::NameTaken);
        assert!(
            joined(&backend, &claims(new))
                .await
                .member(&holder)
                .is_none()
        );
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
