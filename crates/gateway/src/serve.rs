//! Puts a gateway together, runs it and takes it apart.

mod listening;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use switchboard_cluster::node::{Node, Settings};
use switchboard_cluster::redis::{self, RedisConfig};
use switchboard_cluster::{
    Alarm, Backend, ClusterKey, Format, InFlightMax, NodeInfo, Reach, memory,
};
use switchboard_connection::Host;
use switchboard_protocol::NodeId;
use switchboard_traces::Traces;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::listening::{announce, bind, bounds, preamble, tls};
use crate::arrivals::Arrivals;
use crate::auth::Authenticator;
use crate::capacity::{Capacity, OPS_CONNECTIONS};
use crate::config::{AuthMode, Config};
use crate::doors::Doors;
use crate::drain::{self, Drained, Drains, Order, Signals};
use crate::gateway::{Gateway, rules};
use crate::health::{self, Neighbours, Readiness};
use crate::http::{self, origin::Origins};
use crate::http_rates::HttpRates;
use crate::ice::Ice;
use crate::listener;
use crate::media::MediaServer;
use crate::metrics::Metrics;
use crate::open_files;
use crate::otlp::{self, Export};
use crate::registry::Registry;
use crate::source::Proxies;
use crate::tasks::{self, NodeFailed, Task, guarded, spawn_vital};
use crate::tls;

/// The node answers for so long after a drain, so that `switchboard drain`, which asks more often, can show the last
/// numbers.
const LAST_LOOK: Duration = Duration::from_millis(500);
/// What a node that stops waits for its last spans to be taken.
const LAST_EXPORT: Duration = Duration::from_secs(5);
/// The same for a node that has failed: the sooner it ends, the sooner others take over.
const LAST_EXPORT_OF_FAILED: Duration = Duration::from_secs(1);

/// Runs a gateway until a signal or an order by HTTP stops it.
///
/// # Errors
/// An address cannot be listened on, or the Redis URL cannot be used; [`NodeFailed`] when a task panicked that the node cannot
/// do without.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let capacity = capacity(&config);
    let signals = Signals::new().context("cannot listen for signals")?;
    let listener = bind(config.listen, "listen")?;
    let ops_listener = match config.ops_listen {
        Some(address) => Some(bind(address, "ops_listen")?),
        None => None,
    };
    let ops_address = ops_listener.as_ref().unwrap_or(&listener).local_addr()?;
    let gateway = assemble(config, capacity, ops_address)?;
    let tls = tls(&gateway)?;
    let neighbours = Neighbours::new().context("cannot make an HTTP client")?;
    let stop_accepting = CancellationToken::new();
    let http_tasks = TaskTracker::new();
    announce(&listener, ops_listener.as_ref(), &gateway);
    let alarm = gateway.node.alarm();
    let accept = |listener, most, router, preamble, stop| {
        let (bounds, tasks) = (bounds(&gateway, preamble), http_tasks.clone());
        let doors = Doors::new(most, gateway.metrics.shed_counters());
        let accepting = listener::serve(listener, doors, router, bounds, tasks, stop);
        spawn_vital(&http_tasks, Task::Accept, alarm, accepting);
    };
    // The ops routes answer until the end: a load balancer, Prometheus and `switchboard drain` want to see a node drain.
    let stop_ops = CancellationToken::new();
    let stop_public = match ops_listener {
        Some(ops_listener) => {
            let ops = http::ops(gateway.clone());
            let stop = stop_ops.clone();
            accept(ops_listener, OPS_CONNECTIONS, ops, None, stop);
            stop_accepting.clone()
        }
        None => stop_ops.clone(),
    };
    let public = http::public(gateway.clone());
    let served = tls.as_ref().map(|(tls, _)| tls.clone());
    let preamble = preamble(&gateway, served);
    accept(
        listener,
        capacity.connections,
        public,
        preamble,
        stop_public,
    );
    gateway.node.start();
    if let Some((tls, hang_ups)) = tls {
        let renewing = tls.keep_fresh(hang_ups, tls::LOOK_EVERY, stop_ops.clone());
        spawn_vital(&http_tasks, Task::Certificate, alarm, renewing);
    }
    keep_asking_others(&gateway, &http_tasks, &stop_ops);
    say_if_redis_is_absent(&gateway);
    let watching = health::watch(gateway.readiness.clone(), neighbours, stop_ops.clone());
    let watching = spawn_vital(&http_tasks, Task::Health, alarm, watching);
    let running = async |signals: &mut Signals| run(&gateway, &stop_accepting, signals).await;
    run_and_export(alarm, &gateway.export, signals, running).await?;
    stop_ops.cancel();
    let _ = watching.await;
    Ok(())
}

/// Starts what asks issuers for their keys, and a provider for TURN credentials, until `stop`.
fn keep_asking_others(gateway: &Gateway, tasks: &TaskTracker, stop: &CancellationToken) {
    let alarm = gateway.node.alarm();
    for reading in gateway.authenticator.keep_fresh(stop) {
        spawn_vital(tasks, Task::Keys, alarm, reading);
    }
    if gateway.config.ice.fetch.url.is_some() {
        let (ice, stop) = (gateway.ice.clone(), stop.clone());
        let fetching = async move { ice.keep_fresh(stop).await };
        spawn_vital(tasks, Task::Ice, alarm, fetching);
    }
}

/// Runs until the end or a failure, and exports the last spans.
async fn run_and_export(
    alarm: &Alarm,
    export: &Export,
    mut signals: Signals,
    run: impl AsyncFnOnce(&mut Signals),
) -> Result<(), NodeFailed> {
    let ran = unless_failed(alarm, run(&mut signals)).await;
    let patience = match ran {
        Ok(()) => LAST_EXPORT,
        Err(_) => LAST_EXPORT_OF_FAILED,
    };
    tokio::select! {
        biased;
        () = export.stop(patience) => {}
        () = signals.next() => tracing::warn!("another signal: the last spans are not waited for"),
    }
    ran
}

/// Runs until the end, or until a task panics that the node cannot do without.
async fn unless_failed(alarm: &Alarm, run: impl Future<Output = ()>) -> Result<(), NodeFailed> {
    let running = pin!(run);
    tokio::select! {
        ended = guarded(Task::Main, running) => ended.map_err(|_| NodeFailed(Task::Main.name())),
        task = alarm.raised() => Err(NodeFailed(task)),
    }
}

async fn run(gateway: &Arc<Gateway>, stop_accepting: &CancellationToken, signals: &mut Signals) {
    let mut is_watched = false;
    let order = tokio::select! {
        () = signals.next() => {
            let order = Order::configured(&gateway.config.drain);
            // If an order by HTTP came at the same moment, it counts.
            match gateway.drains.stop(order) {
                Ok(()) => order,
                Err(_) => gateway.drains.stopping().await,
            }
        }
        order = gateway.drains.stopping() => {
            is_watched = true;
            signals.expect_one();
            order
        }
    };
    say_how_it_ended(&drain::drain(gateway, order, stop_accepting, signals).await);
    if is_watched {
        let _ = timeout(LAST_LOOK, signals.next()).await;
    }
}

fn say_how_it_ended(drained: &Drained) {
    let (moved, closed, left) = (
        drained.progress.moved,
        drained.progress.closed,
        drained.progress.left,
    );
    let (cut, clean) = (drained.cut, drained.clean);
    let words = format!(
        "{moved} sessions moved to other nodes, {closed} connections were closed, {left} left by themselves"
    );
    if clean && cut == 0 {
        tracing::info!(moved, closed, left, "stopped: {words}");
    } else {
        tracing::warn!(
            moved,
            closed,
            left,
            cut,
            clean,
            "stopped before all was done: {words}, {cut} were cut off; other nodes clean up what is left"
        );
    }
}

/// Raises the limit of open files, and says what it allows.
fn capacity(config: &Config) -> Capacity {
    let open_files = open_files::raise().unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files could not be raised");
        open_files::current()
    });
    let capacity = Capacity::new(&config.limits, open_files.now);
    let of_system =
        |limit: Option<u64>| limit.map_or("unlimited".into(), |limit| limit.to_string());
    tracing::info!(
        open_files = of_system(open_files.now),
        open_files_before = of_system(open_files.before),
        sessions = capacity.sessions,
        connections = capacity.connections,
        "room for {} connections, {} of them sessions; other files are kept for Redis, logs and the ops routes",
        capacity.connections,
        capacity.sessions,
    );
    capacity
}

/// A gateway whose node is not started yet.
fn assemble(
    config: Config,
    capacity: Capacity,
    ops_address: SocketAddr,
) -> anyhow::Result<Arc<Gateway>> {
    let backend = backend(&config)?;
    let metrics = Arc::new(Metrics::new());
    let id = NodeId::start(&config.node.name_or_host());
    let (traces, export) = otlp::start(&config.otlp, &id, metrics.span_counters())?;
    let node = Node::new(
        id,
        settings(&config, ops_address, traces),
        backend.clone(),
        metrics.clone(),
    );
    let registry = Arc::new(Registry::new(capacity, metrics.shed_counters()));
    let authenticator = Authenticator::from_config(
        &config.auth,
        &config.limits,
        metrics.clone(),
        Arc::new(node.clone()),
    )?;
    let ice =
        Ice::from_config(&config.ice, &metrics.ice_fetch_counter()).context("ice.fetch.url")?;
    let (authenticator, ice) = (Arc::new(authenticator), Arc::new(ice));
    let now = Instant::now();
    let tasks = TaskTracker::new();
    Ok(Arc::new(Gateway {
        host: Arc::new(Host::new(
            node.clone(),
            Arc::new(rules(&config)),
            ice.clone(),
            MediaServer::from_config(&config.media)?,
            metrics.clone(),
            tasks.clone(),
        )),
        origins: Origins::from_config(&config),
        proxies: Arc::new(Proxies::from_config(&config.proxy)),
        drains: Drains::new(registry.clone()),
        registry,
        authenticator,
        arrivals: Arc::new(Arrivals::from_config(&config.limits, now)),
        http_rates: HttpRates::from_config(&config.limits, now),
        ice,
        readiness: Arc::new(Readiness::new(
            node.clone(),
            backend,
            config.redis.url.is_none(),
        )),
        metrics,
        export,
        node,
        tasks,
        started: now,
        config,
    }))
}

fn backend(config: &Config) -> anyhow::Result<Backend> {
    let Some(url) = &config.redis.url else {
        return Ok(memory::backend());
    };
    let redis = RedisConfig {
        url: url.expose().into(),
        key_prefix: config.redis.key_prefix.clone(),
    };
    redis::connect(&redis).context("redis.url")
}

fn settings(config: &Config, ops_address: SocketAddr, traces: Traces) -> Settings {
    let started_at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Settings {
        info: NodeInfo {
            ops_address: config.node.ops_address_of(ops_address),
            version: env!("CARGO_PKG_VERSION").into(),
            format: Format::OWN,
            started_at: u64::try_from(started_at.as_millis()).unwrap_or(u64::MAX),
        },
        cluster_key: config
            .cluster
            .key
            .as_ref()
            .map(|key| ClusterKey::derive(key.expose())),
        lease: config.cluster.lease,
        delivery_deadline: config.session.delivery_deadline,
        heartbeat_timeout: config.session.heartbeat_timeout,
        resume_window: config.session.resume_window,
        in_flight: InFlightMax {
            signals: config.limits.in_flight as usize,
            bytes: config.limits.in_flight_bytes,
            node_bytes: config.limits.node_in_flight_bytes,
        },
        away_max: config.limits.sessions,
        away_bytes: match config.auth.mode() {
            AuthMode::Open => config.limits.away_bytes_anonymous,
            AuthMode::Required => config.limits.away_bytes,
        },
        sessions_per_user: config.limits.sessions_per_user,
        revocations_kept: config.auth.revocations_kept,
        linger_max: config.routing.linger_max,
        local_shortcut: config.routing.local_shortcut,
        traces,
    }
}

/// Logs once, a moment after the start, why the node is not ready if Redis does not answer.
fn say_if_redis_is_absent(gateway: &Gateway) {
    let mut reach = gateway.readiness.reach();
    tasks::spawn(&gateway.tasks, Task::Health, async move {
        let soon = Duration::from_secs(2);
        let reached = timeout(soon, reach.wait_for(Reach::is_reached))
            .await
            .is_ok();
        if !reached {
            let Reach::Never(why) = &*reach.borrow() else {
                return;
            };
            tracing::warn!(%why, "Redis does not answer: this node is not ready and comes up by itself once Redis does");
        }
    });
}

#[cfg(test)]
mod tests;
