//! Directory, leases and bus on Redis 6 or Valkey; on a Cluster, of Redis 7 or Valkey. The one place that knows fred.
//!
//! | URL | |
//! | --- | --- |
//! | `redis://[user:password@]host[:6379][/database]` | one server |
//! | `redis-sentinel://[user:password@]host[:26379][/database]?sentinelServiceName=mymaster` | the master of that name, as the Sentinel at that address knows it; `&node=host:port` for each further Sentinel, `&sentinelUsername=…&sentinelPassword=…` where they ask for it |
//! | `redis-cluster://[user:password@]host[:6379]` | a Cluster; `?node=host:port&node=…` for further nodes, to be found by while the first is down |
//!
//! Name every Sentinel, and at least one node of a Cluster for each master: a node that starts, or has to start over, has
//! no other server to ask. `rediss://`, `rediss-sentinel://` and `rediss-cluster://` are the same over TLS, to all of them,
//! by the system's certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded) or with `caFile=/path/ca.pem`;
//! `certFile=…&keyFile=…` is shown to a Redis that asks for a certificate. All speak RESP3.
//!
//! Three connections (on a Cluster, each to every master): commands and scripts; PUBLISH alone, so that a frame never
//! waits behind a script's answer; and the subscription, alone because of its own output buffer limit at the server. Each
//! is tended by a task of its own ([`connection`]), and [`Reach`](crate::backend::Reach) says that all three answer and do
//! what clients need, as was [tried](capable). The one for commands also tells of [doubts](doubts), and the subscription is
//! [probed](probe).
//!
//! ```text
//! {b} = the bucket's tag                                    in one slot with
//! sb:{b}:room:<id>:members   set   peer ids: who is in        all of its bucket
//! sb:{b}:room:<id>:roster    hash  peer id -> record          "
//! sb:{b}:room:<id>:meta      hash  revision ready capacity    "
//!                                  owner created_at order hidden
//! sb:{b}:revision            text  new rooms start above it   "
//! sb:{b}:alive               text  missing: forgotten         "
//! sb:{peer:<id>}             hash  epoch proven node user      itself
//!                                  room:<id>… former owner shown
//! sb:{user:<id>}:peers       hash  peer id -> node            itself
//! sb:{user:<id>}:cutoff      text  older tokens are revoked   "
//! sb:{revoked}:log           stream  kind id before until     itself
//! sb:{node:<id>}:peers       set   what to clean up           itself
//! sb:nodes                   hash  node id -> counter claimer itself
//! sb:node:<id>               hash  what it tells of itself    itself
//! sb:cluster                 hash  key generation             itself
//! sb:{b}:probe                     written and deleted at once, to see whether Redis takes it; also a channel
//! channel sb:probe:<random>        a node that starts hears itself over it
//! channel sb:node:<id>             frames to that node; on a Cluster a sharded one
//! ```

mod buckets;
mod bus;
mod capable;
mod clients;
mod commands;
mod config;
mod config_error;
mod connection;
mod credential;
mod directory;
mod doubts;
mod failure;
pub(crate) mod keys;
mod leases;
mod peers;
mod policy;
mod probe;
mod publish;
mod reach;
pub(crate) mod record;
mod reply;
mod revocations;
mod rooms;
pub(crate) mod script;
mod signs;
mod tls;
mod trouble;
mod url;
mod words;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::observe::unreadable::Unreadable;
use crate::tasks::Alarm;

pub use config::RedisConfig;
pub use config_error::ConfigError;

use capable::PublishLine;
use clients::Fleet;
use commands::Commands;
use connection::tend;
use doubts::CommandLine;
use keys::Keys;
use reach::ReachBoard;

/// Opens a backend on Redis. Returns at once, Redis there or not: what [`Backend::reach`] says follows. Must be called
/// within a tokio runtime; the connections close when the last clone of the backend is dropped.
pub fn connect(config: &RedisConfig) -> Result<Backend, ConfigError> {
    let keys = Keys::new(config.prefix()?);
    let fleet = Fleet::build(config)?;
    let board = ReachBoard::new(&fleet.address);
    let (reach, wire) = (board.reach(), board.wire());
    let stop = CancellationToken::new();
    let subscription = bus::Subscription::new(fleet.subscriber, &fleet.publisher, keys.clone());

    let line = CommandLine::new(fleet.commands.clone(), keys.clone());
    let doubts = line.doubts();
    let alarm = Alarm::default();
    tend(line, board.line(), &alarm, stop.clone());
    let publishing = PublishLine {
        client: fleet.publisher.clone(),
        keys: keys.clone(),
    };
    tend(publishing, board.line(), &alarm, stop.clone());
    tend(subscription.clone(), board.line(), &alarm, stop.clone());
    policy::warn_of_eviction(fleet.commands.clone(), reach.clone(), stop.clone());

    let unreadable = Arc::<Unreadable>::default();
    let guard = Arc::new(stop.clone().drop_guard());
    let commands = |client| Commands::new(client, reach.clone(), guard.clone());
    // Signals go on while Redis takes no writes.
    let publisher = Commands::new(&fleet.publisher, wire.clone(), guard.clone());
    Ok(Backend {
        directory: Arc::new(directory::RedisDirectory {
            commands: commands(&fleet.commands),
            keys: keys.clone(),
            unreadable: unreadable.clone(),
        }),
        leases: Arc::new(leases::RedisLeases {
            commands: commands(&fleet.commands),
            keys: keys.clone(),
            unreadable: unreadable.clone(),
        }),
        bus: Arc::new(bus::RedisBus {
            publisher,
            subscription,
            keys,
            reach: wire,
            alarm: alarm.clone(),
            stop,
        }),
        reach,
        doubts,
        alarm,
        unreadable,
    })
}
