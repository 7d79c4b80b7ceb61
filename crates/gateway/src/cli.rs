//! The command line.

mod config_args;
mod drain;
mod healthcheck;
mod token;

use std::io::{self, Write};

use anyhow::Context;
use clap::{Parser, Subcommand};

pub use config_args::ConfigArgs;
pub use drain::DrainArgs;
pub use healthcheck::{HealthcheckArgs, healthcheck};
pub use token::TokenArgs;

use crate::config::Loaded;

const EXAMPLES: &str = "\
Examples:
  A node on this machine, open to any page here:
    switchboard

  A node that others can reach; who connects needs a token:
    export JWT_SECRET=$(openssl rand -hex 32)
    switchboard --listen 0.0.0.0:8080 --origin https://app.example.com

  Two nodes and a Redis between them:
    switchboard --listen 127.0.0.1:8081 --redis-url redis://127.0.0.1:6379
    switchboard --listen 127.0.0.1:8082 --redis-url redis://127.0.0.1:6379

  A token for alice, valid in rooms that begin with study-, for one hour:
    JWT_SECRET=… switchboard token --user alice --room 'study-*' --ttl 1h

  Send every client of the node on this machine to the others, then stop it; or only some:
    SWITCHBOARD_ADMIN__TOKEN=… switchboard drain
    SWITCHBOARD_ADMIN__TOKEN=… switchboard drain --share 20%

  What would hold here, and where each value comes from:
    switchboard check-config --config switchboard.toml --set room.capacity=12

Any key can be set in a file, as SWITCHBOARD_ and its path with __ between levels
(SWITCHBOARD_ROOM__CAPACITY=12), or with --set. Flags win over the environment,
which wins over the file.";

/// A WebRTC signaling node: it introduces browsers to each other, alone or as one of many around a Redis.
#[derive(Debug, Parser)]
#[command(name = "switchboard", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What the configuration is read from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What to do; `serve` if nothing is given.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a node (also when no command is given)
    Serve,
    /// Print a token for trying out, signed with the configured secret
    Token(TokenArgs),
    /// Print the effective configuration with secrets masked, or every mistake in it
    CheckConfig,
    /// Ask a running node whether it lives, for containers: exit code 0 or 1
    Healthcheck(HealthcheckArgs),
    /// Move a running node's sessions to the others: all and stop it, or a share of them
    Drain(DrainArgs),
}

/// `switchboard check-config`: the configuration on standard output, warnings beside it.
pub fn check_config(loaded: &Loaded) -> anyhow::Result<()> {
    for warning in &loaded.warnings {
        remark(&format!("warning: {warning}"));
    }
    print(&loaded.to_toml())
}

/// Writes an answer to standard output. A reader such as `head` may stop reading before the end: that is no error.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("cannot write to standard output"),
    }
}

/// Writes a line to standard error, beside the answer. If it cannot be written, the answer is still given.
fn remark(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
