//! The binary `switchboard`: reads the command line and the configuration, and does what they say.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use switchboard_gateway::NodeFailed;
use switchboard_gateway::cli::{self, Cli, Command};
use switchboard_gateway::config::{self, Loaded};
use switchboard_gateway::log::Log;

/// EX_SOFTWARE of sysexits(3).
const NODE_FAILED: u8 = 70;
/// The time that running tasks get when the process ends.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

/// Exit codes: 0 done, 1 failed (a mistake in the configuration too), 2 a command line that is not understood, 70 a task
/// panicked that the node cannot do without.
fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            // If standard error cannot be written to, the exit code still tells.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let sources = cli.config.into_sources();
    let load = || config::load_to_ask(&sources);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => return serve(config::load(&sources)?),
        Command::Token(args) => args.run(&load()?.config)?,
        Command::CheckConfig => cli::check_config(&config::load(&sources)?)?,
        Command::Healthcheck(args) => {
            let url = match &args.url {
                Some(url) => url.clone(),
                None => args.configured_url(&load()?.config)?,
            };
            runtime()?.block_on(cli::healthcheck(&url, args.ca_file.as_deref()))?;
            cli::print(&format!("{url} is well\n"))?;
        }
        Command::Drain(args) => {
            let config = load()?.config;
            runtime()?.block_on(args.run(&config))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(loaded: Loaded) -> anyhow::Result<ExitCode> {
    let log = Log::start(&loaded.config.log)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = runtime()?;
    let served = runtime.block_on(switchboard_gateway::serve(loaded.config));
    let code = match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.say(&format!("{error:#}"));
            match error.is::<NodeFailed>() {
                true => ExitCode::from(NODE_FAILED),
                false => ExitCode::FAILURE,
            }
        }
    };
    runtime.shutdown_timeout(SHUTDOWN_MAX);
    log.finish();
    Ok(code)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")
}
