//! Tokens of an issuer that publishes its keys, and what becomes of clients when it cannot be asked for them.

use serde_json::{Value, json};
use switchboard_client::{Closed, ConnectError, Options};
use switchboard_testkit::tokens::Signing;
use switchboard_testkit::{FakeIssuer, GatewayProcess, Manner};

use crate::support::{Cluster, Peer, embedded, node, options};

/// An issuer with a key called `k`, and a gateway that takes its tokens.
struct Bed {
    signing: Signing,
    issuer: FakeIssuer,
    gateway: GatewayProcess,
}

impl Bed {
    fn start(manner: impl FnOnce(Value) -> Manner) -> Self {
        Self::start_with(manner, &[])
    }

    fn start_with(manner: impl FnOnce(Value) -> Manner, more: &[&str]) -> Self {
        let signing = Signing::rsa();
        let mut jwk = signing.jwk();
        jwk["kid"] = "k".into();
        let issuer = FakeIssuer::start(manner(json!([jwk])));
        let keys = format!("auth.jwt.jwks_url={}", issuer.jwks_url());
        let name = format!("auth.jwt.issuer={}", issuer.name());
        let gateway = embedded(&[&[&*keys, &*name], more].concat());
        Self {
            signing,
            issuer,
            gateway,
        }
    }

    /// A token of `alice` that names this key.
    fn token(&self, key: &str) -> String {
        let claims = json!({"sub": "alice", "iss": self.issuer.name()});
        let header = json!({"alg": "RS256", "kid": key});
        self.signing.token_with(&header, "RS256", &claims)
    }

    fn hello(&self, key: &str) -> Options {
        Options {
            token: Some(self.token(key)),
            ..options(&self.gateway)
        }
    }

    async fn refused(&self, key: &str) -> Closed {
        match Peer::open(&self.hello(key)).await {
            Err(ConnectError::Closed(closed)) => closed,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("was let in"),
        }
    }
}

fn good(keys: Value) -> Manner {
    Manner::Keys(keys, "")
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_whose_key_is_known_come_in_and_stay_without_their_issuer() {
    let bed = Bed::start(good);
    let mut alice = Peer::open(&bed.hello("k")).await.expect("a good token");
    assert_eq!(alice.welcome.user.as_str(), "alice");
    bed.issuer.turn(Manner::Hangs);
    let again = Peer::open(&bed.hello("k")).await;
    again.expect("its key is known").bye().await;
    let closed = bed.refused("another").await;
    assert_eq!(closed.code, 4503, "{closed}");
    assert!(closed.reason.contains("retry_after_ms"), "{closed}");
    alice.ping().await;
    let accepted = "switchboard_auth_total{outcome=\"accepted\"}";
    assert_eq!(bed.gateway.metric(accepted), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_an_issuer_cannot_be_asked_nobody_is_told_that_a_token_is_wrong() {
    for manner in [
        Manner::Status(500),
        Manner::Floods(100),
        Manner::Says("nonsense".into()),
    ] {
        let bed = Bed::start(|_| manner);
        let closed = bed.refused("k").await;
        assert_eq!(closed.code, 4503, "{closed}");
        assert!(closed.reason.contains("retry_after_ms"), "{closed}");
        assert!(
            bed.gateway
                .metric("switchboard_key_set_reads_total{outcome=\"failed\"}")
                >= 1.0
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_unknown_keys_asks_an_issuer_no_more_than_one_would() {
    let bed = Bed::start(good);
    Peer::open(&bed.hello("k"))
        .await
        .expect("a good token")
        .bye()
        .await;
    let asked = bed.issuer.asked();
    for storm in 0..10 {
        let closing = (0..20).map(|no| {
            let hello = bed.hello(&format!("{storm}-{no}"));
            async move { Peer::open(&hello).await.err() }
        });
        for error in futures_util::future::join_all(closing).await {
            let Some(ConnectError::Closed(closed)) = error else {
                panic!("{error:?}");
            };
            assert!([4401, 4503].contains(&closed.code), "{closed}");
        }
    }
    assert!(
        bed.issuer.asked() <= asked + 1,
        "{} times",
        bed.issuer.asked()
    );
    Peer::open(&bed.hello("k"))
        .await
        .expect("a good token")
        .bye()
        .await;
}

/// Nobody can say that such tokens are wrong, and they cost as much as others.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_name_keys_which_nobody_has_count_for_their_address() {
    let limit = "limits.wrong_tokens_per_second_per_address=1";
    let bed = Bed::start_with(good, &[limit]);
    Peer::open(&bed.hello("k"))
        .await
        .expect("a good token")
        .bye()
        .await;
    bed.issuer.turn(Manner::Hangs);
    let mut tried = 0;
    let refused = loop {
        let closed = bed.refused(&format!("nobodys-{tried}")).await;
        if closed.code != 4503 {
            break closed;
        }
        tried += 1;
        assert!(tried < 100, "nothing is refused unseen");
    };
    assert!(tried >= 9, "ten may come at once: {tried}");
    assert_eq!(refused.code, 4429, "{refused}");
    assert!(
        refused
            .reason
            .contains("limits.wrong_tokens_per_second_per_address"),
        "{refused}"
    );
}

/// As in an upgrade while the issuer is down: the nodes that come never had its keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_resumes_on_a_node_that_never_had_the_key_of_its_token() {
    let signing = Signing::rsa();
    let mut jwk = signing.jwk();
    jwk["kid"] = "k".into();
    let issuer = FakeIssuer::start(good(json!([jwk])));
    let settings = [
        format!("auth.jwt.jwks_url={}", issuer.jwks_url()),
        format!("auth.jwt.issuer={}", issuer.name()),
    ];
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    let cluster = Cluster::start(1, &settings);
    let token = |user: &str| {
        let claims = json!({"sub": user, "iss": issuer.name()});
        signing.token_with(&json!({"alg": "RS256", "kid": "k"}), "RS256", &claims)
    };
    let with_token = |gateway, token: &str| Options {
        token: Some(token.to_owned()),
        ..options(gateway)
    };
    let (shown, other) = (token("alice"), token("mallory"));
    let mut alice = Peer::open(&with_token(&cluster.nodes[0], &shown))
        .await
        .expect("a good token");
    alice.ping().await;
    issuer.turn(Manner::Hangs);
    let late = node(&cluster.redis, &settings);
    late.wait_until("ready", |node| node.get("/readyz").0 == 200);
    let ticket = alice.ticket();
    let mut closed = Vec::new();
    // Another token, of another user and with a secret that is hers, is not the one that was checked.
    for options in [
        with_token(&late, &shown),
        Options {
            token: Some(other),
            ..ticket.options(&late)
        },
    ] {
        match Peer::open(&options).await {
            Err(ConnectError::Closed(why)) => closed.push(why.code),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("was let in"),
        }
    }
    assert_eq!(closed, [4503, 4503]);
    let back = Options {
        token: Some(shown),
        ..ticket.options(&late)
    };
    let mut back = ticket.show(&back).await.expect("it was checked before");
    assert!(back.welcome.resumed);
    assert_eq!(back.welcome.user.as_str(), "alice");
    back.ping().await;
}
