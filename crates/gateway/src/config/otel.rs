//! The variables of OpenTelemetry that operators know, as far as its SDK does not read them itself: those of the exporter's
//! headers, timeout and compression, of the resource and of batches, it does.
//!
//! Our own names win over these, except that each of these can turn tracing off.

use std::collections::BTreeMap;

use super::load::Loading;
use super::otlp::{Endpoint, Ratio};
use super::raw::Raw;
use super::setting::{Plain, Word};
use super::source::Provenance;

const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const TRACES_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
const TRACES_COMPRESSION: &str = "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const PROPAGATORS: &str = "OTEL_PROPAGATORS";

/// Environment variables that are not empty.
struct Said<'a>(&'a BTreeMap<String, String>);

impl<'a> Said<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let value = self.0.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    }

    /// The first of these that is set: its name and value.
    fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, &'a str)> {
        let mut said = names
            .into_iter()
            .filter_map(|name| Some((name, self.get(name)?)));
        said.next()
    }
}

/// Sets what these variables say.
pub(super) fn read(loading: &mut Loading, environment: &BTreeMap<String, String>) {
    let said = Said(environment);
    read_endpoint(loading, &said);
    read_sampler(loading, &said);
    if let Some((name, file)) = said.first([TRACES_CERTIFICATE, CERTIFICATE]) {
        loading.config.otlp.ca_file = Some(file.into());
        loading.came_from("otlp.ca_file", Provenance::Variable(name.into()));
    }
    if let Some(propagators) = said.get(PROPAGATORS) {
        let mut propagators = propagators.split(',').map(str::trim);
        loading.config.otlp.heeds_clients &= propagators.any(|name| name == "tracecontext");
    }
}

/// Turns tracing off where these variables say so, whatever turned it on. Where spans are exported, refuses what is not
/// understood here; elsewhere these variables are for other programs.
pub(super) fn check(loading: &mut Loading, environment: &BTreeMap<String, String>) {
    let said = Said(environment);
    let endpoint = endpoint_of(&said);
    if loading.config.otlp.endpoint.is_none() && endpoint.is_none() {
        return;
    }
    if let Some(variable) = off_by(&said) {
        loading.config.otlp.endpoint = None;
        return loading.came_from("otlp.endpoint", Provenance::Variable(variable.into()));
    }
    if let (None, Some((name, Err(problem)))) = (&loading.config.otlp.endpoint, endpoint) {
        let source = Provenance::Variable(name.into());
        return loading.unread("otlp.endpoint", &source, problem);
    }
    if let Some(Err(problem)) = sampler_of(&said)
        && !loading.said.contains_key("otlp.sample_ratio")
    {
        let source = Provenance::Variable(SAMPLER.into());
        loading.unread("otlp.sample_ratio", &source, problem);
    }
    for (name, problem) in unknown_words(&said) {
        loading.mistake(name, problem);
    }
}

/// The variable that turns tracing off.
fn off_by(said: &Said<'_>) -> Option<&'static str> {
    let disabled = said.get(DISABLED);
    if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Some(DISABLED);
    }
    (said.get(EXPORTER) == Some("none")).then_some(EXPORTER)
}

/// Variables that have one of a few words each, and have another one.
fn unknown_words(said: &Said<'_>) -> Vec<(&'static str, String)> {
    let exporter = said.get(EXPORTER).filter(|word| *word != "otlp");
    let exporter = exporter.map(|word| {
        let problem = format!("`{word}` is not an exporter of this node: otlp or none");
        (EXPORTER, problem)
    });
    let protocol = said.first([TRACES_PROTOCOL, PROTOCOL]);
    let protocol = protocol.filter(|(_, word)| *word != "http/protobuf");
    let protocol = protocol.map(|(name, word)| {
        (name, format!("`{word}` is not spoken by this node: http/protobuf (a collector listens for it on port 4318)"))
    });
    let compression = said.first([TRACES_COMPRESSION, COMPRESSION]);
    let compression = compression.filter(|(_, word)| !matches!(*word, "gzip" | "none"));
    let compression = compression.map(|(name, word)| {
        let problem = format!("`{word}` is not a compression of this node: gzip or none");
        (name, problem)
    });
    [exporter, protocol, compression]
        .into_iter()
        .flatten()
        .collect()
}

fn read_endpoint(loading: &mut Loading, said: &Said<'_>) {
    if let Some((name, Ok(endpoint))) = endpoint_of(said) {
        loading.config.otlp.endpoint = Some(endpoint);
        loading.came_from("otlp.endpoint", Provenance::Variable(name.into()));
    }
}

fn endpoint_of(said: &Said<'_>) -> Option<(&'static str, Result<Endpoint, String>)> {
    let (name, url) = said.first([TRACES_ENDPOINT, ENDPOINT])?;
    let read = if name == TRACES_ENDPOINT {
        Endpoint::whole(url)
    } else {
        Endpoint::read(url)
    };
    Some((name, read))
}

fn read_sampler(loading: &mut Loading, said: &Said<'_>) {
    if let Some(Ok((ratio, heeds_clients))) = sampler_of(said) {
        loading.config.otlp.sample_ratio = ratio;
        loading.config.otlp.heeds_clients = heeds_clients;
        loading.came_from("otlp.sample_ratio", Provenance::Variable(SAMPLER.into()));
    }
}

/// The ratio, and whether clients are heeded: a sampler that is not «parent based» does not.
fn sampler_of(said: &Said<'_>) -> Option<Result<(Ratio, bool), String>> {
    let sampler = said.get(SAMPLER)?;
    let (rest, heeds_clients) = match sampler.strip_prefix("parentbased_") {
        Some(rest) => (rest, true),
        None => (sampler, false),
    };
    let ratio = match rest {
        "always_on" => Ok(Ratio(1.0)),
        "always_off" => Ok(Ratio(0.0)),
        "traceidratio" => ratio_of(said.get(SAMPLER_ARG)),
        _ => Err(format!(
            "`{sampler}` is not a sampler of this node: always_on, always_off or traceidratio, each also with parentbased_ before it"
        )),
    };
    Some(ratio.map(|ratio| (ratio, heeds_clients)))
}

/// Without an argument: all, as the specification says.
fn ratio_of(argument: Option<&str>) -> Result<Ratio, String> {
    let mut ratio = Ratio(1.0);
    if let Some(argument) = argument {
        let read = ratio.set(Raw::Text(argument));
        read.map_err(|problem| format!("{SAMPLER_ARG}: {problem}"))?;
    }
    Ok(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Loading {
        let text = |text: &str| text.to_owned();
        let environment = variables
            .iter()
            .map(|(name, value)| (text(name), text(value)));
        let environment = environment.collect();
        let mut loading = Loading::default();
        read(&mut loading, &environment);
        check(&mut loading, &environment);
        loading
    }

    fn endpoint(variables: &[(&str, &str)]) -> Option<String> {
        let endpoint = load(variables).config.otlp.endpoint;
        endpoint.map(|endpoint| endpoint.as_str().to_owned())
    }

    #[test]
    fn an_endpoint_turns_tracing_on_and_that_of_traces_is_used_as_it_is() {
        assert_eq!(endpoint(&[]), None);
        let collector = (ENDPOINT, "http://c:4318");
        assert_eq!(
            endpoint(&[collector]).as_deref(),
            Some("http://c:4318/v1/traces")
        );
        let traces = (TRACES_ENDPOINT, "http://t:4318/other");
        assert_eq!(
            endpoint(&[collector, traces]).as_deref(),
            Some("http://t:4318/other")
        );
        assert_eq!(load(&[(ENDPOINT, "c:4317")]).mistakes.len(), 1);
    }

    #[test]
    fn the_certificate_of_traces_wins_over_that_of_everything() {
        let of = |variables: &[_]| load(variables).config.otlp.ca_file;
        let all = (CERTIFICATE, "/all.pem");
        assert_eq!(of(&[all]), Some("/all.pem".into()));
        let traces = (TRACES_CERTIFICATE, "/traces.pem");
        assert_eq!(of(&[all, traces]), Some("/traces.pem".into()));
        assert_eq!(of(&[(CERTIFICATE, "")]), None);
    }

    #[test]
    fn each_switch_turns_it_off() {
        let collector = (ENDPOINT, "http://c:4318");
        for off in [(DISABLED, "true"), (DISABLED, "TRUE"), (EXPORTER, "none")] {
            assert_eq!(endpoint(&[collector, off]), None, "{off:?}");
        }
        for on in [(DISABLED, "false"), (DISABLED, "1"), (EXPORTER, "otlp")] {
            assert!(endpoint(&[collector, on]).is_some(), "{on:?}");
        }
        let told = load(&[collector, (EXPORTER, "zipkin")]).mistakes;
        assert!(
            told[0]
                .to_string()
                .starts_with("OTEL_TRACES_EXPORTER: `zipkin`")
        );
    }

    #[test]
    fn grpc_is_refused_by_the_variable_that_says_it() {
        let collector = (ENDPOINT, "http://c:4317");
        let told = load(&[collector, (PROTOCOL, "grpc")]).mistakes;
        assert!(
            told[0]
                .to_string()
                .starts_with("OTEL_EXPORTER_OTLP_PROTOCOL: `grpc`")
        );
        let spoken = [
            collector,
            (PROTOCOL, "grpc"),
            (TRACES_PROTOCOL, "http/protobuf"),
        ];
        assert!(load(&spoken).mistakes.is_empty());
        assert!(
            load(&[(PROTOCOL, "grpc")]).mistakes.is_empty(),
            "nothing is exported"
        );
    }

    #[test]
    fn spans_are_compressed_with_gzip_or_not_at_all() {
        let collector = (ENDPOINT, "http://c:4318");
        for fits in ["gzip", "none", ""] {
            let told = load(&[collector, (COMPRESSION, fits)]).mistakes;
            assert!(told.is_empty(), "{fits}");
        }
        let told = load(&[collector, (TRACES_COMPRESSION, "zstd")]).mistakes;
        assert!(told[0].to_string().starts_with(TRACES_COMPRESSION));
    }

    #[test]
    fn samplers_say_how_many_and_whether_clients_are_heeded() {
        let collector = (ENDPOINT, "http://c:4318");
        let of = |sampler, argument| {
            let otlp = load(&[(SAMPLER, sampler), (SAMPLER_ARG, argument)])
                .config
                .otlp;
            (otlp.sample_ratio.0, otlp.heeds_clients)
        };
        assert_eq!(of("always_on", ""), (1.0, false));
        assert_eq!(of("parentbased_always_off", ""), (0.0, true));
        assert_eq!(of("traceidratio", "0.5"), (0.5, false));
        assert_eq!(of("parentbased_traceidratio", "0.5"), (0.5, true));
        assert_eq!(of("parentbased_traceidratio", ""), (1.0, true));
        assert_eq!(
            load(&[collector, (SAMPLER, "jaeger_remote")])
                .mistakes
                .len(),
            1
        );
        let wrong = load(&[collector, (SAMPLER, "traceidratio"), (SAMPLER_ARG, "2")]).mistakes;
        assert!(wrong[0].to_string().contains(SAMPLER_ARG), "{}", wrong[0]);
    }

    #[test]
    fn without_trace_context_among_the_propagators_clients_are_not_heeded() {
        assert!(
            load(&[(PROPAGATORS, "tracecontext,baggage")])
                .config
                .otlp
                .heeds_clients
        );
        assert!(!load(&[(PROPAGATORS, "b3")]).config.otlp.heeds_clients);
    }

    #[test]
    fn what_other_programs_are_told_is_no_mistake_where_nothing_is_exported() {
        let wrong = (ENDPOINT, "collector:4317");
        for variables in [
            &[(SAMPLER, "parentbased_jaeger_remote")][..],
            &[(PROTOCOL, "grpc"), (COMPRESSION, "zstd")],
            &[wrong, (DISABLED, "true")],
            &[wrong, (EXPORTER, "none"), (SAMPLER, "xray")],
        ] {
            let loading = load(variables);
            assert!(
                loading.mistakes.is_empty(),
                "{variables:?}: {:?}",
                loading.mistakes
            );
            assert!(loading.config.otlp.endpoint.is_none());
        }
    }
}
