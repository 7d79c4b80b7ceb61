//! Somebody who has seen a peer id, or an old secret, and wants the session.

use std::sync::Arc;

use switchboard_dialects::Frame;
use switchboard_protocol::client_message::{Hello, Resume};
use switchboard_protocol::{ClientMessage, Codec, PeerId, ServerMessage};
use tokio::time::{Duration, timeout};

use crate::random::Random;
use crate::speaks::Speaks;
use crate::trace::{ClientNo, Secret, What};
use crate::world::{Dialled, World};

/// What a client has and had: peer and secret, the newest last.
pub(crate) type Tickets = Vec<(PeerId, String)>;

/// The number under which its connections are noted.
pub(crate) const INTRUDER: ClientNo = usize::MAX;
const PATIENCE: Duration = Duration::from_secs(12);

/// Tries one secret, and goes.
pub(crate) async fn intrude(world: Arc<World>, client: ClientNo, tickets: Tickets, random: Random) {
    let outdated = tickets
        .len()
        .checked_sub(2)
        .map(|newest| random.below(newest + 1));
    let (kind, peer, secret) = match (outdated, tickets.last()) {
        (Some(index), _) if random.chance(700) => {
            (Secret::Outdated, tickets[index].0, tickets[index].1.clone())
        }
        (_, Some((peer, secret))) => (Secret::Guessed, *peer, changed(secret, &random)),
        _ => return,
    };
    let Some(Dialled { socket, .. }) = world.dial(INTRUDER, Speaks::Native, &random).await else {
        return;
    };
    let hello = Hello {
        // The resume secret is bound to the user: a thief says he is that one.
        name: Some(format!("user-{client}").into()),
        receipts: true,
        resume: Some(Resume {
            peer,
            secret: secret.into(),
            seen: std::collections::BTreeMap::new(),
            handled: None,
        }),
        ..Hello::default()
    };
    let mut json = Vec::new();
    Codec::Json
        .encode_client(&ClientMessage::Hello(hello), &mut json)
        .expect("a hello can be written");
    let hello = String::from_utf8(json).expect("JSON is UTF-8");
    let _ = socket.write(Frame::Text(hello.into()));
    let answer = timeout(PATIENCE, socket.read()).await;
    let resumed = match answer {
        Ok(Some(Frame::Text(text))) => match Codec::Json.decode_server(text.as_bytes()) {
            Ok(ServerMessage::Welcome(welcome)) => Some(welcome.resumed),
            _ => None,
        },
        _ => None,
    };
    world.recorder.note(What::Intruded {
        peer,
        secret: kind,
        resumed,
    });
}

/// The same with one letter changed.
fn changed(secret: &str, random: &Random) -> String {
    let mut letters: Vec<char> = secret.chars().collect();
    if letters.is_empty() {
        return "A".repeat(54);
    }
    let place = random.below(letters.len());
    letters[place] = if letters[place] == 'A' { 'B' } else { 'A' };
    letters.into_iter().collect()
}
