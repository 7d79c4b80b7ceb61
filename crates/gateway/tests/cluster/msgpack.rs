//! Clients that write differently understand each other.

use switchboard_client::Options;
use switchboard_protocol::{Codec, ErrorCode, PeerId};

use crate::support::{Cluster, Peer, hear, options, still_well};

const ROOM: &str = "mixed";

async fn pair(cluster: &Cluster) -> (Peer, Peer) {
    let mut json = Peer::in_room(&cluster.nodes[0], ROOM).await;
    let options = Options {
        codec: Codec::MessagePack,
        ..options(&cluster.nodes[1])
    };
    let mut packed = Peer::open(&options).await.expect("welcome");
    packed.join(ROOM).await;
    hear!(json, Ready);
    (json, packed)
}

/// What `to` reads, and that `from` was told so.
async fn pass(from: &mut Peer, to: &mut Peer, payload: &[u8]) -> Vec<u8> {
    let id = from.signal(ROOM, Some(to.id), "data", payload);
    let signal = hear!(to, Signal);
    to.connection.flush().await.expect("a receipt is written");
    assert_eq!(from.answers(1).await, [(id, to.id.to_string(), Ok(()))]);
    signal.payload.bytes.to_vec()
}

#[tokio::test]
async fn a_payload_reads_the_same_in_both_encodings() {
    let cluster = Cluster::start(2, &[]);
    let (mut json, mut packed) = pair(&cluster).await;
    let offer = pass(&mut json, &mut packed, br#"{"a": [1, null, "x"]}"#).await;
    assert_eq!(offer, b"\x81\xa1a\x93\x01\xc0\xa1x");
    let back = pass(&mut packed, &mut json, &offer).await;
    assert_eq!(back, br#"{"a":[1,null,"x"]}"#);
    // {"k": bin [1, 2, 3]}
    let bin = pass(&mut packed, &mut json, b"\x81\xa1k\xc4\x03\x01\x02\x03").await;
    assert_eq!(bin, br#"{"k":"AQID"}"#);

    packed.change_state(ROOM, r#"{"muted":true}"#).await;
    let state = hear!(json, MemberUpdated).state.clone().expect("a state");
    assert_eq!(state.as_json(), r#"{"muted":true}"#);
    for node in &cluster.nodes {
        still_well(node).await;
    }
}

#[tokio::test]
async fn what_one_encoding_lacks_is_refused_at_the_door() {
    let cluster = Cluster::start(2, &[]);
    let (mut json, mut packed) = pair(&cluster).await;
    // fixext 1, a map whose key is a number, NaN
    for (id, payload) in (100..).zip([
        &b"\xd4\x01\x00"[..],
        b"\x81\x01\x02",
        b"\xcb\x7f\xf8\0\0\0\0\0\0",
    ]) {
        packed.connection.feed_frame(&signal(json.id, id, payload));
        let error = hear!(packed, Error);
        assert_eq!(
            (error.re, error.code),
            (Some(id.into()), ErrorCode::BadMessage),
            "{error:?}"
        );
    }
    assert!(
        json.unasked()
            .await
            .iter()
            .all(|message| !matches!(message, switchboard_protocol::ServerMessage::Signal(_)))
    );
    // Ids rise from there.
    packed.connection.feed_frame(&signal(json.id, 110, b"\xc3"));
    packed.connection.flush().await.expect("the gateway reads");
    assert_eq!(&hear!(json, Signal).payload.bytes[..], b"true");
}

/// `{type: signal, id, room, to, kind: x, payload}` with the payload's bytes as they are.
fn signal(to: PeerId, id: u8, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0x86];
    for (key, value) in [
        ("type", "signal"),
        ("room", ROOM),
        ("to", to.as_str()),
        ("kind", "x"),
    ] {
        for text in [key, value] {
            message.push(0xa0 | text.len() as u8);
            message.extend(text.as_bytes());
        }
    }
    message.extend(b"\xa2id");
    message.push(id);
    message.extend(b"\xa7payload");
    message.extend(payload);
    message
}
