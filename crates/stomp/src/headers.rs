//! The headers of a frame: few and short, so they are looked for one by one and share one piece of memory.

/// Names and values in their order, without escapes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Name, value, name, value …
    text: String,
    entries: Vec<Entry>,
}

/// Where in the text a header's name and value end; the name begins where the header before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    name_end: usize,
    value_end: usize,
}

impl Headers {
    /// Adds a header behind the others. Where it repeats one, the earlier counts.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name_end = self.text.len();
        self.text.push_str(value);
        let value_end = self.text.len();
        self.entries.push(Entry {
            name_end,
            value_end,
        });
    }

    /// The value of a header; of a repeated one the first, for later ones only tell its history (STOMP 1.2, «Repeated
    /// Header Entries»).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// All of them, in their order, as names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut begin = 0;
        self.entries.iter().map(move |entry| {
            let name = &self.text[begin..entry.name_end];
            begin = entry.value_end;
            (name, &self.text[entry.name_end..entry.value_end])
        })
    }

    /// How many bytes their names and values have.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_repeated_headers_the_first_counts_and_all_are_kept() {
        let mut headers = Headers::default();
        for (name, value) in [("foo", "World"), ("bar", ""), ("foo", "Hello")] {
            headers.push(name, value);
        }
        assert_eq!(headers.get("foo"), Some("World"));
        assert_eq!(headers.get("bar"), Some(""));
        assert_eq!(headers.get("World"), None);
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("foo", "World"), ("bar", ""), ("foo", "Hello")]);
    }
}
