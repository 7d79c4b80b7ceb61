//! The demo page and the SDK it is built on, embedded in the binary.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

static DEMO: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../clients/js/demo");
static SDK: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../clients/js/src");

/// The page runs nothing but its own files and talks to nobody but this origin and its calls.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob: mediastream:; \
                      img-src 'self' data:; frame-ancestors 'none'";

pub(crate) async fn page() -> Response {
    file(&DEMO, "index.html")
}

pub(crate) async fn demo_file(Path(path): Path<String>) -> Response {
    file(&DEMO, &path)
}

pub(crate) async fn sdk_file(Path(path): Path<String>) -> Response {
    file(&SDK, &path)
}

fn file(dir: &'static Dir<'_>, path: &str) -> Response {
    let Some(file) = dir.get_file(path) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, content_type(path)),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, file.contents()).into_response()
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
