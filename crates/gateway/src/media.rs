//! Rooms whose media goes through LiveKit: each member gets a token for it, made here.
//!
//! The token is LiveKit's «access token», a JWT under its API key and secret. It lasts ten minutes: long enough to connect, and a
//! connection that it began goes on. `nbf` is this moment to the second, because LiveKit compares it where it revokes
//! tokens.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde::Serialize;
use switchboard_auth::Signer;
use switchboard_connection::{MediaOf, MediaServers};
use switchboard_protocol::{Media, MediaToken, PeerId, RoomId};
use switchboard_session::grants::{Ability, pattern_covers};

use crate::config::{MediaConfig, MediaKind};

/// How long a token lets its member in.
const TTL: Duration = Duration::from_secs(600);

/// The media server of a configuration.
pub(crate) struct MediaServer(Option<LiveKit>);

struct LiveKit {
    url: Arc<str>,
    api_key: String,
    signer: Signer,
    rooms: Vec<String>,
}

/// <https://docs.livekit.io/home/get-started/authentication/>
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    nbf: u64,
    exp: u64,
    video: Video<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Video<'a> {
    room_join: bool,
    room: &'a RoomId,
    can_publish: bool,
    can_subscribe: bool,
    can_publish_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<bool>,
}

impl MediaServer {
    pub(crate) fn from_config(config: &MediaConfig) -> anyhow::Result<Self> {
        let MediaConfig {
            kind: Some(MediaKind::LiveKit),
            url: Some(url),
            api_key: Some(api_key),
            api_secret: Some(secret),
            rooms,
        } = config
        else {
            return Ok(Self(None));
        };
        let signer = Signer::from_secret(secret.expose().as_bytes());
        Ok(Self(Some(LiveKit {
            url: url.to_string().into(),
            api_key: api_key.clone(),
            signer: signer.context("media.api_secret")?,
            rooms: rooms.clone(),
        })))
    }
}

impl MediaServers for MediaServer {
    fn media(&self, of: &MediaOf<'_>) -> Option<Media> {
        self.0.as_ref()?.media(of, SystemTime::now())
    }
}

impl LiveKit {
    fn media(&self, of: &MediaOf<'_>, now: SystemTime) -> Option<Media> {
        let mut rooms = self.rooms.iter();
        if !rooms.any(|pattern| pattern_covers(pattern, of.room)) {
            return None;
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let exp = now + TTL.as_secs();
        let may_publish = of.grants.can.has(Ability::Signal) && !of.grants.hidden;
        let claims = Claims {
            iss: &self.api_key,
            sub: of.peer,
            name: of.name,
            nbf: now,
            exp,
            video: Video {
                room_join: true,
                room: of.room,
                can_publish: may_publish,
                can_subscribe: true,
                can_publish_data: may_publish,
                hidden: of.grants.hidden.then_some(true),
            },
        };
        let signed = self.signer.sign(&claims);
        let token = signed
            .inspect_err(
                |error| tracing::error!(%error, "a token for the media server cannot be made"),
            )
            .ok()?;
        Some(Media {
            kind: MediaKind::LiveKit.as_str().into(),
            url: self.url.clone(),
            room: of.room.as_str().into(),
            token: MediaToken(token.into()),
            expires_at: exp * 1000,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};
    use switchboard_session::grants::{Abilities, Grants};

    use super::*;
    use crate::config::Secret;

    const NOW: u64 = 1_700_000_000;

    fn media(room: &str, grants: &Grants) -> Option<Media> {
        let config = MediaConfig {
            kind: Some(MediaKind::LiveKit),
            url: Some("wss://sfu.example".parse().expect("a URL")),
            api_key: Some("devkey".into()),
            api_secret: Some(Secret::from("0123456789abcdef0123456789abcdef")),
            rooms: vec!["study-*".into(), "lobby".into()],
        };
        let server = MediaServer::from_config(&config).expect("a secret").0;
        let of = MediaOf {
            peer: &"XdnF6v8GR_ezI5iQsMaD".parse().expect("a peer"),
            name: Some("Ada"),
            room: &room.parse().expect("a room"),
            grants,
        };
        let now = UNIX_EPOCH + Duration::from_millis(NOW * 1000 + 999);
        server.expect("LiveKit").media(&of, now)
    }

    fn claims(media: &Media) -> Value {
        let claims = media.token.0.split('.').nth(1).expect("three parts");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
        serde_json::from_slice(&claims).expect("JSON")
    }

    #[test]
    fn a_member_gets_a_token_of_its_own_for_this_room_that_begins_now() {
        let media = media("study-1", &Grants::default()).expect("a room with media");
        assert_eq!(
            (&*media.kind, &*media.url),
            ("livekit", "wss://sfu.example")
        );
        assert_eq!(
            (&*media.room, media.expires_at),
            ("study-1", (NOW + 600) * 1000)
        );
        let expected = json!({
            "iss": "devkey", "sub": "XdnF6v8GR_ezI5iQsMaD", "name": "Ada", "nbf": NOW, "exp": NOW + 600,
            "video": {"roomJoin": true, "room": "study-1", "canPublish": true, "canSubscribe": true, "canPublishData": true},
        });
        assert_eq!(claims(&media), expected);
        let shown = format!("{media:?}");
        assert!(!shown.contains(&*media.token.0), "{shown}");
    }

    #[test]
    fn who_may_not_signal_does_not_publish_and_an_observer_is_hidden_there_too() {
        let silent = Grants {
            can: Abilities::from_iter([Ability::Join]),
            ..Grants::default()
        };
        let observer = Grants {
            hidden: true,
            ..Grants::default()
        };
        for (grants, hidden) in [(silent, json!(null)), (observer, json!(true))] {
            let media = media("lobby", &grants).expect("a room with media");
            let video = &claims(&media)["video"];
            assert_eq!(video["canPublish"], false);
            assert_eq!(video["canPublishData"], false);
            assert_eq!(video["canSubscribe"], true);
            assert_eq!(video["hidden"], hidden);
        }
    }

    #[test]
    fn other_rooms_have_none() {
        for room in ["lobby2", "my-study-1"] {
            assert_eq!(media(room, &Grants::default()), None, "{room}");
        }
        let none = MediaServer::from_config(&MediaConfig::default()).expect("nothing");
        assert!(none.0.is_none());
    }
}
