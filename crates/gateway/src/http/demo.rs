//! The demo page and the SDK it is built on, embedded in the binary.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

use super::embedded::{Embedded, File, Freshness};

static DEMO_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../clients/js/demo");
static SDK_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../clients/js/src");

static DEMO: LazyLock<Embedded> = LazyLock::new(|| Embedded::new(&DEMO_FILES));
static SDK: LazyLock<Embedded> = LazyLock::new(|| Embedded::new(&SDK_FILES));

/// The SDK in one file. `npm run bundle` makes it.
static BUNDLE: LazyLock<File> = LazyLock::new(|| {
    let contents = include_bytes!("../../../../clients/js/dist/switchboard.min.js");
    File::new(BUNDLE_NAME, contents)
});
const BUNDLE_NAME: &str = "switchboard.min.js";

/// Another bundle has another name: not each build has a version of its own.
static BUNDLE_NAME_FOREVER: LazyLock<String> = LazyLock::new(|| {
    let (version, hash) = (env!("CARGO_PKG_VERSION"), &BUNDLE.hash()[..8]);
    format!("switchboard-{version}-{hash}.min.js")
});

/// The page runs nothing but its own files and talks to nobody but this origin and its calls.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; \
                      img-src 'self' data:; frame-ancestors 'none'";

pub(crate) async fn page(headers: HeaderMap) -> Response {
    answer(DEMO.file("index.html"), &headers)
}

pub(crate) async fn demo_file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(DEMO.file(&path), &headers)
}

pub(crate) async fn sdk_file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    if path == BUNDLE_NAME {
        // Relative: a proxy may have put a path in front.
        let location =
            HeaderValue::try_from(BUNDLE_NAME_FOREVER.as_str()).expect("a name of ASCII");
        let mut answer = answer(Some(&BUNDLE), &headers);
        answer
            .headers_mut()
            .insert(header::CONTENT_LOCATION, location);
        return answer;
    }
    if path == *BUNDLE_NAME_FOREVER {
        return secured(BUNDLE.answer(Freshness::Forever, &headers));
    }
    answer(SDK.file(&path), &headers)
}

fn answer(file: Option<&File>, headers: &HeaderMap) -> Response {
    secured(match file {
        Some(file) => file.answer(Freshness::Checked, headers),
        // Another node, of another build, may have it.
        None => (
            StatusCode::NOT_FOUND,
            [(header::CACHE_CONTROL, "no-store")],
            "there is no such file\n",
        )
            .into_response(),
    })
}

fn secured(answer: Response) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, answer).into_response()
}
