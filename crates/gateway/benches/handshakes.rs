//! What a client costs a gateway that connects, says hello and goes: without a token, and with one by each kind of key. The
//! kinds take turns. Prints CPU of the gateway for each client, and as a ratio to one without a token; nothing is asserted.
//!
//! ```text
//! cargo bench -p switchboard-gateway --bench handshakes [-- --quick]
//! ```

use std::time::Duration;

use serde_json::json;
use switchboard_client::{Connection, Options};
use switchboard_protocol::ClientMessage;
use switchboard_testkit::tokens::{Signing, hmac};
use switchboard_testkit::{FakeIssuer, GatewayProcess, Manner, cpu_time};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A gateway, and what clients show to it.
struct Kind {
    name: &'static str,
    gateway: GatewayProcess,
    /// Publishes its key.
    _issuer: Option<FakeIssuer>,
    token: Option<String>,
    /// Of each round.
    micros: Vec<f64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, clients) = if quick { (3, 500) } else { (7, 2000) };
    let mut kinds = vec![Kind::open(), Kind::secret()];
    for (name, signing) in ["RS256", "ES256", "ES384", "EdDSA"]
        .into_iter()
        .zip(Signing::all())
    {
        kinds.push(Kind::published(name, &signing));
    }
    for kind in &mut kinds {
        // The first ones pay for what all share.
        kind.round(50).await;
        kind.micros.clear();
    }
    for _ in 0..rounds {
        for kind in &mut kinds {
            kind.round(clients).await;
        }
    }
    println!("{clients} clients one after another, {rounds} rounds; median, least and most\n");
    println!("| token | gateway, µs CPU a client | ratio |\n| --- | --- | --- |");
    let without = median(&kinds[0].micros);
    for kind in &kinds {
        let micros = median(&kind.micros);
        let least = kind.micros.iter().copied().fold(f64::MAX, f64::min);
        let most = kind.micros.iter().copied().fold(0.0, f64::max);
        let ratio = micros / without;
        println!(
            "| {} | {micros:.0} ({least:.0}–{most:.0}) | {ratio:.2} |",
            kind.name
        );
    }
}

impl Kind {
    fn open() -> Self {
        Self::new("none", &[], None, None)
    }

    fn secret() -> Self {
        let setting = format!("auth.jwt.secret={SECRET}");
        let token = hmac("HS256", SECRET.as_bytes(), &json!({"sub": "alice"}));
        Self::new("HS256", &[setting], None, Some(token))
    }

    fn published(name: &'static str, signing: &Signing) -> Self {
        let issuer = FakeIssuer::start(Manner::Keys(json!([signing.jwk()]), ""));
        let settings = [
            format!("auth.jwt.jwks_url={}", issuer.jwks_url()),
            format!("auth.jwt.issuer={}", issuer.name()),
        ];
        let token = signing.token(name, &json!({"sub": "alice", "iss": issuer.name()}));
        Self::new(name, &settings, Some(issuer), Some(token))
    }

    fn new(
        name: &'static str,
        settings: &[String],
        issuer: Option<FakeIssuer>,
        token: Option<String>,
    ) -> Self {
        let quiet = "log.filter=warn,switchboard_gateway::serve=info".to_owned();
        // All come from one address, as one user.
        let settings = settings.iter().chain([&quiet]).map(String::as_str);
        let settings: Vec<_> = settings.collect();
        let gateway = GatewayProcess::start_ready(env!("CARGO_BIN_EXE_switchboard"), &settings);
        Self {
            name,
            gateway,
            _issuer: issuer,
            token,
            micros: Vec::new(),
        }
    }

    async fn round(&mut self, clients: u32) {
        let before = cpu_time(self.gateway.pid());
        let options = Options {
            token: self.token.clone(),
            ..Options::new(self.gateway.url())
        };
        for _ in 0..clients {
            let opened = Connection::open(&options).await;
            let (mut connection, _) = opened.expect("the gateway welcomes");
            connection
                .feed(&ClientMessage::Bye(Default::default()))
                .expect("a goodbye can be written");
            while connection.next().await.is_ok() {}
        }
        let used: Duration = cpu_time(self.gateway.pid()) - before;
        self.micros
            .push(used.as_secs_f64() * 1e6 / f64::from(clients));
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
