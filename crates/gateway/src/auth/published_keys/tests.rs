//! An issuer that answers well, badly or not at all.

use serde_json::{Value, json};
use switchboard_auth::{AuthError, Issuer, Rules, TokenCheck};
use switchboard_testkit::tokens::Signing;
use switchboard_testkit::{FakeIssuer, Manner};

use super::*;
use crate::config::{AuthConfig, Config, JwtConfig};
use crate::metrics::Metrics;

/// In place of half a minute.
const SHORT: Duration = Duration::from_millis(300);

struct Bed {
    published: Arc<PublishedKeys>,
    check: TokenCheck,
    stop: CancellationToken,
}

impl Bed {
    fn start(settings: &[(&str, String)], slot: Duration) -> Self {
        let config = config(settings);
        let source = KeySource::of(&config.jwt, &config).expect("a client");
        let source = source.expect("it publishes");
        let counter = Metrics::new().key_reads_counter();
        let published = PublishedKeys::with_slot(source, counter, slot);
        let issuer = Issuer::new(Rules::default(), Vec::new()).publishing(published.keys());
        let stop = CancellationToken::new();
        tokio::spawn(published.clone().keep_fresh(stop.clone()));
        Self {
            published,
            check: TokenCheck::new(vec![issuer]),
            stop,
        }
    }

    fn of(issuer: &FakeIssuer) -> Self {
        Self::start(&[("jwks", issuer.jwks_url())], SHORT)
    }

    fn refused(&self, token: &str) -> Option<AuthError> {
        self.check.identity(token).err()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn config(settings: &[(&str, String)]) -> AuthConfig {
    let mut jwt = JwtConfig::default();
    for (name, value) in settings {
        let url = || crate::config::HttpUrl::parse(value).expect("a URL");
        match *name {
            "jwks" => jwt.jwks_url = Some(url()),
            "discovery" => jwt.discovery_url = Some(url()),
            _ => jwt.issuer = Some(value.clone()),
        }
    }
    let Config { auth, .. } = Config::default();
    AuthConfig { jwt, ..auth }
}

fn named(signing: &Signing, id: &str) -> Value {
    let mut jwk = signing.jwk();
    jwk["kid"] = id.into();
    jwk
}

fn token(signing: &Signing, id: &str) -> String {
    let algorithm = signing.algorithms()[0];
    let header = json!({"alg": algorithm, "kid": id});
    signing.token_with(&header, algorithm, &json!({"sub": "alice"}))
}

/// Asked until it answers so.
async fn until_read(bed: &Bed) {
    while bed.published.look_again().await != LookedAgain::Read {
        tokio::time::sleep(SHORT / 10).await;
    }
}

#[tokio::test]
async fn a_key_that_was_published_since_is_found_and_one_that_is_gone_counts_no_more() {
    let (old, new) = (Signing::p256(), Signing::ed25519());
    let issuer = FakeIssuer::start(Manner::Keys(json!([named(&old, "old")]), ""));
    let bed = Bed::of(&issuer);
    until_read(&bed).await;
    assert_eq!(bed.refused(&token(&old, "old")), None);
    assert_eq!(
        bed.refused(&token(&new, "new")),
        Some(AuthError::UnknownKey)
    );
    issuer.turn(Manner::Keys(json!([named(&new, "new")]), ""));
    until_read(&bed).await;
    assert_eq!(bed.refused(&token(&new, "new")), None);
    assert_eq!(
        bed.refused(&token(&old, "old")),
        Some(AuthError::UnknownKey)
    );
}

#[tokio::test]
async fn what_cannot_be_read_leaves_the_last_good_keys() {
    let signing = Signing::p256();
    let issuer = FakeIssuer::start(Manner::Keys(json!([signing.jwk()]), ""));
    let bed = Bed::of(&issuer);
    until_read(&bed).await;
    for manner in [
        Manner::Status(500),
        Manner::Status(302),
        Manner::Says("nonsense".into()),
        Manner::Says("{\"keys\": []}".into()),
        Manner::Keys(json!([{"kty": "oct", "k": "AAAA"}]), ""),
        Manner::Floods(100),
    ] {
        issuer.turn(manner.clone());
        tokio::time::sleep(SHORT).await;
        let looked = bed.published.look_again().await;
        assert!(
            matches!(looked, LookedAgain::Later(_)),
            "{manner:?}: {looked:?}"
        );
        assert_eq!(bed.refused(&token(&signing, "")), None, "{manner:?}");
    }
}

#[tokio::test]
async fn nobody_is_called_unknown_before_there_are_keys() {
    let issuer = FakeIssuer::start(Manner::Status(503));
    let bed = Bed::of(&issuer);
    let looked = bed.published.look_again().await;
    assert!(
        matches!(looked, LookedAgain::Later(wait) if wait <= SHORT),
        "{looked:?}"
    );
    assert_eq!(
        bed.refused(&token(&Signing::p256(), "k")),
        Some(AuthError::NoKeys)
    );
    issuer.turn(Manner::Keys(json!([Signing::p256().jwk()]), ""));
    until_read(&bed).await;
    assert_eq!(
        bed.refused(&token(&Signing::p384(), "k")),
        Some(AuthError::UnknownKey)
    );
}

#[tokio::test]
async fn however_many_ask_the_issuer_is_asked_once_in_its_time() {
    let issuer = FakeIssuer::start(Manner::Keys(json!([Signing::p256().jwk()]), ""));
    let bed = Bed::start(&[("jwks", issuer.jwks_url())], Duration::from_secs(60));
    let mut looking = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let published = bed.published.clone();
        looking.spawn(async move { published.look_again().await });
    }
    let looked = looking.join_all().await;
    assert!(looked.contains(&LookedAgain::Read));
    for _ in 0..100 {
        let looked = bed.published.look_again().await;
        assert!(matches!(looked, LookedAgain::Later(_)), "{looked:?}");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn an_issuer_says_where_its_keys_are_and_is_believed_of_itself_alone() {
    let signing = Signing::p256();
    let issuer = FakeIssuer::start(Manner::Keys(json!([signing.jwk()]), ""));
    let discovery = ("discovery", issuer.discovery_url());
    let bed = Bed::start(&[discovery.clone(), ("issuer", issuer.name())], SHORT);
    until_read(&bed).await;
    assert_eq!(bed.refused(&token(&signing, "")), None);
    let without_slash = issuer.name().trim_end_matches('/').to_owned();
    let bed = Bed::start(&[discovery, ("issuer", without_slash)], SHORT);
    let looked = bed.published.look_again().await;
    assert!(matches!(looked, LookedAgain::Later(_)), "{looked:?}");
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn keys_are_read_again_when_they_are_not_fresh_any_more() {
    let read = |published| {
        let config = config(&[("jwks", "http://127.0.0.1:1/".into())]);
        let source = KeySource::of(&config.jwt, &config).expect("a client");
        let counter = Metrics::new().key_reads_counter();
        PublishedKeys::new(source.expect("it publishes"), counter).end(published)
    };
    let published = |fresh: Option<u64>| {
        let fresh = fresh.map(Duration::from_secs);
        Ok(Published {
            keys: Vec::new(),
            fresh,
        })
    };
    assert_eq!(read(published(None)), FRESH);
    assert_eq!(read(published(Some(0))), FRESH_MIN);
    assert_eq!(read(published(Some(3600))).as_secs(), 3600);
    assert_eq!(read(published(Some(u64::MAX))), FRESH_MAX);
    assert_eq!(read(Err("by a test".into())), SLOT);
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_count_for_a_day_after_they_were_fresh() {
    let config = config(&[("jwks", "http://127.0.0.1:1/".into())]);
    let source = KeySource::of(&config.jwt, &config).expect("a client");
    let counter = Metrics::new().key_reads_counter();
    let published = PublishedKeys::new(source.expect("it publishes"), counter);
    let set = json!({"keys": [Signing::p256().jwk()]}).to_string();
    let keys = switchboard_auth::parse_jwks(set.as_bytes()).expect("a set");
    let fresh = Some(FRESH_MAX);
    published.end(Ok(Published { keys, fresh }));
    let issuer = Issuer::new(Rules::default(), Vec::new()).publishing(published.keys());
    let check = TokenCheck::new(vec![issuer]);
    let stranger = token(&Signing::p256(), "k");
    let is_unread = || check.identity(&stranger).err() == Some(AuthError::NoKeys);
    for (hours, unread) in [(24, false), (23, false), (2, true)] {
        tokio::time::advance(Duration::from_secs(hours * 3600)).await;
        published.end(Err("by a test".into()));
        assert_eq!(is_unread(), unread, "after {hours} more hours");
    }
}
