//! STOMP: whoever subscribes to the members of a room is told all of them, as often as he subscribes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use switchboard_testkit::GatewayProcess;
use tokio::time::{Instant, sleep};

use super::Figures;
use super::client::{Bytes, Client, native};
use super::watched::Watched;

const MEMBERS: usize = 100;
/// What each of the abusive ones writes.
const WRITTEN: u64 = 1_000_000;
const DEAF: usize = 3;
/// Subscriptions of one of them at a time.
const IDS: u64 = 32;
const WATCHED: Duration = Duration::from_secs(10);
const ROOM: &str = "large";

pub(super) async fn measure(binary: &Path) -> Result<Figures> {
    let gateway = GatewayProcess::start_ready(binary, &["limits.sessions_per_user=1000"]);
    let others = Arc::new(Bytes::default());
    // Six bytes each in JSON.
    let name = "\u{1}".repeat(256);
    let mut first = None;
    for _ in 0..MEMBERS - 1 - DEAF {
        let mut member = native(gateway.address(), (&name, ""), &others).await?;
        let join = format!(r#"{{"type":"join","id":1,"room":"{ROOM}","capacity":1000}}"#);
        member.write(join).await?;
        member.until("\"joined\"").await?;
        member.keep_reading();
    }
    let bytes = Arc::new(Bytes::default());
    let mut deaf = Vec::new();
    for _ in 0..=DEAF {
        let client = member(&gateway, &bytes).await?;
        if let Some(client) = first.replace(client) {
            deaf.push(client);
        }
    }
    let (written, read) = (bytes.written(), bytes.read());
    let mut watched = Watched::new(vec![&gateway]);
    let begun = Instant::now();
    for client in deaf {
        tokio::spawn(async move {
            let mut client = subscribe(client, false).await;
            // It stays, and does not read.
            sleep(WATCHED * 2).await;
            let _ = client.write("\n").await;
        });
    }
    if let Some(client) = first {
        tokio::spawn(async move { subscribe(client, true).await.keep_reading() });
    }
    watched.watch(begun, WATCHED).await;
    Ok(Figures {
        bytes_in: bytes.written() - written,
        bytes_out: bytes.read() - read,
        cpu_seconds: watched.cpu_seconds(),
        resident_bytes: watched.resident_more(),
        remarks: format!("{} of {DEAF} who do not read closed", watched.slow_ones()),
        ..Figures::default()
    })
}

async fn member(gateway: &GatewayProcess, bytes: &Arc<Bytes>) -> Result<Client> {
    let mut client = Client::open(gateway.address(), ("/ws", "v12.stomp"), bytes).await?;
    client
        .write("CONNECT\naccept-version:1.2\nhost:x\n\n\0")
        .await?;
    client.until("CONNECTED").await?;
    let join = format!("SEND\ndestination:/app/rooms/{ROOM}/join\nreceipt:in\n\n{{}}\0");
    client.write(join).await?;
    client.until("RECEIPT").await?;
    Ok(client)
}

/// Subscribes and ends that, over and over, and reads meanwhile or not.
async fn subscribe(mut client: Client, reads: bool) -> Client {
    let destination = format!("/topic/rooms/{ROOM}/members");
    let again = |number: u64| {
        let (id, former) = (number % IDS, (number + 1) % IDS);
        format!("SUBSCRIBE\nid:{id}\ndestination:{destination}\n\n\0UNSUBSCRIBE\nid:{former}\n\n\0")
    };
    let mut written = 0;
    for number in 0.. {
        let frames = again(number);
        written += frames.len() as u64;
        if written > WRITTEN || client.write(frames).await.is_err() {
            break;
        }
        if reads {
            client.read_for(Duration::from_micros(500)).await;
        }
    }
    client
}
