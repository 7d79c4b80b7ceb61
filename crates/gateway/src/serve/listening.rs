//! The listeners of a gateway, what is spoken on each, and where they are.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};

use crate::config::ProxyProtocol;
use crate::gateway::Gateway;
use crate::listener::{Bounds, Preamble};
use crate::tls::{HangUps, Tls};

pub(super) fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    listen(address).with_context(|| not_listening(address, key))
}

/// The error of the system stands behind it.
fn not_listening(address: SocketAddr, key: &str) -> String {
    let variable = format!("SWITCHBOARD_{}", key.to_uppercase());
    format!(
        "{key}: cannot listen on {address}; stop what uses it, or choose an address of this machine and a port that this \
         process may use ({variable}, --set {key}=…)"
    )
}

/// With a backlog for all clients of a lost node that connect at the same moment; the system may allow less.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    const BACKLOG: u32 = 4096;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The certificate on `listen`, and the signal that has it read again.
pub(super) fn tls(gateway: &Gateway) -> anyhow::Result<Option<(Arc<Tls>, HangUps)>> {
    let Some(files) = gateway.config.tls.files() else {
        return Ok(None);
    };
    let hang_ups = HangUps::new().context("cannot listen for SIGHUP")?;
    let tls = Tls::load(files, gateway.metrics.certificate())?;
    Ok(Some((Arc::new(tls), hang_ups)))
}

/// What connections on `listen` begin with; `None`: with HTTP.
pub(super) fn preamble(gateway: &Gateway, tls: Option<Arc<Tls>>) -> Option<Preamble> {
    let proxies = match gateway.config.proxy.protocol {
        ProxyProtocol::Off => None,
        ProxyProtocol::Required => Some(gateway.proxies.clone()),
    };
    let failures = gateway.metrics.opening_failures();
    (proxies.is_some() || tls.is_some()).then_some(Preamble {
        proxies,
        tls,
        failures,
    })
}

pub(super) fn bounds(gateway: &Gateway, preamble: Option<Preamble>) -> Arc<Bounds> {
    Arc::new(Bounds {
        read_timeout: gateway.config.limits.header_read_timeout,
        proxies: gateway.proxies.clone(),
        preamble,
    })
}

/// Logs where people and programs find this node. Tests read the addresses from this line when a port is 0.
pub(super) fn announce(
    listener: &TcpListener,
    ops_listener: Option<&TcpListener>,
    gateway: &Gateway,
) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let ops_listen = ops_listener.and_then(|listener| listener.local_addr().ok());
    let ops_listen = ops_listen.unwrap_or(address);
    let scheme = match gateway.config.tls.files() {
        Some(_) => "https",
        None => "http",
    };
    let backend = match &gateway.config.redis.url {
        Some(url) => format!("Redis at {url}"),
        None => "embedded: one node, nothing to install".into(),
    };
    tracing::info!(
        node.id = %gateway.node.id(),
        listen = %address,
        %ops_listen,
        backend,
        "open {scheme}://{address}/ for the demo page"
    );
}
