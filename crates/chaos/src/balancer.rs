//! What stands in front of the gateways: a TCP balancer that asks each whether it is ready, and a door for each client, so
//! that its connections can be counted and cut.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Between two questions to a gateway.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// A gateway that does not answer for so long is taken out.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends each new connection to the ready gateway that has the fewest.
pub(crate) struct Balancer {
    backends: Arc<Backends>,
    cancel: CancellationToken,
    _stop: DropGuard,
}

#[derive(Default)]
struct Backends(Mutex<Vec<Backend>>);

struct Backend {
    address: SocketAddr,
    ready: bool,
    connections: usize,
}

/// Where one client connects.
pub(crate) struct Door {
    address: SocketAddr,
    connections: AtomicU64,
    /// Ends those that are open.
    cut: Mutex<CancellationToken>,
    /// Stops forwarding on those that are open.
    mute: Mutex<CancellationToken>,
}

impl Balancer {
    /// Has no gateways yet. To be called within a runtime.
    pub(crate) fn start() -> Self {
        let cancel = CancellationToken::new();
        Self {
            backends: Arc::default(),
            _stop: cancel.clone().drop_guard(),
            cancel,
        }
    }

    /// From now on this gateway is asked, and used as long as it is ready, which it is for now.
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

    /// A gateway that has ended.
    pub(crate) fn remove(&self, address: SocketAddr) {
        let mut backends = self.backends.lock();
        backends.retain(|backend| backend.address != address);
    }

    /// Opens a door for one client.
    pub(crate) async fn door(&self) -> io::Result<Arc<Door>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let door = Arc::new(Door {
            address: listener.local_addr()?,
            connections: AtomicU64::new(0),
            cut: Mutex::default(),
            mute: Mutex::default(),
        });
        let (backends, opened) = (self.backends.clone(), door.clone());
        let cancel = self.cancel.clone();
        let serve = async move {
            while let Ok((client, _)) = listener.accept().await {
                let serving = serve(backends.clone(), opened.clone(), client);
                tokio::spawn(cancel.clone().run_until_cancelled_owned(serving));
            }
        };
        tokio::spawn(self.cancel.clone().run_until_cancelled_owned(serve));
        Ok(door)
    }
}

impl Door {
    /// `ws://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Connections that reached a gateway, from the first on.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Breaks what is open, without a word to either side.
    pub(crate) fn cut(&self) {
        replace(&self.cut).cancel();
    }

    /// What is open stays open, and nothing comes through it any more: neither side is told.
    pub(crate) fn mute(&self) {
        replace(&self.mute).cancel();
    }

    /// Forwards until one of the two ends it, or the connection is cut.
    async fn forward(&self, client: &mut TcpStream, gateway: &mut TcpStream) {
        let [cut, mute] = [&self.cut, &self.mute].map(|token| lock(token).clone());
        let copied = copy_bidirectional(client, gateway);
        tokio::select! {
            _ = copied => {}
            () = cut.cancelled() => {}
            () = mute.cancelled() => cut.cancelled().await,
        }
    }
}

fn lock(token: &Mutex<CancellationToken>) -> MutexGuard<'_, CancellationToken> {
    token.lock().expect("nobody panics with it")
}

/// Puts a fresh one in its place.
fn replace(token: &Mutex<CancellationToken>) -> CancellationToken {
    std::mem::take(&mut *lock(token))
}

impl Backends {
    fn lock(&self) -> MutexGuard<'_, Vec<Backend>> {
        self.0.lock().expect("nobody panics with it")
    }

    /// Changes what is known of a gateway; `false`: it was removed.
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
async fn check(backends: Arc<Backends>, address: SocketAddr) {
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

/// Connects a client with a gateway until one of the two ends it. A client for whom there is none sees the end at once.
async fn serve(backends: Arc<Backends>, door: Arc<Door>, mut client: TcpStream) {
    while let Some(address) = backends.choose() {
        let connected = timeout(CHECK_TIMEOUT, TcpStream::connect(address)).await;
        if let Ok(Ok(mut gateway)) = connected {
            door.connections.fetch_add(1, Ordering::Relaxed);
            let no_delay = client.set_nodelay(true).and(gateway.set_nodelay(true));
            no_delay.expect("an open connection has this option");
            door.forward(&mut client, &mut gateway).await;
            backends.note(address, |backend| backend.connections -= 1);
            return;
        }
        backends.note(address, |backend| {
            backend.connections -= 1;
            backend.ready = false;
        });
    }
}
