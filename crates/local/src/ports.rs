//! Ports for programs that cannot choose one themselves.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

use anyhow::{Context, Result};

/// Below the ports that systems assign by themselves (from 32768 on Linux): a program that asks for any port does not
/// get one of these between the choice and the start.
const RANGE: Range<u16> = 20_000..32_000;
const ATTEMPTS: usize = 1000;

/// An address of this machine at which no program listens.
///
/// # Errors
///
/// There is none.
pub fn free_port() -> Result<SocketAddr> {
    let [port] = free_ports()?;
    Ok(port)
}

/// Several of them, each another one.
///
/// # Errors
///
/// There are not so many.
pub(crate) fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    // Kept until all are chosen, so that none is chosen twice.
    let mut listeners = Vec::new();
    for address in &mut addresses {
        let listener = listen()?;
        *address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(addresses)
}

fn listen() -> Result<TcpListener> {
    (0..ATTEMPTS)
        .find_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, fastrand::u16(RANGE))).ok())
        .context("there is no free port between 20000 and 32000")
}
