//! Directory, leases and bus on Redis (standalone for now; every key already lies in the slot where Redis Cluster needs
//! it). The one place that knows fred.
//!
//! Three connections: commands and scripts; PUBLISH alone, so that a frame never waits behind a script's answer; and the
//! subscription, alone because of its own output buffer limit at the server. Each is tended by a task of its own
//! ([`connection`]), and [`Reach`](crate::backend::Reach) says that all three answer.
//!
//! ```text
//! {b} = the bucket's tag                                    in one slot with
//! sb:{b}:room:<id>:members   set   peer ids: who is in        all of its bucket
//! sb:{b}:room:<id>:roster    hash  peer id -> record          "
//! sb:{b}:room:<id>:meta      hash  revision ready capacity    "
//!                                  owner created_at order hidden
//! sb:{b}:revision            text  new rooms start above it   "
//! sb:{b}:alive               text  missing: forgotten         "
//! sb:{peer:<id>}             hash  epoch node user room:<id>… itself
//! sb:{user:<id>}:peers       hash  peer id -> node            itself
//! sb:{node:<id>}:peers       set   what to clean up           itself
//! sb:nodes                   hash  node id -> counter claimer itself
//! sb:node:<id>               hash  what it tells of itself    itself
//! sb:cluster                 hash  key generation             itself
//! channel sb:node:<id>             frames to that node
//! ```

mod buckets;
mod bus;
mod clients;
mod commands;
mod config;
mod connection;
mod directory;
mod failure;
mod keys;
mod leases;
mod peers;
mod policy;
mod reach;
mod record;
mod reply;
mod rooms;
mod script;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::backend::Backend;

pub use config::{ConfigError, RedisConfig};

use clients::Fleet;
use commands::Commands;
use connection::tend;
use keys::Keys;
use reach::ReachBoard;

/// Opens a backend on Redis. Returns at once, Redis there or not: what [`Backend::reach`] says follows. Must be called
/// within a tokio runtime; the connections close when the last clone of the backend is dropped.
pub fn connect(config: &RedisConfig) -> Result<Backend, ConfigError> {
    let keys = Keys::new(config.prefix()?);
    let fleet = Fleet::build(config)?;
    let (board, reach) = ReachBoard::new(&fleet.address);
    let stop = CancellationToken::new();
    let subscription = bus::Subscription::new(fleet.subscriber);

    tend(fleet.commands.clone(), board.line(), stop.clone());
    tend(fleet.publisher.clone(), board.line(), stop.clone());
    tend(subscription.clone(), board.line(), stop.clone());
    policy::warn_of_eviction(fleet.commands.clone(), reach.clone(), stop.clone());

    let stop = Arc::new(stop.drop_guard());
    let commands = |client| Commands::new(client, reach.clone(), stop.clone());
    Ok(Backend {
        directory: Arc::new(directory::RedisDirectory::new(
            commands(&fleet.commands),
            keys.clone(),
        )),
        leases: Arc::new(leases::RedisLeases::new(
            commands(&fleet.commands),
            keys.clone(),
        )),
        bus: Arc::new(bus::RedisBus::new(
            commands(&fleet.publisher),
            subscription,
            keys,
        )),
        reach,
        doubts: board.doubts(),
    })
}
