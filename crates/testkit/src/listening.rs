//! Finds in `/proc` where another process listens, if its log cannot be read.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

/// As `/proc/net/tcp` writes the state of a socket that listens.
const LISTEN: &str = "0A";

/// The IPv4 address that a process listens on, once it does.
pub(crate) fn listening_on(pid: u32) -> Option<SocketAddr> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let sockets: Vec<_> = files
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .filter_map(|link| {
            let link = link.to_str()?.strip_prefix("socket:[")?;
            Some(link.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let is_its = *state == LISTEN && sockets.iter().any(|socket| socket == inode);
        is_its.then(|| address(local)).flatten()
    })
}

/// `0100007F:1F90` is 127.0.0.1:8080: the address in the machine's own byte order.
fn address(hex: &str) -> Option<SocketAddr> {
    let (ip, port) = hex.split_once(':')?;
    let ip = u32::from_str_radix(ip, 16).ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some((Ipv4Addr::from(ip.to_ne_bytes()), port).into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_process_is_found_where_it_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        assert_eq!(listening_on(std::process::id()), Some(address));
    }
}
