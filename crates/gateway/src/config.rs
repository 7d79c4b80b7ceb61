//! What an operator may choose, and where each choice came from.
//!
//! One table, [`keys`], names every key once and says where its value lives in [`Config`]. File, environment, flags,
//! `check-config` and the test over `docs/configuration.md` all read that table, so a key cannot exist in one of them
//! only. A mistake never ends the reading: all are gathered and told together, each by the name the operator typed.
//!
//! ```text
//! defaults ◄── switchboard.toml ◄── environment ◄── flags ──► rules across keys ──► Loaded { config, warnings }
//! ```

mod address;
mod auth;
mod cluster;
mod dialects;
mod effective;
mod environment;
mod fetch;
mod file;
mod ice;
mod key_file;
mod keys;
mod limits;
mod load;
mod media;
mod mistake;
mod origin;
mod otel;
mod otlp;
mod process;
mod proxy;
mod raw;
mod readable;
mod redis_url;
mod rules;
mod secret;
mod session;
mod setting;
mod source;
mod time;
mod tls;
mod url;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub use auth::{AdminConfig, AuthConfig, AuthMode, JwtConfig};
pub use cluster::{ClusterConfig, NodeConfig, RedisConfig, RoutingConfig};
pub use dialects::{DialectName, ErrorTexts, SocketIoConfig};
pub use fetch::{FetchConfig, FetchHeaders};
pub use ice::{IceConfig, IceUrl};
pub use limits::LimitsConfig;
pub use load::{Loaded, load, load_to_ask};
pub use media::{MediaConfig, MediaKind, MediaUrl};
pub use mistake::{Mistake, Mistakes};
pub use origin::Origin;
pub use otlp::{Endpoint, OtlpConfig, Ratio};
pub use process::{DrainConfig, LogConfig, LogFormat};
pub use proxy::{Network, ProxyConfig, ProxyProtocol};
pub use redis_url::RedisUrl;
pub use secret::Secret;
pub use session::{RoomConfig, SessionConfig};
pub use source::{Flag, Sources};
pub use tls::TlsConfig;
pub(crate) use tls::{CertificateFiles, Contents, Pair};
pub use url::HttpUrl;

/// Everything a node can be told. Each field says its unit, its default and what zero means.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where clients connect. Default `127.0.0.1:8080`; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Where `/metrics`, `/healthz`, `/readyz` and the server API are. Default unset: on `listen`. Set: only there.
    pub ops_listen: Option<SocketAddr>,
    /// Web pages that may connect. Default empty: those of this machine while on loopback, only the same origin beyond.
    pub origins: Vec<Origin>,
    /// A folder whose files are served, its `index.html` at `/`. Default unset: the demo page at `/`.
    pub static_dir: Option<PathBuf>,
    /// What clients may speak. Default: everything.
    pub dialects: Vec<DialectName>,
    /// The language of what clients of the tutorials are told. Default `en`.
    pub error_texts: ErrorTexts,
    /// Socket.IO.
    pub socketio: SocketIoConfig,
    /// This node among the others.
    pub node: NodeConfig,
    /// The Redis that nodes share.
    pub redis: RedisConfig,
    /// Who may connect.
    pub auth: AuthConfig,
    /// STUN and TURN.
    pub ice: IceConfig,
    /// The certificate on `listen`.
    pub tls: TlsConfig,
    /// Media servers.
    pub media: MediaConfig,
    /// Whose word about a client's address counts.
    pub proxy: ProxyConfig,
    /// What all nodes agree on.
    pub cluster: ClusterConfig,
    /// Timings of one session.
    pub session: SessionConfig,
    /// Sizes of rooms.
    pub room: RoomConfig,
    /// What one client, and all together, may ask of the node.
    pub limits: LimitsConfig,
    /// How the node stops.
    pub drain: DrainConfig,
    /// How signals travel.
    pub routing: RoutingConfig,
    /// The server API.
    pub admin: AdminConfig,
    /// What the node says about itself.
    pub log: LogConfig,
    /// Where traces go.
    pub otlp: OtlpConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            ops_listen: None,
            origins: Vec::new(),
            static_dir: None,
            dialects: DialectName::ALL.to_vec(),
            error_texts: ErrorTexts::default(),
            socketio: SocketIoConfig::default(),
            node: NodeConfig::default(),
            redis: RedisConfig::default(),
            auth: AuthConfig::default(),
            ice: IceConfig::default(),
            tls: TlsConfig::default(),
            media: MediaConfig::default(),
            proxy: ProxyConfig::default(),
            cluster: ClusterConfig::default(),
            session: SessionConfig::default(),
            room: RoomConfig::default(),
            limits: LimitsConfig::default(),
            drain: DrainConfig::default(),
            routing: RoutingConfig::default(),
            admin: AdminConfig::default(),
            log: LogConfig::default(),
            otlp: OtlpConfig::default(),
        }
    }
}

impl Config {
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub fn ops_listener(&self) -> SocketAddr {
        self.ops_listen.unwrap_or(self.listen)
    }
}
