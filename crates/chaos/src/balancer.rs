//! A TCP balancer in front of the gateways, which asks each whether it is ready.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use switchboard_traffic::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Time between two questions to a gateway.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// A gateway that does not answer for so long is taken out.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends each new connection to the ready gateway that has the fewest.
pub(crate) struct Balancer {
    backends: Backends,
    cancel: CancellationToken,
    _stop: DropGuard,
}

#[derive(Clone, Default)]
pub(crate) struct Backends(Arc<Mutex<Vec<Backend>>>);

struct Backend {
    address: SocketAddr,
    ready: bool,
    connections: usize,
}

impl Balancer {
    /// A balancer without gateways. Must be called within a runtime.
    pub(crate) fn start() -> Self {
        let cancel = CancellationToken::new();
        Self {
            backends: Backends::default(),
            _stop: cancel.clone().drop_guard(),
            cancel,
        }
    }

    /// Adds a gateway, which counts as ready until it answers otherwise.
    pub(crate) fn add(&self, address: SocketAddr) {
        self.backends.lock().push(Backend {
            address,
            ready: true,
            connections: 0,
        });
        tokio::spawn(
            self.cancel
                .clone()
                .run_until_cancelled_owned(check(self.backends.clone(), address)),
        );
    }

    /// Removes a gateway that has ended.
    pub(crate) fn remove(&self, address: SocketAddr) {
        let mut backends = self.backends.lock();
        backends.retain(|backend| backend.address != address);
    }

    /// Where the doors of clients lead.
    pub(crate) fn backends(&self) -> Backends {
        self.backends.clone()
    }
}

impl Backends {
    fn lock(&self) -> MutexGuard<'_, Vec<Backend>> {
        self.0.lock().expect("nobody panics with it")
    }

    /// Notes whether a gateway is ready. False if it was removed.
    fn note(&self, address: SocketAddr, change: impl FnOnce(&mut Backend)) -> bool {
        let mut backends = self.lock();
        let backend = backends
            .iter_mut()
            .find(|backend| backend.address == address);
        backend.map(change).is_some()
    }

    /// Counts a connection to the gateway that is to have it.
    fn choose(&self) -> Option<SocketAddr> {
        let mut backends = self.lock();
        let ready = backends.iter_mut().filter(|backend| backend.ready);
        let chosen = ready.min_by_key(|backend| backend.connections)?;
        chosen.connections += 1;
        Some(chosen.address)
    }
}

/// Asks a gateway again and again, until it is removed.
async fn check(backends: Backends, address: SocketAddr) {
    loop {
        let ready = timeout(CHECK_TIMEOUT, is_ready(address)).await;
        let ready = matches!(ready, Ok(Ok(true)));
        if !backends.note(address, |backend| backend.ready = ready) {
            return;
        }
        sleep(CHECK_EVERY).await;
    }
}

async fn is_ready(address: SocketAddr) -> io::Result<bool> {
    const REQUEST: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

impl Upstream for Backends {
    type ConnectionGuard = Counted;

    async fn connect(&self) -> Option<(TcpStream, Counted)> {
        while let Some(address) = self.choose() {
            let counted = Counted(self.clone(), address);
            let connected = timeout(CHECK_TIMEOUT, TcpStream::connect(address)).await;
            if let Ok(Ok(stream)) = connected {
                return Some((stream, counted));
            }
            self.note(address, |backend| backend.ready = false);
        }
        None
    }
}

/// One of a gateway's connections.
pub(crate) struct Counted(Backends, SocketAddr);

impl Drop for Counted {
    fn drop(&mut self) {
        let Self(backends, address) = self;
        backends.note(*address, |backend| backend.connections -= 1);
    }
}
