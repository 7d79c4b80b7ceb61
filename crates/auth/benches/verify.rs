//! What it costs to check a token, by algorithm, and how much of that is its signature. Prints µs; nothing is asserted.
//!
//! ```text
//! cargo bench -p switchboard-auth
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::json;
use switchboard_auth::{Issuer, Key, Rules, TokenCheck, parse_jwks};
use switchboard_testkit::tokens::{Signing, hmac};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// Each number is measured for so long; of five such measurements the least counts.
const ROUND: Duration = Duration::from_millis(200);
const ROUNDS: usize = 5;

fn main() {
    let claims = json!({
        "sub": "alice", "name": "Alice", "iat": 1_700_000_000, "exp": 4_000_000_000_u64, "iss": "https://issuer.example/",
        "aud": "calls", "switchboard": {"rooms": ["study-*"], "can": ["join", "signal"], "capacity": 8},
    });
    let secret = vec![Key::from_secret(SECRET).expect("a secret")];
    let bare_secret = DecodingKey::from_secret(SECRET).expect("a secret");
    println!("| algorithm | one token, µs | its signature, µs |\n| --- | --- | --- |");
    for algorithm in ["HS256", "HS384", "HS512"] {
        let token = hmac(algorithm, SECRET, &claims);
        row(algorithm, (secret.clone(), &bare_secret), &token);
    }
    for signing in Signing::all() {
        let jwk = signing.jwk();
        let set = json!({"keys": [jwk]}).to_string();
        let keys = parse_jwks(set.as_bytes()).expect("a key set");
        let jwk = serde_json::from_value(jwk).expect("a key");
        let bare = DecodingKey::from_jwk(&jwk).expect("a key");
        for algorithm in signing.algorithms() {
            let token = signing.token(algorithm, &claims);
            row(algorithm, (keys.clone(), &bare), &token);
        }
    }
}

fn row(algorithm: &str, (keys, bare): (Vec<Key>, &DecodingKey), token: &str) {
    let check = TokenCheck::new(vec![Issuer::new(Rules::default(), keys)]);
    let whole = least(|| {
        black_box(check.identity(black_box(token))).expect("a good token");
    });
    let (message, signature) = token.rsplit_once('.').expect("a token has three parts");
    let algorithm_of: Algorithm = algorithm.parse().expect("an algorithm");
    let signature = least(|| {
        let message = black_box(message).as_bytes();
        let is_right = jsonwebtoken::crypto::verify(signature, message, bare, algorithm_of);
        assert!(is_right.expect("it can be checked"));
    });
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "| {algorithm} | {:.1} | {:.1} |",
        micros(whole),
        micros(signature)
    );
}

/// What one call takes, on average, in the quickest round.
fn least(mut call: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let (begun, mut calls) = (Instant::now(), 0_u32);
        while begun.elapsed() < ROUND {
            for _ in 0..64 {
                call();
            }
            calls += 64;
        }
        begun.elapsed() / calls
    });
    rounds.min().expect("there are rounds")
}
