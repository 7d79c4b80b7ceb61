//! Ports for programs that must be told one.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

use anyhow::{Context, Result};

/// Below those that systems give out by themselves (from 32768 on Linux): nobody who asks for any port gets one of these
/// between the choice and the start.
const RANGE: Range<u16> = 20_000..32_000;
const ATTEMPTS: usize = 1000;

/// An address of this machine at which nobody listens.
///
/// # Errors
///
/// There is none.
pub fn free_port() -> Result<SocketAddr> {
    (0..ATTEMPTS)
        .map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(RANGE))))
        .find(|address| TcpListener::bind(address).is_ok())
        .context("there is no free port between 20000 and 32000")
}
