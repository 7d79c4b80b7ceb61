//! What it costs to check a token, by algorithm. Prints µs; nothing is asserted.
//!
//! ```text
//! cargo bench -p switchboard-auth
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use switchboard_auth::{Issuer, Key, Rules, TokenCheck, parse_jwks};
use switchboard_testkit::tokens::{Signing, hmac};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// Each row is measured for so long; of five such measurements the least counts.
const ROUND: Duration = Duration::from_millis(200);
const ROUNDS: usize = 5;

fn main() {
    let claims = json!({
        "sub": "alice", "name": "Alice", "iat": 1_700_000_000, "exp": 4_000_000_000_u64, "iss": "https://issuer.example/",
        "aud": "calls", "switchboard": {"rooms": ["study-*"], "can": ["join", "signal"], "capacity": 8},
    });
    let secret = vec![Key::from_secret(SECRET).expect("a secret")];
    println!("| algorithm | one token, µs |\n| --- | --- |");
    for algorithm in ["HS256", "HS384", "HS512"] {
        row(algorithm, secret.clone(), &hmac(algorithm, SECRET, &claims));
    }
    for signing in Signing::all() {
        let set = json!({"keys": [signing.jwk()]}).to_string();
        let keys = parse_jwks(set.as_bytes()).expect("a key set");
        for algorithm in signing.algorithms() {
            row(algorithm, keys.clone(), &signing.token(algorithm, &claims));
        }
    }
}

fn row(algorithm: &str, keys: Vec<Key>, token: &str) {
    let check = TokenCheck::new(vec![Issuer::new(Rules::default(), keys)]);
    check.identity(token).expect("a good token");
    let least = (0..ROUNDS).map(|_| round(&check, token)).min();
    let least = least.expect("there are rounds");
    println!("| {algorithm} | {:.1} |", least.as_secs_f64() * 1e6);
}

/// What one check took, on average.
fn round(check: &TokenCheck, token: &str) -> Duration {
    let (begun, mut checks) = (Instant::now(), 0_u32);
    while begun.elapsed() < ROUND {
        for _ in 0..64 {
            black_box(check.identity(black_box(token))).expect("a good token");
        }
        checks += 64;
    }
    begun.elapsed() / checks
}
