//! What sessions do is a trace, with a step for each call to the directory.

use switchboard_protocol::PeerId;
use switchboard_traces::{TracedOperation, Traces};

use crate::node::Inner;

impl Inner {
    /// Does something for a session, and writes down that it did, if it is traced.
    pub(crate) async fn traced<T, E>(
        &self,
        operation: TracedOperation,
        (session, room): (&PeerId, Option<&str>),
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut span = self.settings.traces.operation(operation, session, room);
        let done = Traces::carry(span.as_deref(), work).await;
        if let Some(span) = &mut span {
            match &done {
                Ok(_) => span.outcome("done", false),
                Err(_) => span.outcome("refused", true),
            }
        }
        done
    }
}
