//! Files that are part of the binary: compressed once, and not sent to whoever has them already.

use std::collections::HashMap;
use std::io::Write;
use std::sync::OnceLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use include_dir::Dir;

use crate::headers::listed;

#[cfg(test)]
mod tests;

/// The files of a folder and of those in it.
pub(super) struct Embedded(HashMap<&'static str, File>);

impl Embedded {
    pub(super) fn new(folder: &'static Dir<'static>) -> Self {
        let mut files = HashMap::new();
        collect(folder, &mut files);
        Self(files)
    }

    /// The file at this path, which is relative to the folder and has slashes.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }
}

fn collect(folder: &'static Dir<'static>, files: &mut HashMap<&'static str, File>) {
    for file in folder.files() {
        let path = file.path().to_str().expect("names of this repository");
        files.insert(path, File::new(path, file.contents()));
    }
    for inner in folder.dirs() {
        collect(inner, files);
    }
}

/// How long a browser may use its copy.
#[derive(Clone, Copy)]
pub(super) enum Freshness {
    /// It asks each time, and hears 304 while the copy is right.
    Checked,
    /// It need not ask: what is at this URL never changes.
    Forever,
}

pub(super) struct File {
    contents: &'static [u8],
    content_type: &'static str,
    /// Of the contents, in hexadecimal digits.
    hash: String,
    /// Absent where compressing gains nothing.
    gzip: OnceLock<Option<Bytes>>,
}

impl File {
    pub(super) fn new(path: &str, contents: &'static [u8]) -> Self {
        Self {
            contents,
            content_type: content_type(path),
            hash: blake3::hash(contents).to_hex()[..32].to_owned(),
            gzip: OnceLock::new(),
        }
    }

    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(&self, freshness: Freshness, request: &HeaderMap) -> Response {
        let caching = match freshness {
            Freshness::Checked => "no-cache",
            Freshness::Forever => "public, max-age=31536000, immutable",
        };
        // Weak (RFC 9110, 8.8.1): compressed or not, it is the same file.
        let etag = format!("W/\"{}\"", self.hash);
        let headers = [
            (header::CACHE_CONTROL, caching.to_owned()),
            (header::ETAG, etag),
            (header::VARY, "accept-encoding".to_owned()),
        ];
        if self.is_held_by(request) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type)];
        match self.gzip().filter(|_| takes_gzip(request)) {
            Some(gzip) => {
                let encoding = [(header::CONTENT_ENCODING, "gzip")];
                (headers, content_type, encoding, gzip.clone()).into_response()
            }
            None => (headers, content_type, self.contents).into_response(),
        }
    }

    /// `If-None-Match` (RFC 9110, 13.1.2), compared weakly.
    fn is_held_by(&self, request: &HeaderMap) -> bool {
        listed(request, &header::IF_NONE_MATCH).any(|tag| {
            let opaque = tag.trim_start_matches("W/").trim_matches('"');
            tag == "*" || opaque == self.hash
        })
    }

    fn gzip(&self) -> Option<&Bytes> {
        let compressed = self.gzip.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder
                .write_all(self.contents)
                .expect("a Vec takes what it is given");
            let compressed = encoder.finish().expect("a Vec takes what it is given");
            (compressed.len() < self.contents.len()).then(|| compressed.into())
        });
        compressed.as_ref()
    }
}

/// `Accept-Encoding` (RFC 9110, 12.5.3). A browser that says nothing gets the file as it is.
fn takes_gzip(request: &HeaderMap) -> bool {
    let quality_of = |coding: &str| {
        listed(request, &header::ACCEPT_ENCODING).find_map(|offer| {
            let (name, weight) = offer.split_once(';').unwrap_or((offer, "q=1"));
            let is_it = name.trim_end().eq_ignore_ascii_case(coding);
            let weight = weight.trim().trim_start_matches(['q', 'Q', '=']);
            is_it.then(|| weight.parse::<f32>().unwrap_or(0.0))
        })
    };
    quality_of("gzip")
        .or_else(|| quality_of("*"))
        .is_some_and(|quality| quality > 0.0)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
