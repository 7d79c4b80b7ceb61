//! Flags that set keys of the configuration.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Flag, Sources};

/// Flags for the common keys, and `--set` for all of them. Values are read with the rest of the configuration, so that
/// all mistakes are reported together.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// Read this TOML file first [env: SWITCHBOARD_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where clients connect [default: 127.0.0.1:8080; env PORT changes the port]
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Where /metrics, /healthz and /readyz are, if not there too
    #[arg(long, global = true, value_name = "ADDRESS")]
    ops_listen: Option<String>,

    /// A web origin that may connect, such as https://app.example.com, or *; repeat for more [env: ALLOWED_ORIGINS]
    #[arg(long, global = true, value_name = "ORIGIN")]
    origin: Vec<String>,

    /// The Redis that the nodes share; without it this node is alone [env: REDIS_URL]
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,

    /// The readable part of the node's id [default: the host name]
    #[arg(long, global = true, value_name = "NAME")]
    node_name: Option<String>,

    /// host:port where other nodes reach this one's /readyz
    #[arg(long, global = true, value_name = "ADDRESS")]
    ops_address: Option<String>,

    /// open or required [default: required once there is a key (env JWT_SECRET)]
    #[arg(long, global = true, value_name = "MODE")]
    auth_mode: Option<String>,

    /// pretty or json
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,

    /// What is logged, such as info or warn,switchboard_cluster=debug
    #[arg(long, global = true, value_name = "FILTER")]
    log_filter: Option<String>,

    /// Set any key, such as room.capacity=12; lists have commas between their entries
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl ConfigArgs {
    /// These flags together with this process's environment and limits.
    pub fn into_sources(self) -> Sources {
        let origins = (!self.origin.is_empty()).then(|| self.origin.join(","));
        let named = [
            ("--listen", "listen", self.listen),
            ("--ops-listen", "ops_listen", self.ops_listen),
            ("--origin", "origins", origins),
            ("--redis-url", "redis.url", self.redis_url),
            ("--node-name", "node.name", self.node_name),
            ("--ops-address", "node.ops_address", self.ops_address),
            ("--auth-mode", "auth.mode", self.auth_mode),
            ("--log-format", "log.format", self.log_format),
            ("--log-filter", "log.filter", self.log_filter),
        ];
        let named = named.into_iter().filter_map(|(name, path, value)| {
            Some(Flag {
                name: name.into(),
                path: path.into(),
                value: value?,
            })
        });
        let set = self.set.into_iter().map(|(path, value)| Flag {
            name: format!("--set {path}"),
            path,
            value,
        });
        Sources::of_process(self.config, named.chain(set).collect())
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("write key=value, such as room.capacity=12")?;
    Ok((key.trim().into(), value.into()))
}
