//! A door for each client, so that its connections can be counted and cut.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Where doors lead.
pub trait Upstream: Clone + Send + Sync + 'static {
    /// Held as long as the connection lasts.
    type ConnectionGuard: Send;

    /// Opens a connection; `None`: there is nobody now.
    fn connect(&self) -> impl Future<Output = Option<(TcpStream, Self::ConnectionGuard)>> + Send;
}

/// A real balancer: it chooses a gateway itself.
impl Upstream for SocketAddr {
    type ConnectionGuard = ();

    async fn connect(&self) -> Option<(TcpStream, ())> {
        Some((TcpStream::connect(self).await.ok()?, ()))
    }
}

/// Where one client connects.
pub struct Door {
    address: SocketAddr,
    connections: AtomicU64,
    /// Ends those that are open.
    cut: Mutex<CancellationToken>,
    /// Stops forwarding on those that are open.
    mute: Mutex<CancellationToken>,
}

impl Door {
    /// Opens a door for one client. It closes, and what is open with it, once `cancel` is cancelled.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub async fn open<U: Upstream>(
        upstream: U,
        cancel: CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let door = Arc::new(Self {
            address: listener.local_addr()?,
            connections: AtomicU64::new(0),
            cut: Mutex::default(),
            mute: Mutex::default(),
        });
        let (opened, each) = (door.clone(), cancel.clone());
        let serve = async move {
            while let Ok((client, _)) = listener.accept().await {
                let serving = serve(upstream.clone(), opened.clone(), client);
                tokio::spawn(each.clone().run_until_cancelled_owned(serving));
            }
        };
        tokio::spawn(cancel.run_until_cancelled_owned(serve));
        Ok(door)
    }

    /// `ws://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Connections that came through, from the first on.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Breaks what is open, without a word to either side.
    pub fn cut(&self) {
        replace(&self.cut).cancel();
    }

    /// What is open stays open, and nothing comes through it any more: neither side is told.
    pub fn mute(&self) {
        replace(&self.mute).cancel();
    }

    /// Forwards until one of the two ends it, or the connection is cut.
    async fn forward(&self, client: &mut TcpStream, upstream: &mut TcpStream) {
        let [cut, mute] = [&self.cut, &self.mute].map(|token| lock(token).clone());
        let copied = copy_bidirectional(client, upstream);
        tokio::select! {
            _ = copied => {}
            () = cut.cancelled() => {}
            () = mute.cancelled() => cut.cancelled().await,
        }
    }
}

/// Connects a client until one of the two sides ends it. A client for whom there is nobody sees the end at once.
async fn serve<U: Upstream>(upstream: U, door: Arc<Door>, mut client: TcpStream) {
    let Some((mut stream, _guard)) = upstream.connect().await else {
        return;
    };
    door.connections.fetch_add(1, Ordering::Relaxed);
    let no_delay = client.set_nodelay(true).and(stream.set_nodelay(true));
    no_delay.expect("an open connection has this option");
    door.forward(&mut client, &mut stream).await;
}

fn lock(token: &Mutex<CancellationToken>) -> MutexGuard<'_, CancellationToken> {
    token.lock().expect("nobody panics with it")
}

/// Puts a fresh one in its place.
fn replace(token: &Mutex<CancellationToken>) -> CancellationToken {
    std::mem::take(&mut *lock(token))
}
