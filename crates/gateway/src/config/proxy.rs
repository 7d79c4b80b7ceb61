//! Which proxies are believed about the client behind them.

use std::fmt;
use std::net::IpAddr;

use http::HeaderName;

use super::raw::shortened;
use super::setting::Word;

/// Keys `proxy.*`.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// Proxies whose word about a client's address counts. Default empty: nobody's, the TCP connection alone tells.
    pub trusted: Vec<Network>,
    /// The header in which they say it. Default `x-forwarded-for`; `forwarded` is read as RFC 7239 has it, any other name
    /// as a list of addresses.
    pub header: HeaderName,
    /// Whether each connection on `listen` begins with a header of PROXY protocol. Default `off`.
    pub protocol: ProxyProtocol,
}

/// PROXY protocol on `listen`. Whether it is spoken is said, never guessed: otherwise a client could begin so, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// It is not.
    #[default]
    Off,
    /// Each connection comes from a trusted proxy and begins with a header, version 1 or 2.
    Required,
}

impl fmt::Display for ProxyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Required => "required",
        })
    }
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            header: HeaderName::from_static("x-forwarded-for"),
            protocol: ProxyProtocol::default(),
        }
    }
}

/// Addresses with the same first bits, as `10.0.0.0/8`; one address alone has all of them in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix_bits: u32,
}

impl Network {
    /// Whether `address` is one of them. An IPv4 address is the same one in its IPv6 form.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix_bits) == self.first
    }

    /// Whether every address of its kind is one of them.
    pub fn is_everybody(&self) -> bool {
        self.prefix_bits == 0
    }

    /// `None` when `text` is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (canonical, written_bits) = (address.to_canonical(), address_bits(address));
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let unwrapped = written_bits - address_bits(canonical);
        let prefix_bits = bits.unwrap_or(written_bits).checked_sub(unwrapped)?;
        (prefix_bits <= address_bits(canonical)).then(|| Self {
            first: masked(canonical, prefix_bits),
            prefix_bits,
        })
    }
}

fn address_bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first bits cleared.
fn masked(address: IpAddr, prefix_bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX
                .checked_shl(32 - prefix_bits.min(32))
                .unwrap_or_default();
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX
                .checked_shl(128 - prefix_bits.min(128))
                .unwrap_or_default();
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_bits)
    }
}

impl Word for Network {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| {
            format!(
                "`{}` is not a network such as 10.0.0.0/8, 2001:db8::/32 or one address",
                shortened(text)
            )
        })
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Word for HeaderName {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!(
                "`{}` is not the name of a header such as x-forwarded-for, forwarded or x-real-ip",
                shortened(text)
            )
        })
    }

    fn write(&self) -> String {
        self.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::read(text).expect(text)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn a_network_contains_what_shares_its_first_bits() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.5", "10.0.0.5", "10.0.0.6"),
            ("192.168.1.77/24", "192.168.1.1", "192.168.2.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"),
        ] {
            assert!(network(text).contains(address(inside)), "{text} {inside}");
            assert!(
                !network(text).contains(address(outside)),
                "{text} {outside}"
            );
        }
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.1.2.3")));
        assert!(!network("0.0.0.0/0").contains(address("2001:db8::1")));
        assert!(network("::/0").is_everybody() && !network("::/1").is_everybody());
    }

    #[test]
    fn a_network_is_shown_without_the_bits_that_do_not_count() {
        assert_eq!(network("192.168.1.77/24").write(), "192.168.1.0/24");
        assert_eq!(network("10.0.0.5").write(), "10.0.0.5/32");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "10.0.0.0/33",
            "::/129",
            "10.0.0",
            "proxy",
            "10.0.0.0/-1",
            "::ffff:1.2.3.4/95",
            "/8",
            "",
        ] {
            assert!(Network::read(text).is_err(), "{text}");
        }
        for text in ["x forwarded", "", "a:b"] {
            assert!(HeaderName::read(text).is_err(), "{text}");
        }
    }
}
