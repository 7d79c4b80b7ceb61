//! The binary `switchboard`: reads the command line and the configuration, and does what they say.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use switchboard_gateway::cli::{self, Cli, Command};
use switchboard_gateway::config::{self, Loaded, LogConfig, LogFormat};
use tracing_subscriber::EnvFilter;

/// Exit codes: 0 done, 1 failed (a mistake in the configuration too), 2 a command line that is not understood.
fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let sources = cli.config.into_sources();
    let load = || config::load(&sources);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(load()?),
        Command::Token(args) => args.run(&load()?.config),
        Command::CheckConfig => Ok(cli::check_config(&load()?)?),
        Command::Healthcheck(args) => {
            let url = match &args.url {
                Some(url) => url.clone(),
                None => args.configured_url(&load()?.config)?,
            };
            runtime()?.block_on(cli::healthcheck(&url))?;
            Ok(writeln!(io::stdout(), "{url} is well")?)
        }
        Command::Drain(args) => {
            let config = load()?.config;
            runtime()?.block_on(args.run(&config))
        }
    }
}

fn serve(loaded: Loaded) -> anyhow::Result<()> {
    init_logs(&loaded.config.log)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    runtime()?.block_on(switchboard_gateway::serve(loaded.config))
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start threads")
}

/// Logs go to standard error, so that standard output is free for answers.
fn init_logs(log: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(&log.filter)
        .context("log.filter")?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match log.format {
        LogFormat::Pretty => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .init(),
    }
    Ok(())
}
