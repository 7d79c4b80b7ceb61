//! Traffic: clients in rooms of three that send one another signals all the time.

use std::time::Duration;

use switchboard_client::{Client, Events, Options};
use switchboard_protocol::{Encoding, Payload, RoomId};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// As many as there are gateways: haproxy gives each room one client on each.
const MEMBERS: usize = 3;
const ROOMS: usize = 4;
const KINDS: [&str; 3] = ["offer", "answer", "candidate"];
const PAUSE: Duration = Duration::from_millis(40);

/// Clients that go on until they are told to stop.
pub(crate) struct Load {
    clients: JoinSet<()>,
    stop: CancellationToken,
}

impl Load {
    pub(crate) async fn start(url: &str) -> Self {
        let stop = CancellationToken::new();
        let mut clients = JoinSet::new();
        for number in 0..ROOMS * MEMBERS {
            let room: RoomId = format!("room-{}", number / MEMBERS)
                .parse()
                .expect("a name");
            let connected = Client::connect(Options::new(url)).await;
            let (client, events) = connected.expect("a gateway lets it in");
            client.join(&room, None, None).await.expect("it may join");
            clients.spawn(listen(events));
            clients.spawn(send(client, room, stop.clone()));
        }
        Self { clients, stop }
    }

    /// Says goodbye, and waits until everybody has gone.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("no client panics");
        }
    }
}

async fn listen(mut events: Events) {
    while events.next().await.is_some() {}
}

/// What becomes of a signal does not matter here: some are sent while Redis is away.
async fn send(client: Client, room: RoomId, stop: CancellationToken) {
    let payload = Payload {
        encoding: Encoding::Json,
        bytes: b"{\"sdp\":\"v=0\"}".as_slice().into(),
    };
    for kind in KINDS.iter().cycle() {
        let signal = client.signal(&room, None, kind, payload.clone());
        tokio::select! {
            () = stop.cancelled() => break,
            _ = signal => sleep(PAUSE).await,
        }
    }
    client.bye().await;
}
