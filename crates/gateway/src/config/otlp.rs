//! Keys `otlp.*`: where traces go, and how many there are.

use std::path::PathBuf;

use toml::Value;

use super::raw::Raw;
use super::setting::{Plain, Word};

/// Keys `otlp.*`: where traces go, and how many there are.
#[derive(Debug, Clone)]
pub struct OtlpConfig {
    /// An OTLP receiver's URL, such as `http://collector:4318`: spans are posted to `/v1/traces` there as protobuf. Default
    /// unset: nothing is traced.
    pub endpoint: Option<Endpoint>,
    /// A file of certificates in PEM. A receiver behind `https://` is trusted if an authority in it, or one that the system knows,
    /// has signed its certificate. Default unset: the system's alone.
    pub ca_file: Option<PathBuf>,
    /// The share of signals, joins and resumes that are traced. Default 0.01; 0 traces only what clients ask for, and signals
    /// that took long.
    pub sample_ratio: Ratio,
    /// Whether a client's `traceparent` with the flag «sampled» counts, within a bound. Default true; `OTEL_TRACES_SAMPLER` and
    /// `OTEL_PROPAGATORS` may say otherwise.
    pub heeds_clients: bool,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            ca_file: None,
            sample_ratio: Ratio(0.01),
            heeds_clients: true,
        }
    }
}

/// The URL to which spans are posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

/// Where an OTLP receiver takes spans, below its own URL.
const TRACES: &str = "/v1/traces";

impl Endpoint {
    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A URL that spans are posted to as it stands.
    pub(crate) fn whole(url: &str) -> Result<Self, String> {
        let parsed: http::Uri = url.parse().map_err(|_| problem())?;
        let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
        if !is_http || parsed.host().is_none_or(str::is_empty) {
            return Err(problem());
        }
        // The URL is in logs and in what `check-config` prints.
        let mut authority = parsed.authority().into_iter();
        if authority.any(|host| host.as_str().contains('@')) || url.contains(['?', '#']) {
            return Err("a password or a key has no place in this URL: send it as a header, in OTEL_EXPORTER_OTLP_HEADERS".into());
        }
        Ok(Self(url.into()))
    }
}

fn problem() -> String {
    "expected the URL of an OTLP receiver over HTTP, such as http://collector:4318".into()
}

impl Word for Endpoint {
    fn read(text: &str) -> Result<Self, String> {
        let base = text.trim_end_matches('/');
        if base.ends_with(TRACES) {
            Self::whole(base)
        } else {
            Self::whole(&format!("{base}{TRACES}"))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

/// A share of a whole, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio(pub f64);

impl Plain for Ratio {
    fn set(&mut self, raw: Raw<'_>) -> Result<(), String> {
        let ratio = raw.fraction()?;
        if !(0.0..=1.0).contains(&ratio) {
            return Err(format!("{ratio} is not allowed: 0 to 1"));
        }
        *self = Self(ratio);
        Ok(())
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Float(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_below_the_url_of_the_receiver() {
        for (said, url) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
            (
                "https://otlp.example/tenant",
                "https://otlp.example/tenant/v1/traces",
            ),
            (
                "https://otlp.example/v1/traces",
                "https://otlp.example/v1/traces",
            ),
        ] {
            assert_eq!(Endpoint::read(said).expect("a URL").as_str(), url);
        }
        for wrong in [
            "collector:4318",
            "grpc://collector:4317",
            "http://",
            "http://a b",
            "/v1/traces",
            "https://user:password@otlp.example",
            "https://otlp.example/?key=s",
            "https://otlp.example/v1/traces?key=s",
            "https://otlp.example/#key",
        ] {
            assert!(Endpoint::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ratio_is_a_share() {
        let read = |text| {
            let mut ratio = Ratio(0.5);
            ratio.set(Raw::Text(text)).map(|()| ratio.0)
        };
        assert_eq!(read("0.25"), Ok(0.25));
        assert_eq!(read("1"), Ok(1.0));
        for wrong in ["-0.1", "1.5", "NaN", "inf", "half", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
