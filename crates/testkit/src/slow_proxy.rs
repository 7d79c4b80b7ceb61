//! A slow network in front of a server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// The most chunks that are on their way in one direction of a connection. When there are more the sender waits.
const CHUNKS_MAX: usize = 4096;

/// Forwards TCP connections to a port of the loopback address: at once, until it is told to be slow. Bytes keep their
/// order. Takes no new connections once dropped.
pub struct SlowProxy {
    port: u16,
    pace: Arc<Pace>,
}

#[derive(Default)]
struct Pace {
    /// Each way.
    delay_ms: AtomicU64,
    /// More or less by so much, at random.
    jitter_ms: AtomicU64,
    stopped: AtomicBool,
}

/// Bytes, and when they arrive.
type Chunk = (Instant, Vec<u8>);

impl SlowProxy {
    /// Starts one in front of that port.
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener
            .local_addr()
            .expect("a listener has an address")
            .port();
        let pace = Arc::<Pace>::default();
        let accepted = pace.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepted.stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A server that is not there ends the connection, as it would without a proxy.
                let _ = forward(&client, to, &accepted);
            }
        });
        Self { port, pace }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on bytes take this delay each way, more or less by up to `jitter`.
    pub fn slow_down(&self, delay: Duration, jitter: Duration) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.pace.delay_ms.store(millis(delay), Ordering::Relaxed);
        self.pace.jitter_ms.store(millis(jitter), Ordering::Relaxed);
    }
}

impl Drop for SlowProxy {
    fn drop(&mut self) {
        self.pace.stopped.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Pace {
    fn draw(&self) -> Duration {
        let delay = self.delay_ms.load(Ordering::Relaxed);
        let jitter = self.jitter_ms.load(Ordering::Relaxed).min(delay);
        Duration::from_millis(fastrand::u64(delay - jitter..=delay + jitter))
    }
}

fn forward(client: &TcpStream, to: u16, pace: &Arc<Pace>) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    for stream in [client, &server] {
        stream.set_nodelay(true)?;
    }
    for (from, to) in [(client, &server), (&server, client)] {
        let (from, to, pace) = (from.try_clone()?, to.try_clone()?, pace.clone());
        let (sender, receiver) = sync_channel(CHUNKS_MAX);
        thread::spawn(move || take(from, &sender, &pace));
        thread::spawn(move || hand_on(to, &receiver));
    }
    Ok(())
}

fn take(mut from: TcpStream, chunks: &SyncSender<Chunk>, pace: &Pace) {
    let mut bytes = vec![0; 65_536];
    let mut due = Instant::now();
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        due = due.max(Instant::now() + pace.draw());
        if chunks.send((due, bytes[..length].to_vec())).is_err() {
            return;
        }
    }
}

fn hand_on(mut to: TcpStream, chunks: &Receiver<Chunk>) {
    while let Ok((due, bytes)) = chunks.recv() {
        sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RedisServer;

    #[test]
    fn an_answer_takes_twice_the_delay_and_comes_whole() {
        let redis = RedisServer::start_empty();
        let proxy = SlowProxy::start(redis.port());
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).expect("it listens");
        let mut ask = || {
            let since = Instant::now();
            stream.write_all(b"PING\r\n").expect("it reads");
            let mut answer = [0; 7];
            stream.read_exact(&mut answer).expect("it answers");
            assert_eq!(&answer, b"+PONG\r\n");
            since.elapsed()
        };
        ask();
        let delay = Duration::from_millis(100);
        proxy.slow_down(delay, Duration::ZERO);
        assert!(ask() >= 2 * delay);
    }
}
