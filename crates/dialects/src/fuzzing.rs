//! For `fuzz/`, and for the properties that every test run checks: what clients' frames do to their dialect, and to the
//! dialects of all members that are told of them.
//!
//! [`play`] is a client, [`answers`] the session beside it, which lets everything pass, [`audience`] every member of the room.

mod answers;
mod audience;
mod play;
#[cfg(test)]
mod properties;

use switchboard_protocol::{Encoding, Payload};
use switchboard_stomp::Version;

use self::audience::Audience;
use self::play::{Play, is_json, is_packet, is_stomp};
use crate::mdn::Mdn;
use crate::socketio::SocketIo;
use crate::stomp::{Bounds, Stomp};
use crate::{Content, Dialect, ErrorTexts};

/// Lines of `stream` are frames of MDN's chat. What it is told is JSON.
pub fn mdn_messages(stream: &[u8]) {
    let mut play = Play::new(Mdn::new(usize::MAX), is_json);
    for frame in lines(stream) {
        play.hear(content_of(frame));
    }
}

/// Lines of `stream` are packets of Socket.IO. What it is told begins as a packet and goes on as JSON.
pub fn socketio_packets(stream: &[u8]) {
    let mut play = Play::new(SocketIo::new(ErrorTexts::English), is_packet);
    for frame in lines(stream) {
        play.hear(content_of(frame));
    }
}

/// The first byte of `stream` chooses the version, each 0xff behind it ends a WebSocket message: UTF-8 has none. What is told
/// is frames of that version.
pub fn stomp_messages(stream: &[u8]) {
    let Some((first, stream)) = stream.split_first() else {
        return;
    };
    let versions = [Version::V1_0, Version::V1_1, Version::V1_2];
    let version = versions[usize::from(*first) % versions.len()];
    let mut play = Play::new(stomp(version), |told| is_stomp(version, told));
    for frame in stream.split(|byte| *byte == 0xff) {
        play.hear(content_of(frame));
    }
}

/// The first byte of `stream` chooses the kind of a signal and how its payload, the rest, is written; a member with the native
/// protocol says it. Every member is told of it, in a frame of its dialect.
pub fn native_signals(stream: &[u8]) {
    let Some((first, payload)) = stream.split_first() else {
        return;
    };
    let encoding = match first % 2 {
        0 => Encoding::Json,
        _ => Encoding::MessagePack,
    };
    let kind = audience::KINDS[usize::from(first / 2) % audience::KINDS.len()];
    if let Ok(payload) = Payload::new(encoding, payload) {
        Audience::default().hear(kind, payload.as_slice());
    }
}

fn stomp(version: Version) -> Stomp {
    let mut stomp = Stomp::new(Bounds {
        frame_bytes_max: 1 << 18,
        back_bytes_max: 1 << 20,
    });
    let connect = format!("CONNECT\naccept-version:{version}\n\n\0");
    stomp.hear(Content::Text(&connect), &mut |_| {});
    stomp
}

fn lines(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    stream.split(|byte| *byte == b'\n')
}

fn content_of(bytes: &[u8]) -> Content<'_> {
    std::str::from_utf8(bytes).map_or(Content::Binary(bytes), Content::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_of_each_kind_play_through() {
        mdn_messages(
            b"{\"type\":\"username\",\"name\":\"A\"}\n{\"type\":\"hang-up\",\"target\":\"B\"}\n\xff\n\n{\"type\":\"message\",\"text\":\"<b\"}",
        );
        socketio_packets(
            b"2[\"init\",\"A\"]\n21[\"connection_info\",{\"remoteName\":\"B\",\"sdp\":1}]\n20[\"create-room\",\"r\"]\n2[\"offer\",{\"target\":\"x\"}]\n0/x,\n1\n9",
        );
        stomp_messages(
            b"\x02SUBSCRIBE\nid:\\n\ndestination:/topic/rooms/r/signal\nreceipt:1\n\n\0SEND\ndestination:/app/rooms/r/join\n\n\xff\0SEND\ndestination:/app/rooms/r/signal\nreceipt:2\n\n{\"type\":\"OFFER\",\"sdp\":{}}\0\n\xffBEGIN\n\n\0",
        );
        native_signals(b"\x00{\"type\":\"offer\",\"sdp\":\"v=0\",\"with\":{\"key\":\"\"}}");
        native_signals(b"\x01\x81\xa4type\xa5offer");
        native_signals(b"\x08[]");
    }
}
