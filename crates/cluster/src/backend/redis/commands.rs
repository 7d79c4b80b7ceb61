//! Calls to Redis: scripts by their hash, and the way to plain commands.

use std::sync::Arc;

use fred::clients::{Client, WithOptions};
use fred::interfaces::{ClientLike, FredResult};
use fred::types::{ClusterHash, CustomCommand, Value};
use tokio::sync::watch;
use tokio_util::sync::DropGuard;

use super::clients::failing_fast;
use super::failure::Failure;
use super::reply::Reply;
use super::script::Script;
use crate::backend::Reach;

/// A connection that fails at once while Redis is not reached.
#[derive(Clone)]
pub(super) struct Commands {
    client: WithOptions<Client>,
    reach: watch::Receiver<Reach>,
    /// Closes the connections with the last one who could use them.
    _stop: Arc<DropGuard>,
}

impl Commands {
    pub(super) fn new(
        client: &Client,
        reach: watch::Receiver<Reach>,
        stop: Arc<DropGuard>,
    ) -> Self {
        Self {
            client: failing_fast(client),
            reach,
            _stop: stop,
        }
    }

    /// The client for a plain command, if Redis is reached.
    pub(super) fn client(&self) -> Result<&WithOptions<Client>, Failure> {
        match &*self.reach.borrow() {
            Reach::Reached => Ok(&self.client),
            Reach::Never(why) | Reach::Lost(why) => Err(Failure::Unreachable(why.clone())),
        }
    }

    /// Runs a script by its hash; where Redis does not know it (any more), by its text, which makes it known.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &[&str],
        args: Vec<Value>,
    ) -> Result<Reply, Failure> {
        let answer = evaluate_script(self.client()?, script, keys, args).await?;
        Reply::read(script.name, answer)
    }
}

/// The same on any client.
pub(super) async fn evaluate_script(
    client: &WithOptions<Client>,
    script: &Script,
    keys: &[&str],
    args: Vec<Value>,
) -> FredResult<Value> {
    let call = |command, code: &str| evaluate(client, command, code.into(), keys, args.clone());
    match call("EVALSHA", script.source.sha1()).await {
        Err(error) if error.details().starts_with("NOSCRIPT") => {
            call("EVAL", script.source.lua().map_or("", |lua| lua)).await
        }
        result => result,
    }
}

/// EVAL or EVALSHA. Not fred's own, which it does not pipeline and does not offer with options.
async fn evaluate(
    client: &WithOptions<Client>,
    command: &'static str,
    code: Value,
    keys: &[&str],
    args: Vec<Value>,
) -> FredResult<Value> {
    let first_key = ClusterHash::Offset(2);
    let count = Value::from(keys.len().to_string());
    let all: Vec<Value> = [code, count]
        .into_iter()
        .chain(keys.iter().map(|key| Value::from(*key)))
        .chain(args)
        .collect();
    client
        .custom(CustomCommand::new_static(command, first_key, false), all)
        .await
}
