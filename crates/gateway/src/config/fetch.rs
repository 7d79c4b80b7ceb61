//! Keys `ice.fetch.*`: a provider that is asked for TURN credentials.

use http::{HeaderMap, HeaderName, HeaderValue};
use toml::de::DeValue;
use toml::{Table, Value};

use super::raw::{Raw, shortened};
use super::secret::MASK;
use super::setting::Plain;
use super::{HttpUrl, Secret};

/// Keys `ice.fetch.*`.
#[derive(Debug, Clone, Default)]
pub struct FetchConfig {
    /// Where the provider is asked for `iceServers`. Default unset: nobody is asked.
    pub url: Option<HttpUrl>,
    /// Headers of the question, such as `Authorization`. Default none.
    pub headers: FetchHeaders,
    /// The question's body, which makes it a POST. Default unset: a GET.
    pub body: Option<Secret>,
}

/// Headers whose values nothing shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchHeaders(HeaderMap);

impl FetchHeaders {
    /// The headers.
    pub fn map(&self) -> &HeaderMap {
        &self.0
    }

    /// What is wrong is said without the value.
    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |what: &str| format!("`{}` {what}", shortened(name));
        let key: HeaderName = name
            .parse()
            .map_err(|_| wrong("is not the name of a header, such as Authorization"))?;
        let mut value: HeaderValue = value.parse().map_err(|_| {
            wrong("has a value with a line break or another character that no header may have")
        })?;
        if value.is_empty() {
            return Err(wrong("has no value"));
        }
        value.set_sensitive(true);
        match self.0.insert(key, value) {
            None => Ok(()),
            Some(_) => Err(wrong("is there twice")),
        }
    }
}

/// In a file a table of names and values; as text a line `name: value` for each, as in HTTP itself.
impl Plain for FetchHeaders {
    fn set(&mut self, raw: Raw<'_>) -> Result<(), String> {
        let mut headers = Self::default();
        if let Raw::Toml(DeValue::Table(table)) = raw {
            for (name, value) in table {
                let value = Raw::Toml(value.get_ref()).text();
                let value = value.map_err(|problem| format!("`{}`: {problem}", name.get_ref()))?;
                headers.add(name.get_ref(), value.trim())?;
            }
        } else {
            let lines = raw.text()?.lines().map(str::trim);
            for line in lines.filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(':').ok_or(
                    "expected lines such as `Authorization: Bearer …`, in a file also a table of names and values",
                )?;
                headers.add(name.trim(), value.trim())?;
            }
        }
        *self = headers;
        Ok(())
    }

    fn show(&self) -> Option<Value> {
        let masked = self.0.keys().map(|name| (name.to_string(), MASK.into()));
        Some(Value::Table(masked.collect::<Table>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: Raw<'_>) -> Result<FetchHeaders, String> {
        let mut headers = FetchHeaders::default();
        headers.set(raw).map(|()| headers)
    }

    #[test]
    fn headers_are_a_table_or_lines_and_show_no_value() {
        let text = "h = {Authorization = 'Bearer s3cret', X-Other = 'a, b'}";
        let table = toml::de::DeTable::parse(text).expect("TOML");
        let table = table.get_ref().get("h").expect("a table").get_ref();
        let of_table = read(Raw::Toml(table)).expect("headers");
        let of_lines = read(Raw::Text("Authorization: Bearer s3cret\nX-Other: a, b\n"));
        assert_eq!(Ok(&of_table), of_lines.as_ref());
        assert_eq!(of_table.map()["authorization"], "Bearer s3cret");
        let shown = format!("{of_table:?} {}", of_table.show().expect("a table"));
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("authorization = \"********\""), "{shown}");
    }

    #[test]
    fn what_no_header_can_be_is_refused_without_its_value() {
        for wrong in [
            "s3cret",
            ": s3cret",
            "two words: s3cret",
            "a:",
            "a: s3\u{1}cret",
            "a: s3cret\nA: s3cret",
        ] {
            let problem = read(Raw::Text(wrong)).expect_err(wrong);
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }
}
