//! Tokens of attackers against a running gateway, in the dialects that clients speak: the list of `switchboard_testkit::attacks`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use switchboard_client::{Closed, ConnectError, Options};
use switchboard_testkit::attacks::{AUDIENCE, Attack, Issuers, OWN, PEM, SECRET};
use switchboard_testkit::tokens::{RSA_PUBLIC, Signing, base64url, hmac};
use switchboard_testkit::{FakeIssuer, GatewayProcess, Manner};
use tempfile::TempDir;

use crate::support::{BINARY, Peer, Raw, embedded, exchange, options};

/// A gateway that takes tokens of four issuers, and a server that nobody has a reason to ask.
struct Bed {
    issuers: Issuers,
    published: FakeIssuer,
    elsewhere: FakeIssuer,
    gateway: GatewayProcess,
    _files: TempDir,
    _partner: FakeIssuer,
}

impl Bed {
    /// All attacks come from one address, and each of them is to be looked at.
    fn start() -> Self {
        let server = || FakeIssuer::start(Manner::Status(404));
        let (published, partner, elsewhere) = (server(), server(), server());
        let issuers = Issuers::new(published.name(), partner.name(), elsewhere.name());
        published.turn(Manner::Keys(issuers.published_keys(), ""));
        partner.turn(Manner::Keys(issuers.partner_keys(), ""));
        let files = tempfile::tempdir().expect("a folder");
        let pem = files.path().join("rsa.pem");
        std::fs::write(&pem, RSA_PUBLIC).expect("a file");
        let config = files.path().join("switchboard.toml");
        let text = format!(
            "log.filter = 'trace'\nlimits.wrong_tokens_per_second_per_address = 0\n[auth.jwt]\nissuer = '{OWN}'\nsecret = '{SECRET}'\naudience = '{AUDIENCE}'\n\
             [[auth.issuers]]\nissuer = '{PEM}'\npublic_key_file = '{}'\nalgorithms = ['RS256']\n\
             [[auth.issuers]]\nissuer = '{}'\njwks_url = '{}'\n\
             [[auth.issuers]]\nissuer = '{}'\njwks_url = '{}'\n",
            pem.display(),
            published.name(),
            published.jwks_url(),
            partner.name(),
            partner.jwks_url(),
        );
        std::fs::write(&config, text).expect("a file");
        let config = config.to_string_lossy();
        let variables = [("SWITCHBOARD_CONFIG", &*config)];
        let gateway = GatewayProcess::start_with_environment(BINARY, &variables, &[]);
        let read = "switchboard_key_set_reads_total{outcome=\"read\"}";
        gateway.wait_until("both key sets", |gateway| gateway.metric(read) >= 2.0);
        Self {
            issuers,
            published,
            elsewhere,
            gateway,
            _files: files,
            _partner: partner,
        }
    }

    fn refusals(&self, outcome: &str) -> f64 {
        let metric = format!("switchboard_auth_total{{outcome=\"{outcome}\"}}");
        self.gateway.metric(&metric)
    }

    /// The gateway counts each attack for its reason, lives, asked nobody that a token named, and logged no token.
    fn held(&self, attacks: &[Attack]) {
        let mut expected = BTreeMap::<&str, f64>::new();
        for attack in attacks {
            *expected.entry(attack.outcome).or_default() += 1.0;
        }
        for (outcome, times) in expected {
            assert_eq!(self.refusals(outcome), times, "{outcome}");
        }
        let connected = self.elsewhere.connected();
        assert_eq!(connected, 0, "where `jku`, `x5u` and `iss` point to");
        let log = self.gateway.log();
        assert!(!log.contains("panicked"), "{log}");
        for attack in attacks.iter().filter(|attack| attack.token.len() > 40) {
            assert!(
                !log.contains(&attack.token),
                "{} is in the log",
                attack.name
            );
        }
        assert_eq!(self.gateway.get("/healthz").0, 200);
    }
}

fn with_token(gateway: &GatewayProcess, token: impl Into<String>) -> Options {
    Options {
        token: Some(token.into()),
        ..options(gateway)
    }
}

async fn closed(options: &Options) -> Result<Closed, String> {
    match Peer::open(options).await {
        Err(ConnectError::Closed(closed)) => Ok(closed),
        Err(other) => Err(other.to_string()),
        Ok(_) => Err("it was let in".into()),
    }
}

/// All that did not go as they should.
fn none_of(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attack_is_refused_in_the_native_dialect_with_4401() {
    let bed = Bed::start();
    for good in bed.issuers.good() {
        let peer = Peer::open(&with_token(&bed.gateway, good)).await;
        peer.expect("a good token").bye().await;
    }
    let (attacks, mut wrong) = (bed.issuers.attacks(), Vec::new());
    for attack in &attacks {
        let closed = closed(&with_token(&bed.gateway, &*attack.token)).await;
        let is_right = closed.as_ref().is_ok_and(|closed| match closed.code {
            4401 => true,
            4503 => attack.may_have_to_wait() && closed.reason.contains("retry_after_ms"),
            _ => false,
        });
        if !is_right {
            wrong.push(format!("{}: {closed:?}", attack.name));
        }
    }
    none_of(wrong);
    println!("{} attacks refused", attacks.len());
    bed.held(&attacks);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attack_is_refused_in_socket_io_with_a_connect_error() {
    let bed = Bed::start();
    let connect = |token: &str| {
        let mut io = Raw::open(&bed.gateway, "/socket.io/?EIO=4&transport=websocket", &[]);
        io.text(&format!("40{}", json!({ "token": token })));
        answer(&mut io, &["40{", "44"])
    };
    for good in bed.issuers.good() {
        let answer = connect(&good);
        assert!(answer.starts_with("40{\"sid\""), "{answer}");
    }
    let (attacks, mut wrong) = (bed.issuers.attacks(), Vec::new());
    for attack in &attacks {
        let answer = connect(&attack.token);
        // A client of Socket.IO stays away after a connect_error; one that is to come again is only closed.
        let is_right = answer == "44{\"message\":\"Authentication failed\"}"
            || (attack.may_have_to_wait() && answer.starts_with("closed with 4503"));
        if !is_right {
            wrong.push(format!("{}: {answer}", attack.name));
        }
    }
    none_of(wrong);
    bed.held(&attacks);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attack_is_refused_in_stomp_with_an_error() {
    let bed = Bed::start();
    let connect = |token: &str| {
        let mut stomp = Raw::open(&bed.gateway, "/ws", &["Sec-WebSocket-Protocol: v12.stomp"]);
        // Escaped as STOMP 1.2 has it; nothing of a header is trimmed.
        let token = token
            .replace('\\', "\\\\")
            .replace(':', "\\c")
            .replace('\n', "\\n");
        stomp.text(&format!(
            "CONNECT\naccept-version:1.2\nhost:x\npasscode:{token}\n\n\0"
        ));
        answer(&mut stomp, &["CONNECTED", "ERROR"])
    };
    for good in bed.issuers.good() {
        let answer = connect(&good);
        assert!(answer.starts_with("CONNECTED"), "{answer}");
    }
    let attacks = bed.issuers.attacks();
    let mut wrong = Vec::new();
    for attack in &attacks {
        let answer = connect(&attack.token);
        if !answer.starts_with("ERROR") {
            wrong.push(format!("{}: {answer}", attack.name));
        }
    }
    none_of(wrong);
    // As they were sent, each for its reason: an ERROR alone could be about a frame.
    bed.held(&attacks);
    assert_eq!(bed.refusals("accepted"), bed.issuers.good().len() as f64);
}

/// The first text that begins with one of these, or how the connection was closed without.
fn answer(raw: &mut Raw, begins: &[&str]) -> String {
    loop {
        match raw.read() {
            Some((1, text)) => {
                let text = String::from_utf8(text).expect("text is UTF-8");
                if begins.iter().any(|begin| text.starts_with(begin)) {
                    return text;
                }
            }
            Some((8, body)) => {
                let code = u16::from_be_bytes([body[0], body[1]]);
                return format!(
                    "closed with {code}: {}",
                    String::from_utf8_lossy(&body[2..])
                );
            }
            Some(_) => {}
            None => return "the connection ended".into(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_unknown_keys_make_a_gateway_ask_their_issuer_once() {
    let bed = Bed::start();
    let before = bed.published.asked();
    let mut refused = 0;
    for storm in 0..20 {
        let attempts = (0..50).map(|no| {
            let header = json!({"alg": "EdDSA", "kid": format!("{storm}-{no}")});
            let claims = json!({"sub": "alice", "iss": bed.published.name()});
            let token = Signing::ed25519().token_with(&header, "EdDSA", &claims);
            let hello = with_token(&bed.gateway, token);
            async move { closed(&hello).await }
        });
        for closed in futures_util::future::join_all(attempts).await {
            let code = closed.map(|closed| closed.code);
            assert!(matches!(code, Ok(4401 | 4503)), "{code:?}");
            refused += 1;
        }
    }
    let asked = bed.published.asked() - before;
    println!("{refused} tokens with unknown keys: the issuer was asked {asked} times more");
    assert_eq!(refused, 1000);
    // Half a minute may pass meanwhile on a slow machine.
    assert!(asked <= 2, "{asked}");
    for good in bed.issuers.good() {
        let peer = Peer::open(&with_token(&bed.gateway, good)).await;
        peer.expect("keys that are known count on").bye().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_a_url_is_in_no_log() {
    let bed = Bed::start();
    let token = bed.issuers.good().remove(0);
    let forged = bed.issuers.attacks().into_iter();
    let forged = forged.map(|attack| attack.token);
    let forged: Vec<_> = forged
        .filter(|token| {
            token.len() > 40 && token.len() < 4000 && !token.contains(' ') && token.is_ascii()
        })
        .collect();
    for token in forged.iter().chain([&token]) {
        for path in [
            "/v1/connect",
            "/v1/ice-servers",
            "/ws",
            "/socket.io/",
            "/nowhere",
            "/metrics",
        ] {
            let line = format!("GET {path}?access_token={token}&EIO=4&transport=polling");
            exchange(&bed.gateway, &line, &[]);
        }
        let options = Options {
            url: format!("{}/v1/connect?access_token={token}", bed.gateway.url()),
            ..options(&bed.gateway)
        };
        let _ = Peer::open(&options).await;
    }
    let log = bed.gateway.log();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG"),
        "it says much: {log}"
    );
    for token in forged.iter().chain([&token]) {
        let longest = token.split('.').max_by_key(|part| part.len());
        let longest = longest.unwrap_or(token);
        assert!(!log.contains(longest), "{longest}");
    }
    assert!(!log.contains("access_token=e"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_users_token_a_session_is_not_resumed() {
    let gateway = embedded(&[&format!("auth.jwt.secret={SECRET}")]);
    let of = |user: &str| hmac("HS256", SECRET.as_bytes(), &json!({ "sub": user }));
    let mut alice = Peer::open(&with_token(&gateway, of("alice")))
        .await
        .expect("alice");
    alice.join("study-1").await;
    let ticket = alice.ticket();
    let stolen = Options {
        token: Some(of("mallory")),
        ..ticket.options(&gateway)
    };
    let refused = closed(&stolen).await.expect("closed");
    assert_eq!(refused.code, 4401, "{refused}");
    alice.ping().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_512_bits_lets_nobody_in() {
    let pem = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../auth/testdata/rsa-512.pub.pem"
    );
    let checked = std::process::Command::new(BINARY)
        .args([
            "check-config",
            "--set",
            &format!("auth.jwt.public_key_file={pem}"),
        ])
        .env_clear()
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&checked.stderr);
    assert!(
        !checked.status.success() && told.contains("2048 to 8192 bits"),
        "{told}"
    );

    let issuer = FakeIssuer::start(Manner::Keys(
        json!([short_key(), Signing::p256().jwk()]),
        "",
    ));
    let gateway = embedded(&[&format!("auth.jwt.jwks_url={}", issuer.jwks_url())]);
    gateway.wait_until("keys", |gateway| {
        gateway.metric("switchboard_key_set_reads_total{outcome=\"read\"}") >= 1.0
    });
    let token = include_str!("../../../auth/testdata/rsa-512.jwt").trim();
    let closed = closed(&with_token(&gateway, token)).await.expect("closed");
    // It is not said that the issuer's next key would not do either.
    assert!([4401, 4503].contains(&closed.code), "{closed}");
    assert_eq!(
        gateway.metric("switchboard_auth_total{outcome=\"accepted\"}"),
        0.0
    );
}

/// The public half of the key that signed `rsa-512.jwt`.
fn short_key() -> Value {
    const MODULUS: [u8; 64] = [
        0xC6, 0xB4, 0xE3, 0xDF, 0x46, 0x59, 0x0A, 0xE7, 0x96, 0x64, 0x32, 0xE6, 0x40, 0x26, 0xB6,
        0x5C, 0x38, 0xF4, 0x05, 0x58, 0xEB, 0x5B, 0xF6, 0xF1, 0x76, 0x0A, 0x0C, 0xE6, 0x7E, 0x98,
        0xED, 0x13, 0x39, 0xE1, 0x0D, 0x11, 0xC8, 0xFC, 0xC4, 0xC7, 0x40, 0xD1, 0x60, 0xE9, 0x1E,
        0x21, 0xCF, 0x3A, 0xA6, 0x49, 0x54, 0x31, 0xB0, 0xFE, 0x0B, 0xF4, 0x5A, 0x04, 0xF3, 0x93,
        0xC8, 0x16, 0x22, 0x97,
    ];
    json!({"kty": "RSA", "n": base64url(MODULUS), "e": "AQAB"})
}
