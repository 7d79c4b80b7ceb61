//! The other nodes, and their addresses for the time when Redis cannot be asked.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use http::Uri;
use switchboard_cluster::Leases;
use switchboard_cluster::leases::LeaseError;
use switchboard_protocol::NodeId;

use super::{Report, UP};
use crate::http_client::{Bounds, CannotTrust, HttpClient, Question, Trust};

/// Nodes that are remembered. With so many, one of them most likely still runs.
const KNOWN_MAX: usize = 16;
/// Nodes that are asked at the same time.
const ASKED_MAX: usize = 3;
/// A node that takes longer counts as one that does not answer.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(1),
    total: Duration::from_secs(1),
    body_bytes_max: 64 * 1024,
};

/// Ops addresses of other nodes, read from Redis while it answered.
#[derive(Debug)]
pub(crate) struct Neighbours {
    known: HashMap<NodeId, String>,
    client: HttpClient,
}

impl Neighbours {
    /// None is known yet.
    pub(crate) fn new() -> Result<Self, CannotTrust> {
        Ok(Self {
            known: HashMap::new(),
            client: HttpClient::new(BOUNDS, Trust::PlainHttp)?,
        })
    }

    /// Reads which nodes there are. The address of a node never changes, so only those of new nodes are read. After an
    /// error the known nodes stay known.
    pub(super) async fn learn(
        &mut self,
        leases: &dyn Leases,
        own: &NodeId,
    ) -> Result<(), LeaseError> {
        let mut others: Vec<_> = leases.read().await?;
        others.retain(|lease| lease.node != *own && lease.claimed_by.is_none());
        self.known
            .retain(|known, _| others.iter().any(|lease| lease.node == *known));
        fastrand::shuffle(&mut others);
        for lease in others {
            if self.known.len() >= KNOWN_MAX {
                break;
            }
            // If one record cannot be read, the others still are.
            if !self.known.contains_key(&lease.node)
                && let Ok(Some(info)) = leases.info(&lease.node).await
            {
                self.known.insert(lease.node, info.ops_address);
            }
        }
        Ok(())
    }

    /// Asks a few nodes, picked at random. True if one of them says that it reaches Redis.
    pub(super) async fn one_reaches_redis(&self) -> bool {
        let asked = fastrand::choose_multiple(self.known.iter(), ASKED_MAX);
        let asked = asked.into_iter();
        let answers = asked.map(|(node, address)| self.reaches_redis(node, address));
        join_all(answers).await.contains(&true)
    }

    /// The report of a node that is not ready (503) counts too.
    async fn reaches_redis(&self, node: &NodeId, address: &str) -> bool {
        let Ok(url) = format!("http://{address}/readyz").parse::<Uri>() else {
            return false;
        };
        match self.client.answer(Question::get(&url)).await {
            Ok(answer) => {
                serde_json::from_slice(&answer.body).is_ok_and(|report: Report| report.redis == UP)
            }
            Err(error) => {
                tracing::debug!(node.id = %node, %error, "another node does not answer");
                false
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use switchboard_cluster::{Format, NodeInfo, memory};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::*;

    /// A node that answers every question with `body`: where it is, and how many there were.
    pub(in crate::health) async fn neighbour(
        status: u16,
        body: String,
    ) -> (String, watch::Receiver<u32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let answer = format!(
            "HTTP/1.1 {status} .\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (count, asked) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                let mut request = [0; 1024];
                let length = socket.read(&mut request).await.expect("a request");
                assert!(request[..length].starts_with(b"GET /readyz HTTP/1.1\r\n"));
                let _ = socket.write_all(answer.as_bytes()).await;
                count.send_modify(|count| *count += 1);
            }
        });
        (address, asked)
    }

    pub(in crate::health) fn info(ops_address: String) -> NodeInfo {
        NodeInfo {
            ops_address,
            version: "0.1.0".into(),
            format: Format::OWN,
            started_at: 0,
        }
    }

    async fn one_of(addresses: &[&str]) -> bool {
        let node = |name: usize| NodeId::start(&name.to_string());
        let known = addresses.iter().enumerate();
        let mut neighbours = Neighbours::new().expect("a client");
        neighbours.known = known
            .map(|(index, address)| (node(index), address.to_string()))
            .collect();
        neighbours.one_reaches_redis().await
    }

    #[tokio::test]
    async fn one_neighbour_that_reaches_redis_is_enough() {
        let (up, _) = neighbour(
            503,
            r#"{"ready":false,"redis":"up","reason":"draining"}"#.into(),
        )
        .await;
        let (down, _) =
            neighbour(200, r#"{"ready":true,"redis":"connection refused"}"#.into()).await;
        let (odd, _) = neighbour(200, "ok\n".into()).await;
        let nobody = {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            listener.local_addr().expect("an address").to_string()
        };
        assert!(one_of(&[&down, &up, &nobody]).await);
        assert!(!one_of(&[&down, &odd, &nobody]).await);
        assert!(!one_of(&["not an address"]).await);
        assert!(!one_of(&[]).await);
    }

    #[tokio::test]
    async fn a_neighbour_that_says_nothing_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = silent.local_addr().expect("an address").to_string();
        let started = tokio::time::Instant::now();
        assert!(!one_of(&[&address]).await);
        assert!(started.elapsed() < BOUNDS.total * 3);
    }

    #[tokio::test]
    async fn live_nodes_are_known_and_neither_oneself_nor_the_dead() {
        let leases = memory::backend().leases;
        let [own, other, dead] = ["own", "other", "dead"].map(NodeId::start);
        for node in [&own, &other, &dead] {
            let entered = leases.register(node, &info(format!("{node}:1"))).await;
            assert_eq!(entered, Ok(true));
        }
        let table = leases.read().await.expect("the table");
        let seen = table.iter().find(|lease| lease.node == dead);
        let claimed = leases.claim(seen.expect("an entry"), &other).await;
        assert_eq!(claimed, Ok(true));

        let mut neighbours = Neighbours::new().expect("a client");
        neighbours.learn(&*leases, &own).await.expect("it answers");
        assert_eq!(
            neighbours.known,
            HashMap::from([(other.clone(), format!("{other}:1"))])
        );
        leases.release(&other).await.expect("it answers");
        neighbours.learn(&*leases, &own).await.expect("it answers");
        assert_eq!(neighbours.known, HashMap::new());
    }
}
