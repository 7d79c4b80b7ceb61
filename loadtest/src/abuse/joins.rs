//! Joins of a large room: each reads who is there, and is told to all.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use switchboard_testkit::{GatewayProcess, RedisServer};
use tokio::time::{Instant, sleep};

use super::Figures;
use super::client::{Bytes, Client, native};
use super::probe::Probe;
use super::watched::Watched;

const MEMBERS: usize = 150;
const ABUSERS: usize = 5;
const WATCHED: Duration = Duration::from_secs(5);
const ROOM: &str = "large";

pub(super) async fn measure(binary: &Path) -> Result<Figures> {
    let redis = RedisServer::start();
    let settings = [
        &*format!("redis.url={}", redis.url()),
        "limits.sessions_per_user=1000",
    ];
    let gateways = [(); 2].map(|()| GatewayProcess::start_ready(binary, &settings));
    let addresses = gateways.each_ref().map(GatewayProcess::address);
    let others = Arc::new(Bytes::default());
    for number in 0..MEMBERS {
        let mut member = largest(addresses[number % 2], &others).await?;
        join(&mut member, 1).await?;
        member.keep_reading();
    }
    let mut probe = Probe::start(addresses)?;
    sleep(WATCHED).await;
    let before = probe.p99_ms();
    let bytes = Arc::new(Bytes::default());
    let mut abusers = Vec::new();
    for number in 0..ABUSERS {
        abusers.push(largest(addresses[number % 2], &bytes).await?);
    }
    let (written, read) = (bytes.written(), bytes.read() + others.read());
    let redis_written = written_by(&redis);
    let mut watched = Watched::new(gateways.iter().collect());
    let (begun, joins) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    for abuser in abusers {
        let joins = joins.clone();
        tokio::spawn(async move { come_and_go(abuser, begun, &joins).await });
    }
    watched.watch(begun, WATCHED).await;
    Ok(Figures {
        bytes_in: bytes.written() - written,
        bytes_out: bytes.read() + others.read() - read,
        cpu_seconds: watched.cpu_seconds(),
        resident_bytes: watched.resident_more(),
        from_redis: Some(written_by(&redis) - redis_written),
        p99_ms: Some([before, probe.p99_ms()]),
        remarks: format!("{} joins", joins.load(Ordering::Relaxed)),
    })
}

/// Joins, leaves, and comes again; where it is refused, when it may.
async fn come_and_go(mut client: Client, begun: Instant, joins: &AtomicU64) {
    let mut id = 1;
    while begun.elapsed() < WATCHED {
        id += 2;
        if join(&mut client, id).await.is_ok() {
            joins.fetch_add(1, Ordering::Relaxed);
        }
        let leave = format!(r#"{{"type":"leave","id":{},"room":"{ROOM}"}}"#, id + 1);
        if client.write(leave).await.is_err() {
            return;
        }
        if client.until(&format!("\"re\":{}", id + 1)).await.is_err() {
            return;
        }
    }
}

async fn join(client: &mut Client, id: u64) -> Result<()> {
    let state = "x".repeat(4000);
    let join = format!(
        r#"{{"type":"join","id":{id},"room":"{ROOM}","capacity":1000,"state":{{"s":"{state}"}}}}"#
    );
    client.write(join).await?;
    let answer = client.until(&format!("\"re\":{id},")).await?;
    if let Some((_, rest)) = answer.split_once("\"retry_after_ms\":") {
        let pause: String = rest.chars().take_while(char::is_ascii_digit).collect();
        sleep(Duration::from_millis(pause.parse()?)).await;
        anyhow::bail!("refused for now");
    }
    Ok(())
}

async fn largest(gateway: SocketAddr, bytes: &Arc<Bytes>) -> Result<Client> {
    native(gateway, (&"n".repeat(256), &"a".repeat(2048)), bytes).await
}

fn written_by(redis: &RedisServer) -> u64 {
    let info = redis.call(&["INFO", "stats"]);
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_net_output_bytes:"));
    line.and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0)
}
