//! Where tokens come from.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

use super::command::Control;

/// Gets a token; `None`: there is none to be had, one may still come with
/// [`Client::set_token`](super::Client::set_token).
pub type TokenProvider =
    Box<dyn FnMut() -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send>;

/// Both sources: the application gives one, or is asked.
pub(super) struct Tokens {
    provider: Option<TokenProvider>,
    given: watch::Receiver<Control>,
}

impl Tokens {
    pub(super) fn new(provider: Option<TokenProvider>, given: watch::Receiver<Control>) -> Self {
        Self { provider, given }
    }

    /// One that was given since the last call.
    pub(super) fn given(&mut self) -> Option<String> {
        if !self.given.has_changed().unwrap_or(false) {
            return None;
        }
        self.given.borrow_and_update().token.clone()
    }

    /// One that was given already or comes from the provider; else waits until the application gives one. `None` once
    /// nobody can.
    pub(super) async fn another(&mut self) -> Option<String> {
        if let Some(token) = self.given() {
            return Some(token);
        }
        if let Some(provider) = &mut self.provider
            && let Some(token) = provider().await
        {
            return Some(token);
        }
        self.given.changed().await.ok()?;
        self.given.borrow_and_update().token.clone()
    }
}
