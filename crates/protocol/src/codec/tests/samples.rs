//! One of each message, or more where a field may be missing.

mod client;
mod server;

use bytes::Bytes;

use crate::{Encoding, MemberState, Payload, PeerId};

pub(super) use client::client_messages;
pub(super) use server::server_messages;

pub(super) const ALICE: &str = "aliceAAAAAAAAAAAAAA_";
pub(super) const BOB: &str = "bobBBBBBBBBBBBBBBBB-";

/// An offer in JSON.
pub(super) const OFFER: Payload<&[u8]> = Payload {
    encoding: Encoding::Json,
    bytes: br#"{"type":"offer","sdp":"v=0\r\n"}"#,
};

pub(super) fn peer(text: &str) -> PeerId {
    text.parse().expect("a peer id")
}

fn state(json: &str) -> MemberState {
    MemberState::from_json(json).expect("a state")
}

/// An offer as the given encoding writes it.
pub(super) fn offer(encoding: Encoding) -> Payload<Bytes> {
    let bytes = OFFER
        .transcode_to(encoding)
        .expect("an offer reads in both encodings");
    Payload {
        encoding,
        bytes: bytes.into_owned().into(),
    }
}
