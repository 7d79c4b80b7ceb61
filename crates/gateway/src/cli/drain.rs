//! `switchboard drain`.

mod ask_node;
mod follow;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use http::Uri;

use self::ask_node::Target;
use super::healthcheck::ops_address;
use super::print;
use crate::config::{Config, Secret};
use crate::drain::{Request, Share};

const EXAMPLES: &str = "\
Examples:
  The node on this machine, before it is replaced: its clients move to other nodes, then it stops:
    SWITCHBOARD_ADMIN__TOKEN=… switchboard drain

  A new node has come and this one is full: a fifth of its sessions moves, and it goes on serving:
    switchboard drain --share 20% --config switchboard.toml

  Another machine's node, over five minutes, without waiting for the end:
    switchboard drain --url http://10.0.0.5:8080 --window-ms 300000 --no-wait

  A node behind TLS, with a certificate of an authority of your own:
    switchboard drain --url https://gw-1.internal:9443 --ca-file /etc/switchboard/ca.pem

The token is admin.token, the same that the node has. Clients are sent away one after another, each at its own
moment; their calls go on. --url says where the node's ops routes are (ops_listen, or listen where that is unset);
it must lead to one node, not to a load balancer. https:// trusts the authorities of the system, or of SSL_CERT_FILE if
that is set, and those of --ca-file. HTTP_PROXY and the like are not used.";

/// Which node drains, and how.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DrainArgs {
    /// Move this part of the sessions, such as 20% or 0.2, and go on serving [default: move all and stop]
    #[arg(long)]
    share: Option<Share>,

    /// Where the node's ops routes are, such as http://10.0.0.5:8080 [default: the configured address on this machine]
    #[arg(long)]
    url: Option<Uri>,

    /// Trust the certificates of these authorities too (a file in PEM), beside the system's; for an https:// URL
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// The node's admin.token [default: the configured one, as from SWITCHBOARD_ADMIN__TOKEN]
    #[arg(long)]
    token: Option<String>,

    /// The time over which the clients are told to move, in milliseconds [default: the node's drain.window_ms]
    #[arg(long, value_name = "MS")]
    window_ms: Option<u64>,

    /// When the node closes the clients that are left; with --share, when it stops watching [default: the node's
    /// drain.deadline_ms]
    #[arg(long, value_name = "MS")]
    deadline_ms: Option<u64>,

    /// Return as soon as it has begun
    #[arg(long)]
    no_wait: bool,
}

impl DrainArgs {
    /// Tells the node to begin, and shows its progress until it ends.
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let url = match self.url {
            Some(url) => url,
            None => format!("http://{}", ops_address(config)?).parse()?,
        };
        let configured = || {
            config
                .admin
                .token
                .as_ref()
                .map(|token| token.expose().into())
        };
        let token: String = self.token.or_else(configured).context(
            "there is no token to show: set SWITCHBOARD_ADMIN__TOKEN, or admin.token in the file, to the node's own",
        )?;
        let node = Target::find(&url, self.ca_file.as_deref(), Secret::from(&*token)).await?;
        let begun = node
            .drain(&Request {
                share: self.share,
                window_ms: self.window_ms,
                deadline_ms: self.deadline_ms,
            })
            .await?;
        let what = match begun.share {
            Some(share) => format!("moves {share} of its sessions ({})", begun.sessions),
            None => format!("moves its {} connections and stops", begun.sessions),
        };
        print(&format!("{} {what}\n", begun.node))?;
        if self.no_wait {
            return Ok(());
        }
        print(&format!("{}\n", follow::follow(&node, &begun).await?))
    }
}
