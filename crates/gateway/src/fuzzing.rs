//! For `fuzz/`, and for the properties that every test run checks: what clients' frames do to their dialect, and to those of
//! everybody who hears of them.
//!
//! [`play`] is a client beside a session that lets everything pass, [`audience`] whoever is in the room.

mod audience;
mod play;
#[cfg(test)]
mod properties;

use switchboard_protocol::{Encoding, Payload};
use switchboard_stomp::Version;

use self::audience::Audience;
use self::play::{Play, is_json, is_packet, is_stomp};
use crate::config::{ErrorTexts, LimitsConfig};
use crate::dialect::mdn::Mdn;
use crate::dialect::socketio::SocketIo;
use crate::dialect::stomp::Stomp;
use crate::dialect::{Dialect, Frame};

/// Lines of `stream` are frames of MDN's chat. What it is told is JSON.
pub fn mdn_messages(stream: &[u8]) {
    let mut play = Play::new(Mdn::new(usize::MAX), is_json);
    for frame in lines(stream) {
        play.hear(frame_of(frame));
    }
}

/// Lines of `stream` are packets of Socket.IO. What it is told begins as a packet and goes on as JSON.
pub fn socketio_packets(stream: &[u8]) {
    let mut play = Play::new(SocketIo::new(ErrorTexts::English), is_packet);
    for frame in lines(stream) {
        play.hear(frame_of(frame));
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
        play.hear(frame_of(frame));
    }
}

/// The first byte of `stream` chooses the kind of a signal and how its payload, the rest, is written; a member with the native
/// protocol says it. Everybody is told of it, in a frame as his dialect has them.
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
    let mut stomp = Stomp::new(&LimitsConfig::default());
    let connect = format!("CONNECT\naccept-version:{version}\n\n\0");
    stomp.hear(Frame::Text(&connect), &mut |_| {});
    stomp
}

fn lines(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    stream.split(|byte| *byte == b'\n')
}

fn frame_of(bytes: &[u8]) -> Frame<'_> {
    std::str::from_utf8(bytes).map_or(Frame::Binary(bytes), Frame::Text)
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
