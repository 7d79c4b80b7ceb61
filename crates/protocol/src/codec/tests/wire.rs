//! The wire to the letter: whoever changes a byte changes it here, too.

use super::samples::{OFFER, client_messages, server_messages};
use super::*;
use crate::{Encoding, Payload};

const SERVER: [&str; 25] = [
    r#"{"type":"welcome","peer":"aliceAAAAAAAAAAAAAA_","user":"alice@example.org","name":"Alice","node":"gw-a-1","resume":{"secret":"c2VjcmV0","window_ms":60000},"resumed":false,"heartbeat_ms":25000,"limits":{"in_flight":64,"in_flight_bytes":1048576,"max_message_bytes":262144,"signals_per_second":50,"burst":100},"ice_servers":[{"urls":["stun:stun.example.org"]},{"urls":["turn:turn.example.org?transport=udp"],"username":"1700000000:alice","credential":"c2VjcmV0"}]}"#,
    r#"{"type":"welcome","peer":"aliceAAAAAAAAAAAAAA_","user":"alice@example.org","node":"gw-a-1","resume":{"secret":"c2VjcmV0","window_ms":60000},"resumed":true,"rooms":[{"room":"study-1","revision":5,"capacity":2,"members":[{"peer":"aliceAAAAAAAAAAAAAA_","user":"u","state":{},"order":3,"joined_at":1700000000123,"connection":"live"}]}],"heartbeat_ms":25000,"limits":{"in_flight":64,"in_flight_bytes":1048576,"max_message_bytes":262144,"signals_per_second":50,"burst":100},"ice_servers":[]}"#,
    r#"{"type":"pong","re":9}"#,
    r#"{"type":"pong"}"#,
    r#"{"type":"drain","reconnect_after_ms":250,"deadline_ms":30000}"#,
    r#"{"type":"expiring","in_ms":60000}"#,
    r#"{"type":"ice-servers","ice_servers":[{"urls":["turn:turn.example.org"],"username":"1700000000:5f2a","credential":"c2VjcmV0"}],"ttl_s":14400}"#,
    r#"{"type":"joined","re":1,"room":"study-1","revision":5,"capacity":2,"members":[{"peer":"aliceAAAAAAAAAAAAAA_","user":"u","state":{},"order":3,"joined_at":1700000000123,"connection":"live"},{"peer":"bobBBBBBBBBBBBBBBBB-","user":"u","name":"Bob","avatar":"https://example.org/b.png","state":{"muted":true},"order":3,"joined_at":1700000000123,"connection":"live"}]}"#,
    r#"{"type":"left","re":3,"room":"study-1"}"#,
    r#"{"type":"member-joined","room":"study-1","revision":6,"member":{"peer":"bobBBBBBBBBBBBBBBBB-","user":"u","name":"Bob","avatar":"https://example.org/b.png","state":{"muted":true},"order":3,"joined_at":1700000000123,"connection":"live"}}"#,
    r#"{"type":"member-updated","room":"study-1","revision":7,"peer":"bobBBBBBBBBBBBBBBBB-","state":{"b":[1,2.5,null],"a":"ü\n"}}"#,
    r#"{"type":"member-updated","room":"study-1","revision":8,"peer":"bobBBBBBBBBBBBBBBBB-","connection":"away"}"#,
    r#"{"type":"member-left","room":"study-1","revision":9,"peer":"bobBBBBBBBBBBBBBBBB-","reason":"node-lost"}"#,
    r#"{"type":"ready","room":"study-1","offerer":"aliceAAAAAAAAAAAAAA_","peers":["aliceAAAAAAAAAAAAAA_","bobBBBBBBBBBBBBBBBB-"]}"#,
    r#"{"type":"room-closed","room":"study-1","reason":"the lesson is over"}"#,
    r#"{"type":"signal","room":"study-1","from":"aliceAAAAAAAAAAAAAA_","id":7,"kind":"offer","payload":{"type":"offer","sdp":"v=0\r\n"}}"#,
    r#"{"type":"signal","room":"study-1","from":"aliceAAAAAAAAAAAAAA_","id":7,"kind":"offer","payload":{"type":"offer","sdp":"v=0\r\n"},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#,
    r#"{"type":"delivered","id":7,"to":["bobBBBBBBBBBBBBBBBB-"]}"#,
    r#"{"type":"undelivered","id":7,"to":["bobBBBBBBBBBBBBBBBB-","no \"such\" peer"],"reason":"no-such-peer"}"#,
    r#"{"type":"done","re":8}"#,
    r#"{"type":"done","re":7,"to":[]}"#,
    r#"{"type":"done","re":7,"to":["aliceAAAAAAAAAAAAAA_","bobBBBBBBBBBBBBBBBB-"]}"#,
    r#"{"type":"error","re":4,"code":"rate-limited","message":"Slow down.","retry_after_ms":250}"#,
    r#"{"type":"error","code":"bad-message","message":"unknown type `é`"}"#,
    r#"{"type":"joined","re":1,"room":"study-1","revision":5,"capacity":2,"members":[{"peer":"aliceAAAAAAAAAAAAAA_","user":"u","state":{},"order":3,"joined_at":1700000000123,"connection":"live"}],"media":{"kind":"livekit","url":"wss://sfu.example","room":"study-1","token":"e30.e30.c2ln","expires_at":1700000600000}}"#,
];

const CLIENT: [&str; 14] = [
    r#"{"type":"hello","receipts":false}"#,
    r#"{"type":"hello","token":"a.b.c","name":"Zoë \"Z\"\n","avatar":"https://example.org/z.png","receipts":true,"resume":{"peer":"bobBBBBBBBBBBBBBBBB-","secret":"c2VjcmV0","seen":{"aliceAAAAAAAAAAAAAA_":12},"handled":{"aliceAAAAAAAAAAAAAA_":[7,12]}},"agent":"tests/1"}"#,
    r#"{"type":"refresh","id":11,"token":"d.e.f"}"#,
    r#"{"type":"ping","id":9}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"bye"}"#,
    r#"{"type":"bye","hold_ms":5000}"#,
    r#"{"type":"join","id":1,"room":"study-1","state":{"muted":true},"capacity":4}"#,
    r#"{"type":"join","id":2,"room":"study-1"}"#,
    r#"{"type":"leave","id":3,"room":"study-1"}"#,
    r#"{"type":"state","id":8,"room":"study-1","state":{"muted":null,"hand":{"up":1.5}}}"#,
    r#"{"type":"signal","id":7,"room":"study-1","to":"bobBBBBBBBBBBBBBBBB-","kind":"offer","payload":{"type":"offer","sdp":"v=0\r\n"},"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#,
    r#"{"type":"signal","id":7,"room":"study-1","kind":"offer","payload":{"type":"offer","sdp":"v=0\r\n"}}"#,
    r#"{"type":"received","from":"bobBBBBBBBBBBBBBBBB-","id":9007199254740991}"#,
];

#[test]
fn every_server_message_looks_like_this_in_json() {
    let messages = server_messages(OFFER);
    assert_eq!(messages.len(), SERVER.len());
    for (message, expected) in messages.iter().zip(SERVER) {
        let frame = server_frame(Codec::Json, message);
        assert_eq!(String::from_utf8_lossy(&frame), expected);
    }
}

#[test]
fn every_client_message_looks_like_this_in_json() {
    let messages = client_messages(OFFER);
    assert_eq!(messages.len(), CLIENT.len());
    for (message, expected) in messages.iter().zip(CLIENT) {
        let frame = client_frame(Codec::Json, message);
        assert_eq!(String::from_utf8_lossy(&frame), expected);
    }
}

#[test]
fn messagepack_holds_the_same_maps() {
    for (message, expected) in server_messages(OFFER).iter().zip(SERVER) {
        let frame = server_frame(Codec::MessagePack, message);
        let payload = Payload::new(Encoding::MessagePack, frame).expect("a message is one value");
        let json = payload
            .transcode_to(Encoding::Json)
            .expect("a message reads in both encodings");
        assert_eq!(String::from_utf8_lossy(&json), expected);
    }
}

#[test]
fn a_signal_looks_like_this_in_messagepack() {
    let messages = server_messages(OFFER);
    let frame = server_frame(Codec::MessagePack, &messages[15]);
    let expected = [
        &b"\x86\xa4type\xa6signal"[..],
        b"\xa4room\xa7study-1",
        b"\xa4from\xb4aliceAAAAAAAAAAAAAA_",
        b"\xa2id\x07",
        b"\xa4kind\xa5offer",
        b"\xa7payload\x82\xa4type\xa5offer\xa3sdp\xa5v=0\r\n",
    ];
    assert_eq!(frame, expected.concat());
}
