//! An idle session over TLS, beside one without.

use std::time::Duration;

use switchboard_testkit::{Certificates, GatewayProcess, RedisServer, TlsTunnel, cpu_time};

use crate::{open_pair, resident_bytes, start, warm_up};

/// What one session takes of its gateway.
struct Taken {
    kib: f64,
    cpu: Duration,
}

/// Opens so many pairs at a gateway without TLS, and as many at one with it, with a certificate of P-256.
pub(crate) async fn beside_plain(redis: &RedisServer, pairs: u32) {
    let certificates = Certificates::make();
    let cert = format!("tls.cert_file={}", certificates.path("server.pem"));
    let key = format!("tls.key_file={}", certificates.path("server.key"));
    let plain = start(redis, &[]);
    let plain = taken(&plain, &plain.url(), "plain", pairs).await;
    let over_tls = start(redis, &["ops_listen=127.0.0.1:0", &cert, &key]);
    let tunnel = TlsTunnel::start(over_tls.address(), &certificates).await;
    let over_tls = taken(&over_tls, &tunnel.url(), "tls", pairs).await;
    let ratio = |over_tls: f64, plain: f64| over_tls / plain;
    println!(
        "\na session, of {}      without       over TLS     ratio",
        2 * pairs
    );
    println!(
        "idle              {:>8.2} KiB  {:>8.2} KiB  {:>7.2}   {:+.2} KiB",
        plain.kib,
        over_tls.kib,
        ratio(over_tls.kib, plain.kib),
        over_tls.kib - plain.kib
    );
    let micros = |taken: &Taken| taken.cpu.as_secs_f64() * 1e6;
    println!(
        "to come and join  {:>8.0} µs   {:>8.0} µs   {:>7.2}   CPU",
        micros(&plain),
        micros(&over_tls),
        ratio(micros(&over_tls), micros(&plain))
    );
}

/// For each of so many pairs that come in, without the first ones.
async fn taken(gateway: &GatewayProcess, url: &str, name: &str, pairs: u32) -> Taken {
    let _warm = warm_up(url, name).await;
    let now = || (resident_bytes(gateway) as f64, cpu_time(gateway.pid()));
    let (bytes, cpu) = now();
    let mut sessions = Vec::new();
    for index in 0..pairs {
        sessions.push(open_pair(url, &format!("{name}-{index}")).await);
    }
    let (bytes_then, cpu_then) = now();
    Taken {
        kib: (bytes_then - bytes) / f64::from(2 * pairs) / 1024.0,
        cpu: (cpu_then - cpu) / (2 * pairs),
    }
}
