//! What a session weighs: native sessions joined in rooms of two, idle, then after a signal of 2.5 KB each way. Prints, for
//! each session, resident memory of the gateway, memory of Redis, and CPU of both for coming in and for being idle; then what
//! an idle session weighs over TLS, beside one without. Nothing is asserted.
//!
//! ```text
//! cargo bench -p switchboard-gateway --bench memory [-- --quick]
//! ```

mod tls;

use std::fs;
use std::time::Duration;

use futures_util::future::join_all;
use switchboard_client::{Acknowledger, Connection, Options};
use switchboard_protocol::client_message::{Join, Signal};
use switchboard_protocol::{ClientMessage, Encoding, Payload, PeerId, ServerMessage};
use switchboard_testkit::{GatewayProcess, RedisServer, cpu_time};

const PAYLOAD_BYTES: usize = 2500;
/// Two heartbeats.
const IDLE: Duration = Duration::from_secs(30);

struct Session {
    connection: Connection,
    peer: PeerId,
    room: String,
    acknowledger: Acknowledger,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let pairs = if quick { 500_u32 } else { 2500 };
    let redis = RedisServer::start();
    whole_life(&redis, pairs).await;
    tls::beside_plain(&redis, pairs / 5).await;
}

/// A gateway with this Redis, and more settings.
fn start(redis: &RedisServer, more: &[&str]) -> GatewayProcess {
    let url = format!("redis.url={}", redis.url());
    let settings = [
        &*url,
        "log.filter=warn,switchboard_gateway::serve=info",
        // Sessions that wait for their turn to exchange a signal read no pings.
        "session.heartbeat_timeout_ms=300000",
    ];
    let settings = [&settings, more].concat();
    GatewayProcess::start_ready(env!("CARGO_BIN_EXE_switchboard"), &settings)
}

/// The first ones pay for what all share.
async fn warm_up(url: &str, name: &str) -> Vec<[Session; 2]> {
    let mut warm = Vec::new();
    for index in 0..20 {
        warm.push(open_pair(url, &format!("warm-{name}-{index}")).await);
    }
    exchange(&mut warm).await;
    warm
}

async fn whole_life(redis: &RedisServer, pairs: u32) {
    let gateway = start(redis, &[]);
    println!(
        "{} native sessions in rooms of two, one gateway, Redis\n",
        2 * pairs
    );
    let _warm = warm_up(&gateway.url(), "first").await;
    let count = f64::from(2 * pairs);
    let empty = Use::now(&gateway, redis);
    println!(
        "gateway alone {:.1} MiB\n",
        empty.resident_bytes / 1024.0 / 1024.0
    );
    let mut sessions = Vec::new();
    for index in 0..pairs {
        sessions.push(open_pair(&gateway.url(), &format!("room-{index}")).await);
    }
    let joined = Use::now(&gateway, redis);
    be_idle(&mut sessions).await;
    let idle = Use::now(&gateway, redis);
    exchange(&mut sessions).await;
    let after = Use::now(&gateway, redis);

    let kib = |bytes: f64| bytes / count / 1024.0;
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / count;
    let resident = |now: &Use| kib(now.resident_bytes - empty.resident_bytes);
    println!("a session                gateway      Redis");
    println!(
        "idle              {:>8.2} KiB {:>6.2} KiB   gateway at most 12",
        resident(&joined),
        kib(joined.redis_bytes - empty.redis_bytes)
    );
    println!(
        "after traffic     {:>8.2} KiB              at most 20",
        resident(&after)
    );
    println!(
        "to come and join  {:>8.0} µs  {:>6.0} µs   CPU",
        micros(joined.cpu - empty.cpu),
        micros(joined.redis_cpu - empty.redis_cpu)
    );
    println!(
        "idle for {} s     {:>8.0} µs  {:>6.0} µs   CPU",
        IDLE.as_secs(),
        micros(idle.cpu - joined.cpu),
        micros(idle.redis_cpu - joined.redis_cpu)
    );
}

/// What gateway and Redis have used so far.
struct Use {
    resident_bytes: f64,
    redis_bytes: f64,
    cpu: Duration,
    redis_cpu: Duration,
}

impl Use {
    fn now(gateway: &GatewayProcess, redis: &RedisServer) -> Self {
        Self {
            resident_bytes: resident_bytes(gateway) as f64,
            redis_bytes: used_memory(redis),
            cpu: cpu_time(gateway.pid()),
            redis_cpu: cpu_time(redis.pid()),
        }
    }
}

/// Answers pings, and reads what is left of the joins.
async fn be_idle(pairs: &mut [[Session; 2]]) {
    let all = pairs.iter_mut().flatten();
    let idle = all.map(|session| {
        tokio::time::timeout(IDLE, async {
            loop {
                session.next().await;
            }
        })
    });
    let ended: Vec<Result<(), _>> = join_all(idle).await;
    assert!(ended.iter().all(Result::is_err), "idling has no end");
}

fn used_memory(redis: &RedisServer) -> f64 {
    let info = redis.call(&["INFO", "memory"]);
    let used = info
        .lines()
        .find_map(|line| line.trim().strip_prefix("used_memory:"));
    used.and_then(|bytes| bytes.parse().ok())
        .expect("Redis tells its memory")
}

async fn open_pair(url: &str, room: &str) -> [Session; 2] {
    let (mut one, other) = (open(url, room).await, open(url, room).await);
    while !matches!(one.next().await, ServerMessage::Ready(_)) {}
    [one, other]
}

async fn open(url: &str, room: &str) -> Session {
    let (connection, welcome) = Connection::open(&Options::new(url))
        .await
        .expect("the gateway welcomes");
    let mut session = Session {
        connection,
        peer: welcome.peer,
        room: room.into(),
        acknowledger: Acknowledger::default(),
    };
    let join = Join {
        id: 1,
        room: room.into(),
        state: None,
        capacity: None,
    };
    session
        .connection
        .feed(&ClientMessage::Join(join))
        .expect("a join can be written");
    while !matches!(session.next().await, ServerMessage::Joined(_)) {}
    session
}

/// One signal each way, each handled and answered.
async fn exchange(pairs: &mut [[Session; 2]]) {
    for [one, other] in pairs {
        one.signal(other.peer);
        other.signal(one.peer);
        tokio::join!(one.settle(), other.settle());
    }
}

impl Session {
    async fn next(&mut self) -> ServerMessage {
        self.connection.next().await.expect("the connection holds")
    }

    fn signal(&mut self, to: PeerId) {
        let payload = format!("\"{}\"", "x".repeat(PAYLOAD_BYTES - 2));
        let signal = Signal {
            id: 2,
            room: self.room.as_str().into(),
            to: Some(to.as_str().into()),
            kind: "offer".into(),
            payload: Payload {
                encoding: Encoding::Json,
                bytes: payload.as_bytes(),
            },
            traceparent: None,
        };
        self.connection
            .feed(&ClientMessage::Signal(signal))
            .expect("the signal can be written");
    }

    /// Handles one signal, and waits for the answer to one.
    async fn settle(&mut self) {
        let (mut handled, mut answered) = (false, false);
        while !(handled && answered) {
            match self.next().await {
                ServerMessage::Signal(signal) => {
                    handled = self.acknowledger.handled(signal.from, signal.id);
                    for receipt in self.acknowledger.take_receipts() {
                        self.connection
                            .feed(&receipt)
                            .expect("a receipt can be written");
                    }
                }
                ServerMessage::Delivered(_) => answered = true,
                ServerMessage::Undelivered(lost) => panic!("nothing should be lost here: {lost:?}"),
                _ => {}
            }
        }
        self.connection.flush().await.expect("the connection holds");
    }
}

fn resident_bytes(gateway: &GatewayProcess) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", gateway.pid())).expect("the gateway runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("status tells the resident size");
    let kib: u64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number of kB");
    kib * 1024
}
