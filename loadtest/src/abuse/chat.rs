//! The MDN chat: everybody takes one name after another, and each is told to all.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use switchboard_testkit::GatewayProcess;
use tokio::time::Instant;

use super::Figures;
use super::client::{Bytes, Client};
use super::watched::Watched;

const CLIENTS: usize = 100;
const NAMES: usize = 100;
/// Between two names of one client: what is refused for its rate costs nobody anything.
const PAUSE: Duration = Duration::from_millis(40);
/// From the first name on.
const WATCHED: Duration = Duration::from_secs(5);

pub(super) async fn measure(binary: &Path) -> Result<Figures> {
    let gateway = GatewayProcess::start_ready(binary, &["limits.sessions_per_user=1000"]);
    let bytes = Arc::new(Bytes::default());
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut client = Client::open(gateway.address(), ("/", "json"), &bytes).await?;
        client.write(username(number, 0)).await?;
        client.until("userlist").await?;
        clients.push(client);
    }
    for client in &mut clients {
        client.read_for(Duration::from_millis(5)).await;
    }
    let (written, read) = (bytes.written(), bytes.read());
    let mut watched = Watched::new(vec![&gateway]);
    let begun = Instant::now();
    for (number, mut client) in clients.into_iter().enumerate() {
        tokio::spawn(async move {
            for name in 1..=NAMES {
                if client.write(username(number, name)).await.is_err() {
                    return;
                }
                client.read_for(PAUSE).await;
            }
            client.keep_reading();
        });
    }
    watched.watch(begun, WATCHED).await;
    Ok(Figures {
        bytes_in: bytes.written() - written,
        bytes_out: bytes.read() - read,
        cpu_seconds: watched.cpu_seconds(),
        resident_bytes: watched.resident_more(),
        ..Figures::default()
    })
}

/// 35 bytes.
fn username(client: usize, name: usize) -> String {
    format!(r#"{{"type":"username","name":"{client:02}{name:03}"}}"#)
}
