//! What a line of the log adds if what is done is traced: the ids of its trace and its span.

use std::fmt;

use switchboard_traces::SpanContext;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

const TRACE_ID: &str = "trace_id";

/// Writes lines as `lines` does, with `trace_id` and `span_id` behind the last field.
pub(super) struct Traced<F> {
    lines: F,
    /// What ends each line.
    end: &'static str,
    /// What a field begins with and ends with, and what is between its name and its value.
    marks: [&'static str; 3],
}

impl<F> Traced<F> {
    pub(super) fn text(lines: F) -> Self {
        Self {
            lines,
            end: "\n",
            marks: [" ", "=", ""],
        }
    }

    pub(super) fn json(lines: F) -> Self {
        Self {
            lines,
            end: "}\n",
            marks: [",\"", "\":\"", "\""],
        }
    }

    fn add(&self, span: &SpanContext, line: &mut Writer<'_>) -> fmt::Result {
        let [before, between, behind] = self.marks;
        let (trace_id, span_id) = (span.trace_id(), span.span_id());
        write!(line, "{before}{TRACE_ID}{between}{trace_id}{behind}")?;
        write!(line, "{before}span_id{between}{span_id}{behind}")
    }
}

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // A line that names its trace says which one it is about.
        let names_it = event.metadata().fields().field(TRACE_ID).is_some();
        let span = if names_it {
            None
        } else {
            switchboard_traces::current()
        };
        let Some(span) = span else {
            return self.lines.format_event(context, to, event);
        };
        let mut line = String::new();
        self.lines
            .format_event(context, Writer::new(&mut line), event)?;
        let Some(unended) = line.strip_suffix(self.end) else {
            return to.write_str(&line);
        };
        to.write_str(unended)?;
        self.add(&span, &mut to)?;
        to.write_str(self.end)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Arc;

    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use parking_lot::Mutex;
    use serde_json::Value;
    use switchboard_protocol::PeerId;
    use switchboard_traces::sampling::Sampling;
    use switchboard_traces::{Span, TracedOperation, Traces};
    use tracing_subscriber::fmt::format;

    use super::*;

    /// What is written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().clone()).expect("text")
        }
    }

    fn join() -> Box<Span> {
        let tracer = SdkTracerProvider::builder().build().tracer("a test");
        let traces = Traces::to(tracer, Sampling::new(1.0, false));
        let span = traces.operation(TracedOperation::Join, &PeerId::random(), None);
        span.expect("all are traced")
    }

    /// One line outside of the span, and two in it, the second of which names another trace.
    fn log(span: &Span) {
        tracing::info!(room.id = "study", "before");
        let _within = span.enter();
        tracing::info!(room.id = "study", "within\nit");
        tracing::info!(trace_id = "of another", "about another");
    }

    #[test]
    fn a_line_of_text_names_the_trace_that_it_is_written_in_once() {
        let (written, span) = (Written::default(), join());
        let writer = written.clone();
        let lines = format().with_ansi(false).without_time().with_target(false);
        let subscriber = tracing_subscriber::fmt()
            .event_format(Traced::text(lines))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || log(&span));
        let (trace_id, span_id) = (span.trace_id(), span.context().span_id());
        assert_eq!(
            written.text(),
            format!(
                " INFO before room.id=\"study\"\n \
                 INFO within\nit room.id=\"study\" trace_id={trace_id} span_id={span_id}\n \
                 INFO about another trace_id=\"of another\"\n"
            )
        );
    }

    #[test]
    fn a_line_of_json_names_the_trace_that_it_is_written_in_once() {
        let (written, span) = (Written::default(), join());
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .event_format(Traced::json(format().json().flatten_event(true)))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || log(&span));
        let text = written.text();
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let lines: Vec<_> = lines.map(|line| line.expect("JSON")).collect();
        let ids = lines
            .iter()
            .map(|line| [&line["trace_id"], &line["span_id"]]);
        let own = [span.trace_id(), span.context().span_id().to_string()].map(Value::from);
        let other = [Value::from("of another"), Value::Null];
        let none = [Value::Null, Value::Null];
        let expected = [&none, &own, &other].map(|ids| ids.each_ref());
        assert_eq!(ids.collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(text.matches("trace_id").count(), 2, "{text}");
    }
}
