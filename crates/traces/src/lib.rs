//! OpenTelemetry spans of a node. One offer is one trace over both of its gateways:
//!
//! ```text
//! send signal ──────────────────────────────────────────────┐   sender's node, until every receiver is answered for
//!   ├─ publish frame     sender's node, linked to every traced signal in it
//!   ├─ process signal    receiver's node: from the frame to the outbox
//!   │    └─ write signal    …until the kernel has it
//!   └─ settle signal     the receipt is back ───────────────┘
//! ```
//!
//! Joins, resumes and moves are traces too ([`Traces::operation`]). There is no span for a session: it would hold its
//! events until it ends, days later.
//!
//! A node that exports no spans has [`Traces::off`], and each question costs one branch. Which signals are traced is decided
//! once, at the sender's node ([`sampling`]); the decision travels in the envelope's `traceparent`.
//!
//! The crate knows neither OTLP nor HTTP: the gateway gives it a tracer that exports.

mod current;
mod names;
mod operation;
pub mod sampling;
mod signal;
mod slow;
mod span;
mod traceparent;
mod traces;

pub use current::{Current, current};
pub use opentelemetry::trace::SpanContext;
pub use operation::TracedOperation;
pub use signal::{FrameAbout, SignalAbout};
pub use slow::{SLOW, Slow};
pub use span::Span;
pub use traceparent::is_valid;
pub use traces::Traces;
