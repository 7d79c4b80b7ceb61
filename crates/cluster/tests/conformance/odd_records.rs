//! What somebody else wrote, or a later release: one odd item is skipped, and all else goes on.

use fred::clients::Client;
use fred::interfaces::{HashesInterface, KeysInterface, SetsInterface, StreamsInterface};
use switchboard_cluster::directory::{
    Admission, Admitted, AssertMember, AssertOutcome, Attach, AttachOutcome, JoinRequest,
    LeaveOutcome, NewRevocation, Presence, RevokeRequest, TakeOver, TakeOverOutcome, UpdateOutcome,
};
use switchboard_cluster::leases::{NodeInfo, Renewal, SharedKey};
use switchboard_cluster::record::{PeerRecord, RosterSnapshot};
use switchboard_cluster::revocation::LogPosition;
use switchboard_cluster::{Backend, DirectoryError, Format};
use switchboard_protocol::{NodeId, PeerId, UserId};

use crate::assertions;
use crate::people::{enter, join, joined, leave, named, node, request, room, roster, update};
use crate::redis_rooms::key;
use crate::stage::{Stage, within};

const LOG: &str = "sb:{revoked}:log";
/// Of a later release: further flags, and a tail that nobody here can open.
const LATER: &str = "9 1 gw-z 1 --r-xy somebody 5 7:{later}";

async fn start() -> (Stage, Backend, Client) {
    let stage = Stage::redis();
    let (backend, client) = (stage.node().await, stage.raw().await);
    (stage, backend, client)
}

async fn hset(client: &Client, key: &str, field: &str, value: &[u8]) {
    let set = client.hset::<(), _, _>(key, (field, value));
    set.await.expect("HSET");
}

async fn record(client: &Client, peer: PeerId) -> String {
    let text = client.hget(key("roster"), peer.as_str());
    text.await.expect("HGET")
}

/// A room with one whom this release wrote, and one whose record is `record`.
async fn room_with(record: &[u8]) -> (Stage, Backend, Client, PeerId, PeerId) {
    let (stage, backend, client) = start().await;
    let ((plain, _), (odd, _)) = (enter(&backend, "gw-a").await, enter(&backend, "gw-z").await);
    hset(&client, &key("roster"), odd.as_str(), record).await;
    (stage, backend, client, plain, odd)
}

fn peers(roster: &RosterSnapshot) -> Vec<PeerId> {
    let mut peers: Vec<_> = roster.members.iter().map(|member| member.peer).collect();
    peers.sort_unstable();
    peers
}

fn sorted<const N: usize>(mut peers: [PeerId; N]) -> [PeerId; N] {
    peers.sort_unstable();
    peers
}

#[tokio::test]
async fn a_member_of_another_version_is_listed_without_its_tail_and_the_room_is_open() {
    within(async {
        let (_stage, backend, client, plain, odd) = room_with(LATER.as_bytes()).await;
        let (new, seen) = enter(&backend, "gw-b").await;
        assert_eq!(peers(&seen), sorted([plain, odd, new]));
        let member = seen.member(&odd).expect("it is listed");
        assert_eq!((member.node.as_str(), member.order), ("gw-z", 1));
        assert_eq!(member.profile, Default::default());
        assert!(member.unread.is_some() && member.flags.resumable);
        let left = leave(&backend, plain, 1).await;
        assert!(left.nodes.contains(&node("gw-z")), "{left:?}");
        assert_eq!(record(&client, odd).await, LATER);
        assert!(leave(&backend, odd, 1).await.changed);
        assert_eq!(peers(&roster(&backend).await), [new]);
    })
    .await;
}

#[tokio::test]
async fn whoever_moves_a_member_of_another_version_keeps_what_it_cannot_read() {
    within(async {
        let (_stage, backend, client, _, odd) = room_with(LATER.as_bytes()).await;
        let wish = TakeOver {
            room: room(),
            peer: odd,
            epoch: 2,
            node: node("gw-a"),
            away: true,
            whole: true,
        };
        let taken = backend.directory.take_over(&wish).await.unwrap();
        assert!(matches!(
            taken,
            TakeOverOutcome::Taken { changed: true, .. }
        ));
        let moved = "9 2 gw-a 1 -ar-xy somebody 5 7:{later}";
        assert_eq!(record(&client, odd).await, moved);
        // Its profile is not to be written over by somebody who knows only a part of it.
        let (room, other) = (room(), named("other"));
        let updated = backend.directory.update(&room, &odd, 2, &other).await;
        assert!(
            matches!(updated, Err(DirectoryError::Corrupt(_))),
            "{updated:?}"
        );
        assert_eq!(record(&client, odd).await, moved);
        // A join says everything again.
        let again = JoinRequest {
            epoch: 3,
            ..request(odd, "gw-a")
        };
        let member = joined(&backend, &again)
            .await
            .member(&odd)
            .cloned()
            .unwrap();
        assert_eq!((member.profile, member.unread), (named("somebody"), None));
    })
    .await;
}

#[tokio::test]
async fn a_member_of_another_version_that_was_forgotten_is_written_again_as_it_was() {
    within(async {
        let (_stage, backend, client, _, odd) = room_with(LATER.as_bytes()).await;
        let seen = roster(&backend).await;
        let known = AssertMember {
            order_max: 2,
            ..assertions::of(&seen, seen.member(&odd).expect("it is listed"))
        };
        for what in ["members", "roster", "meta"] {
            client.del::<(), _>(key(what)).await.expect("DEL");
        }
        let asserted = backend.directory.assert_member(&known).await.unwrap();
        assert!(matches!(asserted, AssertOutcome::Restored { .. }));
        assert_eq!(record(&client, odd).await, LATER);
    })
    .await;
}

#[tokio::test]
async fn only_a_member_whose_head_cannot_be_read_is_left_out_and_not_taken_for_gone() {
    for lost in [
        &b"odd"[..],
        b"",
        b"1 99999999999999999999 gw-z 1 --r- u 5 0:",
        b"\xff\xfe",
        b"2 1 gw-z",
    ] {
        within(async {
            let (_stage, backend, _, plain, odd) = room_with(lost).await;
            let (new, seen) = enter(&backend, "gw-b").await;
            assert_eq!(peers(&seen), sorted([plain, new]));
            assert!(seen.unreadable == [odd] && seen.lists(&odd));
            assert_eq!(seen.revision, 3);
        })
        .await;
    }
}

#[tokio::test]
async fn a_lost_record_is_written_again_by_whoever_it_is_of() {
    within(async {
        let (_stage, backend, client, plain, odd) = room_with(b"odd").await;
        assert_eq!(
            update(&backend, odd, 1, &named("x")).await,
            UpdateOutcome::NotAMember
        );
        let wish = TakeOver {
            room: room(),
            peer: odd,
            epoch: 1,
            node: node("gw-z"),
            away: false,
            whole: true,
        };
        let taken = backend.directory.take_over(&wish).await;
        assert_eq!(taken, Ok(TakeOverOutcome::NotAMember));
        let seen = joined(&backend, &request(odd, "gw-z")).await;
        assert_eq!(peers(&seen), sorted([plain, odd]));
        assert_eq!(seen.capacity, 4, "it took one place, not two");

        hset(&client, &key("roster"), odd.as_str(), b"odd").await;
        let known = AssertMember {
            order_max: 9,
            ..assertions::of(&seen, seen.member(&odd).expect("it is listed"))
        };
        let asserted = backend.directory.assert_member(&known).await.unwrap();
        assert!(matches!(asserted, AssertOutcome::Restored { .. }));
        assert!(roster(&backend).await.member(&odd).is_some());

        hset(&client, &key("roster"), odd.as_str(), b"odd").await;
        let left: LeaveOutcome = leave(&backend, odd, 1).await;
        assert!(left.changed, "{left:?}");
        assert!(leave(&backend, plain, 1).await.changed);
        let keys = ["members", "roster", "meta"].map(key);
        assert_eq!(client.exists::<u64, _>(keys.to_vec()).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn fields_that_are_nobodys_are_skipped() {
    within(async {
        let (_stage, backend, client) = start().await;
        let (peer, _) = enter(&backend, "gw-a").await;
        hset(&client, &key("roster"), "odd", b"odd").await;
        hset(&client, &key("roster"), "\u{fe}", b"\xff").await;
        let (new, seen) = enter(&backend, "gw-b").await;
        assert_eq!(peers(&seen), sorted([peer, new]));
        assert_eq!(seen.unreadable, []);
    })
    .await;
}

#[tokio::test]
async fn numbers_of_a_room_that_are_none_start_again() {
    within(async {
        let (_stage, backend, client) = start().await;
        let (first, _) = enter(&backend, "gw-a").await;
        for field in ["revision", "ready", "capacity", "order", "hidden"] {
            hset(&client, &key("meta"), field, b"odd").await;
        }
        let (second, seen) = enter(&backend, "gw-b").await;
        assert_eq!(peers(&seen), sorted([first, second]));
        assert_eq!((seen.revision, seen.capacity), (1, 4));
        leave(&backend, first, 1).await;
        assert!(leave(&backend, second, 1).await.changed);
    })
    .await;
}

#[tokio::test]
async fn a_key_of_another_type_closes_one_room_and_says_which() {
    within(async {
        let (_stage, backend, client) = start().await;
        enter(&backend, "gw-a").await;
        client
            .set::<(), _, _>(key("roster"), "odd", None, None, false)
            .await
            .expect("SET");
        let error = backend
            .directory
            .join(&request(PeerId::random(), "gw-a"))
            .await;
        assert!(
            matches!(error, Err(DirectoryError::Corrupt(_))),
            "{error:?}"
        );
        let mut elsewhere = request(PeerId::random(), "gw-a");
        elsewhere.room = "another".parse().unwrap();
        join(&backend, &elsewhere).await;
    })
    .await;
}

fn info() -> NodeInfo {
    NodeInfo {
        ops_address: "10.0.0.7:9090".into(),
        version: "0.1.0".into(),
        format: Format::OWN,
        started_at: 1,
    }
}

async fn registered(backend: &Backend, name: &str) -> NodeId {
    let id = node(name);
    let entered = backend.leases.register(&id, &info()).await;
    assert_eq!(entered, Ok(true));
    id
}

#[tokio::test]
async fn an_odd_field_of_the_table_of_nodes_hides_no_other() {
    within(async {
        let (_stage, backend, client) = start().await;
        let a = registered(&backend, "gw-a").await;
        hset(&client, "sb:nodes", "odd", b"not a number").await;
        hset(&client, "sb:nodes", "b{d", b"1").await;
        hset(&client, "sb:nodes", "gw-c", b"1 b{d").await;
        hset(&client, "sb:nodes", "gw-d", b"\xff").await;
        let table = backend.leases.read().await.unwrap();
        assert!(table.len() == 1 && table[0].node == a, "{table:?}");
        assert_eq!(
            backend.leases.claim(&table[0], &node("gw-b")).await,
            Ok(true)
        );
    })
    .await;
}

#[tokio::test]
async fn a_node_mends_its_own_lease_with_a_counter_above_all_before() {
    within(async {
        let (_stage, backend, client) = start().await;
        let a = registered(&backend, "gw-a").await;
        for odd in [&b"odd"[..], b"7 b{d", b"", b"99999999999999999999", b"\xff"] {
            hset(&client, "sb:nodes", "gw-a", odd).await;
            let Ok(Renewal::Renewed { counter, .. }) = backend.leases.renew(&a, &0).await else {
                panic!("it is renewed");
            };
            assert!(counter > 1_000_000, "{counter}");
            let next = backend.leases.renew(&a, &0).await;
            let (was, counter) = (counter, counter + 1);
            assert_eq!(next, Ok(Renewal::Renewed { counter, was }));
        }
        client.del::<(), _>("sb:nodes").await.unwrap();
        let set = client.set::<(), _, _>("sb:nodes", "odd", None, None, false);
        set.await.expect("SET");
        assert!(matches!(
            backend.leases.renew(&a, &0).await,
            Ok(Renewal::Renewed { .. })
        ));
        assert_eq!(backend.leases.read().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_a_node_tells_of_itself_may_be_odd() {
    within(async {
        let (_stage, backend, client) = start().await;
        let a = registered(&backend, "gw-a").await;
        hset(&client, "sb:node:gw-a", "later", b"\xff").await;
        assert_eq!(backend.leases.info(&a).await, Ok(Some(info())));
        hset(&client, "sb:node:gw-a", "started_at", b"yesterday").await;
        assert_eq!(backend.leases.info(&a).await, Ok(None));
        client.del::<(), _>("sb:node:gw-a").await.expect("DEL");
        let set = client.set::<(), _, _>("sb:node:gw-a", "odd", None, None, false);
        set.await.expect("SET");
        assert_eq!(backend.leases.info(&a).await, Ok(None));
    })
    .await;
}

#[tokio::test]
async fn an_odd_key_of_the_cluster_is_replaced_by_the_one_that_a_node_has() {
    let offered = SharedKey {
        key: [7; 32],
        generation: 3,
        former: None,
    };
    within(async {
        let (_stage, backend, client) = start().await;
        for (key, generation) in [("odd", "9"), ("", ""), (&*"g".repeat(64), "1")] {
            hset(&client, "sb:cluster", "key", key.as_bytes()).await;
            hset(&client, "sb:cluster", "generation", generation.as_bytes()).await;
            assert_eq!(backend.leases.cluster_key(&offered).await, Ok(offered));
        }
        hset(&client, "sb:cluster", "generation", b"odd").await;
        assert_eq!(backend.leases.cluster_key(&offered).await, Ok(offered));
        client.del::<(), _>("sb:cluster").await.unwrap();
        let set = client.set::<(), _, _>("sb:cluster", "odd", None, None, false);
        set.await.expect("SET");
        assert_eq!(backend.leases.cluster_key(&offered).await, Ok(offered));
    })
    .await;
}

fn attach(peer: PeerId, epoch: u64, on: &str, shown: Option<u64>) -> Attach {
    Attach {
        peer,
        epoch,
        node: node(on),
        user: UserId::anonymous(&peer),
        credential: None,
        shown,
    }
}

#[tokio::test]
async fn an_odd_field_of_a_session_costs_that_field() {
    within(async {
        let (_stage, backend, client) = start().await;
        let directory = &backend.directory;
        let peer = PeerId::random();
        let key = format!("sb:{{peer:{peer}}}");
        directory
            .attach(&attach(peer, 1, "gw-a", None))
            .await
            .unwrap();
        assert_eq!(directory.intend(&peer, 1, &room(), true).await, Ok(true));
        hset(&client, &key, "room:a\u{1}b", b"").await;
        hset(&client, &key, "later", b"\xff").await;
        let record: PeerRecord = directory.peer(&peer).await.unwrap().expect("it is known");
        assert_eq!(record.rooms, [room()]);
        let resumed = directory.attach(&attach(peer, 2, "gw-b", Some(1))).await;
        let former = Some((node("gw-a"), 1));
        let rooms = vec![room()];
        assert_eq!(resumed, Ok(AttachOutcome::Attached { former, rooms }));
    })
    .await;
}

#[tokio::test]
async fn a_session_whose_owner_cannot_be_read_is_unknown_and_can_be_resumed_and_asserted() {
    within(async {
        let (_stage, backend, client) = start().await;
        let directory = &backend.directory;
        for field in ["epoch", "node", "proven", "user"] {
            let peer = PeerId::random();
            let key = format!("sb:{{peer:{peer}}}");
            directory
                .attach(&attach(peer, 1, "gw-a", None))
                .await
                .unwrap();
            hset(&client, &key, field, b"b{d\xff").await;
            let known = directory.peer(&peer).await.unwrap();
            assert_eq!(known, None, "{field}");
            let resumed = directory.attach(&attach(peer, 2, "gw-b", Some(1))).await;
            assert!(
                matches!(resumed, Ok(AttachOutcome::Attached { .. })),
                "{field}: {resumed:?}"
            );
            hset(&client, &key, field, b"b{d\xff").await;
            let record = PeerRecord {
                peer,
                node: node("gw-b"),
                epoch: 3,
                proven: 3,
                user: UserId::anonymous(&peer),
                credential: None,
                rooms: vec![room()],
            };
            directory.assert_peer(&record).await.unwrap();
            assert_eq!(directory.peer(&peer).await, Ok(Some(record)), "{field}");
            assert_eq!(directory.forget(&peer, 3).await, Ok(true));
        }
    })
    .await;
}

#[tokio::test]
async fn odd_sessions_noted_for_a_node_are_skipped() {
    within(async {
        let (_stage, backend, client) = start().await;
        let peer = PeerId::random();
        let directory = &backend.directory;
        directory.enlist(&node("gw-a"), &peer).await.unwrap();
        for odd in [&b"odd"[..], b"", b"\xff\xff\xff"] {
            let added = client.sadd::<(), _, _>("sb:{node:gw-a}:peers", odd);
            added.await.expect("SADD");
        }
        assert_eq!(directory.enlisted(&node("gw-a")).await, Ok(vec![peer]));
    })
    .await;
}

/// Whoever takes a session with an earlier release leaves the note there that the session was away.
#[tokio::test]
async fn a_note_that_a_session_is_away_counts_for_its_epoch_alone() {
    within(async {
        let (_stage, backend, client) = start().await;
        let (peer, a, b) = (PeerId::random(), node("gw-a"), node("gw-b"));
        let directory = &backend.directory;
        let coming = Attach {
            peer,
            epoch: 1,
            node: a.clone(),
            user: UserId::anonymous(&peer),
            credential: None,
            shown: None,
        };
        directory.attach(&coming).await.expect("it is new");
        let is_away = async |epoch| {
            let presence = directory.presence(&peer).await.expect("it answers");
            matches!(presence, Presence::Away { epoch: of, .. } if of == epoch)
        };
        directory.note_away(&peer, 1, &a).await.expect("it is a's");
        assert!(is_away(1).await);
        let hash = format!("sb:{{peer:{peer}}}");
        hset(&client, &hash, "epoch", b"2").await;
        assert_eq!(directory.presence(&peer).await, Ok(Presence::Live));
        assert_eq!(directory.evict(&peer, 2, &b).await, Ok(None));
        directory.note_away(&peer, 2, &a).await.expect("it is a's");
        assert!(is_away(2).await);
        // As an earlier release writes it.
        hset(&client, &hash, "away", b"1790000000000000").await;
        assert_eq!(directory.presence(&peer).await, Ok(Presence::Live));
        assert_eq!(directory.evict(&peer, 2, &b).await, Ok(None));
        directory.note_away(&peer, 2, &a).await.expect("it is a's");
        assert_eq!(directory.evict(&peer, 2, &b).await, Ok(Some(a)));
    })
    .await;
}

#[tokio::test]
async fn odd_entries_of_the_log_of_revocations_are_skipped_and_another_key_in_its_place_is_none() {
    within(async {
        let (_stage, backend, client) = start().await;
        let add = async |fields: &[(&str, &str)]| {
            let fields = fields.to_vec();
            let added = client.xadd::<String, _, _, _, _>(LOG, false, None::<()>, "*", fields);
            added.await.expect("XADD");
        };
        let token = |id: &str| NewRevocation {
            request: RevokeRequest::Token(id.into()),
            kept_s: 3600,
        };
        add(&[("kind", "planet"), ("id", "mars"), ("until", "9")]).await;
        add(&[
            ("kind", "user"),
            ("id", "ada"),
            ("before", "soon"),
            ("until", "9999999999"),
        ])
        .await;
        add(&[("kind", "peer"), ("id", "short"), ("until", "9999999999")]).await;
        add(&[("colour", "red")]).await;
        let good = backend.directory.revoke(&token("good")).await;
        let good = good.expect("it answers").expect("it has room");
        let page = backend.directory.log_after(&LogPosition::default()).await;
        let page = page.expect("it answers");
        assert_eq!(page.entries, [good]);
        client.del::<(), _>(LOG).await.expect("DEL");
        hset(&client, LOG, "field", b"value").await;
        let page = backend.directory.log_after(&page.position).await;
        assert!(page.expect("it answers").from_start);
        let again = backend.directory.revoke(&token("again")).await;
        assert!(again.expect("it answers").is_some());
        // A cut-off that is none holds nobody up.
        hset(&client, "sb:{user:ada}:cutoff", "field", b"value").await;
        let ada: UserId = "ada".parse().expect("a user id");
        let admission = Admission {
            user: ada,
            peer: PeerId::random(),
            node: node("gw-a"),
            sessions_max: 5,
            issued_at: None,
        };
        let admitted = backend.directory.admit(&admission).await;
        assert_eq!(admitted, Ok(Admitted::Yes));
    })
    .await;
}
