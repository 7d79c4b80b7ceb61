//! What holds for both codecs.

mod depth;
mod malformed;
mod mutation;
mod round_trip;
mod samples;
mod states;
mod transcoding;
mod whole_numbers;
mod wire;

use super::*;

#[test]
fn a_subprotocol_names_its_codec() {
    assert_eq!(
        Codec::SUBPROTOCOLS,
        ["switchboard.v1.json", "switchboard.v1.msgpack"]
    );
    for codec in Codec::ALL {
        assert_eq!(Codec::from_subprotocol(codec.subprotocol()), Some(codec));
    }
    assert_eq!(Codec::from_subprotocol("json"), None);
}

/// The message a client would send, as bytes.
fn client_frame(codec: Codec, message: &ClientMessage<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    codec
        .encode_client(message, &mut out)
        .expect("a sample can be written");
    out
}

/// The message a gateway would send, as bytes.
fn server_frame(codec: Codec, message: &ServerMessage) -> Vec<u8> {
    let mut out = Vec::new();
    codec
        .encode(message, &mut out)
        .expect("a sample can be written");
    out
}
