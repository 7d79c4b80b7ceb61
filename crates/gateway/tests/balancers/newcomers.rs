//! Clients that come while a gateway drains, each once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchboard_client::{Client, ConnectError, Events, Options};
use switchboard_traffic::Door;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

const PAUSE: Duration = Duration::from_millis(200);
const MOVED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) struct Newcomers {
    balancer: SocketAddr,
    welcomed: Vec<Newcomer>,
    refused: Vec<ConnectError>,
    cancel: CancellationToken,
    _doors: DropGuard,
}

struct Newcomer {
    client: Client,
    _events: Events,
    door: Arc<Door>,
    /// Where it was welcomed at first.
    gateway: String,
}

impl Newcomers {
    pub(crate) fn to(balancer: SocketAddr) -> Self {
        let cancel = CancellationToken::new();
        Self {
            balancer,
            welcomed: Vec::new(),
            refused: Vec::new(),
            _doors: cancel.clone().drop_guard(),
            cancel,
        }
    }

    /// One more tries.
    pub(crate) async fn come(&mut self) {
        let door = Door::open(self.balancer, self.cancel.clone())
            .await
            .unwrap();
        match Client::connect(Options::new(door.url())).await {
            Ok((client, events)) => self.welcomed.push(Newcomer {
                gateway: gateway_of(&client),
                client,
                _events: events,
                door,
            }),
            Err(error) => self.refused.push(error),
        }
        sleep(PAUSE).await;
    }

    /// Nobody was turned away, and those whom `gateway` welcomed have moved once, the others never. Gives how many came, and
    /// how many of them to that gateway; they say goodbye.
    pub(crate) async fn end_well(self, gateway: &str) -> (usize, usize) {
        assert!(self.refused.is_empty(), "{:?}", self.refused);
        let come = self.welcomed.len();
        let mut there = 0;
        let deadline = Instant::now() + MOVED_WITHIN;
        for newcomer in self.welcomed {
            let was_there = newcomer.gateway == gateway;
            there += usize::from(was_there);
            while gateway_of(&newcomer.client) == gateway {
                assert!(Instant::now() < deadline, "somebody stays at {gateway}");
                sleep(LOOK_EVERY).await;
            }
            assert_eq!(newcomer.door.connections(), 1 + u64::from(was_there));
            newcomer.client.bye().await;
        }
        (come, there)
    }
}

/// Where it is, without the random part that each start has.
fn gateway_of(client: &Client) -> String {
    let node = client.welcome().node.to_string();
    let name = node.rsplit_once('-').map(|(name, _)| name.to_owned());
    name.unwrap_or(node)
}
