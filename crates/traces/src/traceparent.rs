//! `traceparent`: W3C Trace Context, section 3.2.

use std::fmt::Write as _;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Of the only version that there is, in bytes.
const BYTES: usize = 55;

/// The context that a text names. `None`: it is no `traceparent`. A later version is read as far as it is known, as the
/// specification asks.
pub(crate) fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let version = hex(version, 2)? as u8;
    if version == u8::MAX || version == 0 && parts.next().is_some() {
        return None;
    }
    let trace = TraceId::from_bytes(hex(trace, 32)?.to_be_bytes());
    let span = SpanId::from_bytes((hex(span, 16)? as u64).to_be_bytes());
    let flags = TraceFlags::new(hex(flags, 2)? as u8) & TraceFlags::SAMPLED;
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

/// Lowercase hexadecimal digits, so many.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = text.len() == digits && text.bytes().all(is_digit);
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Whether a text is a `traceparent`. Nothing else is handed on.
pub fn is_valid(text: &str) -> bool {
    parse(text).is_some()
}

/// The text that names a context.
pub(crate) fn format(context: &SpanContext) -> Box<str> {
    let mut text = String::with_capacity(BYTES);
    let flags = context.trace_flags().to_u8();
    write!(
        text,
        "00-{}-{}-{flags:02x}",
        context.trace_id(),
        context.span_id()
    )
    .expect("writing to a string does not fail");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_was_read_is_written_the_same() {
        let context = parse(SAMPLED).expect("a context");
        assert!(context.is_sampled() && context.is_remote());
        assert_eq!(&*format(&context), SAMPLED);
        let not_sampled = SAMPLED.replace("-01", "-00");
        assert_eq!(
            &*format(&parse(&not_sampled).expect("a context")),
            not_sampled
        );
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = format!("{}-more", SAMPLED.replacen("00", "7e", 1));
        assert_eq!(&*format(&parse(&later).expect("a context")), SAMPLED);
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        let zeros = |text: &str, part: &str| text.replace(part, &"0".repeat(part.len()));
        let wrong = [
            String::new(),
            "00".into(),
            SAMPLED.to_uppercase(),
            SAMPLED.replacen("00", "ff", 1),
            SAMPLED.replacen("00", "+0", 1),
            format!("{SAMPLED}-more"),
            format!("{SAMPLED} "),
            zeros(SAMPLED, "0af7651916cd43dd8448eb211c80319c"),
            zeros(SAMPLED, "b7ad6b7169203331"),
            SAMPLED.replace("b7ad6b7169203331", "b7ad6b71692033"),
        ];
        for text in wrong {
            assert!(parse(&text).is_none(), "{text}");
        }
    }
}
