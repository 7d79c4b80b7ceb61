//! Where tokens come from.

use std::future::Future;
use std::pin::Pin;

use super::control::Control;

/// Gets a token; `None`: there is none to be had, one may still come with
/// [`Client::set_token`](super::Client::set_token).
pub type TokenProvider =
    Box<dyn FnMut() -> Pin<Box<dyn Future<Output = Option<String>> + Send>> + Send>;

/// Both sources: the application gives one, or is asked.
pub(super) struct Tokens {
    provider: Option<TokenProvider>,
    /// What it was asked for.
    provided: Option<Pin<Box<dyn Future<Output = Option<String>> + Send>>>,
    /// How many the application gave.
    given: u64,
    /// One that was given and is not tried yet.
    untried: Option<String>,
    wanted: bool,
}

impl Tokens {
    pub(super) fn new(provider: Option<TokenProvider>) -> Self {
        Self {
            provider,
            provided: None,
            given: 0,
            untried: None,
            wanted: false,
        }
    }

    /// One is needed: that which was given since the last, or the provider is asked.
    pub(super) fn get(&mut self) -> Option<String> {
        self.wanted = true;
        let untried = self.untried.take();
        if untried.is_none() {
            self.provided = self.provider.as_mut().map(|provider| provider());
        }
        untried
    }

    /// The application gave one, if it did.
    pub(super) fn given(&mut self, control: Control) -> Option<String> {
        if control.tokens == self.given {
            return None;
        }
        self.given = control.tokens;
        self.untried.clone_from(&control.token);
        control.token
    }

    /// What the provider said. Cancel safe.
    pub(super) async fn provided(&mut self) -> Option<String> {
        let Some(provided) = &mut self.provided else {
            return std::future::pending().await;
        };
        let token = provided.as_mut().await;
        self.provided = None;
        token
    }

    /// A connection is opened with the newest token. Whether one was waited for.
    pub(super) fn got_one(&mut self) -> bool {
        let wanted = std::mem::take(&mut self.wanted);
        if wanted {
            self.provided = None;
            self.untried = None;
        }
        wanted
    }

    /// A connection is being opened, with the newest token.
    pub(super) fn tried(&mut self) {
        self.untried = None;
    }
}
