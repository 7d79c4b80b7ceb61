//! Media servers.

use super::{HS256_KEY_BYTES, Rules};
use crate::config::{Config, Secret};

const TOGETHER: [&str; 4] = [
    "media.kind",
    "media.url",
    "media.api_key",
    "media.api_secret",
];

impl Rules<'_> {
    pub(super) fn media(&mut self, config: &Config) {
        let media = &config.media;
        let are_there = [
            media.kind.is_some(),
            media.url.is_some(),
            media.api_key.is_some(),
            media.api_secret.is_some(),
        ];
        let missing = TOGETHER
            .iter()
            .zip(are_there)
            .filter(|(_, is_there)| !is_there);
        let missing: Vec<_> = missing.map(|(key, _)| *key).collect();
        let fits = missing.is_empty() || missing.len() == TOGETHER.len();
        self.require(&TOGETHER, fits, || {
            format!(
                "a media server needs all four of these: {} too",
                missing.join(", ")
            )
        });
        self.require(&["media.rooms"], !media.rooms.is_empty(), || {
            "names at least one room; without media.kind no room has a media server".into()
        });
        let star = |room: &String| room.trim_end_matches('*').contains('*') || room.ends_with("**");
        self.require(&["media.rooms"], !media.rooms.iter().any(star), || {
            "a `*` stands at the end of a room id, or alone".into()
        });
        let secret = media.api_secret.as_ref().map(Secret::expose);
        let short = secret.map(str::len).filter(|len| *len < HS256_KEY_BYTES);
        if let Some(short) = short {
            self.0.warnings.push(format!(
                "media.api_secret has {short} bytes; HS256 asks for {HS256_KEY_BYTES} or more (RFC 7518 section 3.2), and \
                 every member has a token from which a short one can be guessed"
            ));
        }
    }
}
