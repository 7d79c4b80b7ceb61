//! What an attempt to export came to, as far as the exporter does not tell: it calls everything that got no answer a network
//! error, and an answer with rejected spans in it a success.

use std::mem;
use std::sync::Arc;

use http::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use parking_lot::Mutex;
use prost::Message;

use crate::http_client::Cause;

/// Of what a receiver says about rejected spans, this much is logged.
const MESSAGE_CHARS_MAX: usize = 300;

/// What the last attempt came to: written by the client, read when the exporter is done with a batch.
#[derive(Debug, Clone, Default)]
pub(super) struct LastAttempt(Arc<Mutex<Attempt>>);

/// What an attempt came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Attempt {
    /// There was an answer, of which the exporter tells everything.
    #[default]
    Answered,
    /// The receiver took the batch, but not all spans in it.
    Rejected(Rejected),
    /// There was no answer; why, in words for a log line.
    Unanswered(String),
}

/// A partial success, as OTLP calls it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejected {
    pub(super) spans: usize,
    /// Why, in the receiver's words.
    pub(super) message: String,
}

impl LastAttempt {
    /// After a later attempt, what an earlier one came to does not matter any more.
    pub(super) fn note(&self, attempt: Attempt) {
        *self.0.lock() = attempt;
    }

    pub(super) fn take(&self) -> Attempt {
        mem::take(&mut *self.0.lock())
    }
}

impl Attempt {
    /// One that got this answer. An answer that is no protobuf, or was cut because it is long, rejects nothing.
    pub(super) fn answered(status: StatusCode, body: &[u8]) -> Self {
        if !status.is_success() {
            return Self::Answered;
        }
        let answer = ExportTraceServiceResponse::decode(body).ok();
        let Some(partial) = answer.and_then(|answer| answer.partial_success) else {
            return Self::Answered;
        };
        match usize::try_from(partial.rejected_spans) {
            Err(_) | Ok(0) => Self::Answered,
            Ok(spans) => Self::Rejected(Rejected {
                spans,
                message: partial
                    .error_message
                    .chars()
                    .take(MESSAGE_CHARS_MAX)
                    .collect(),
            }),
        }
    }

    /// One that got no answer.
    pub(super) fn unanswered(cause: &Cause) -> Self {
        Self::Unanswered(match cause {
            Cause::Tls(error) => format!(
                "{error}; check the receiver's certificate, and name its authority: otlp.ca_file, or SSL_CERT_FILE"
            ),
            cause => cause.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    use super::*;

    fn answer(rejected_spans: i64, error_message: &str) -> Vec<u8> {
        let partial_success = Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: error_message.into(),
        });
        ExportTraceServiceResponse { partial_success }.encode_to_vec()
    }

    #[test]
    fn rejected_spans_are_read_with_as_much_of_the_reason_as_is_logged() {
        let long = "é".repeat(1000);
        let attempt = Attempt::answered(StatusCode::OK, &answer(3, &long));
        let Attempt::Rejected(rejected) = attempt else {
            panic!("{attempt:?}");
        };
        assert_eq!(rejected.spans, 3);
        assert_eq!(rejected.message, long[..2 * MESSAGE_CHARS_MAX]);
    }

    #[test]
    fn no_other_answer_rejects_spans() {
        let ok = StatusCode::OK;
        let bodies = [
            vec![],
            answer(0, "a word of advice"),
            answer(-1, ""),
            b"{\"partialSuccess\":{\"rejectedSpans\":3}}".to_vec(),
            b"<html></html>".to_vec(),
            answer(3, "cut")[..4].to_vec(),
        ];
        for body in bodies {
            assert_eq!(Attempt::answered(ok, &body), Attempt::Answered, "{body:?}");
        }
        let refused = Attempt::answered(StatusCode::BAD_REQUEST, &answer(3, ""));
        assert_eq!(refused, Attempt::Answered);
    }
}
