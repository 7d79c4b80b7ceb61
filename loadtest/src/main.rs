//! `switchboard-loadtest`: many virtual peers, and what their signals cost the servers.

use anyhow::Result;
use clap::{Parser, Subcommand};

mod abuse;
mod bed;
mod figures;
mod node_server;
mod pace;
mod prepare;
mod report;
mod socketio;
mod storm;
mod tally;

/// Measures what a signal costs, Switchboard beside what it replaces; and what the loss of a node does.
#[derive(Parser)]
#[command(name = "switchboard-loadtest")]
struct Cli {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    Socketio(socketio::Options),
    Abuse(abuse::Options),
    Storm(storm::Options),
}

// One thread: what the peers need is taken from the servers, who share the machine with them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Cli::parse().measurement {
        Measurement::Socketio(options) => socketio::measure(&options).await,
        Measurement::Abuse(options) => abuse::measure(&options).await,
        Measurement::Storm(options) => storm::measure(&options).await,
    }
}
