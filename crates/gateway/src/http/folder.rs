//! Pages of the operator's own, served from a folder.

use std::path::Path;

use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use axum::routing::{MethodRouter, get_service};
use tower_http::services::ServeDir;

use crate::doors::count_file;

/// The files in `folder`, and only those: a path that leads out of it is not found.
pub(super) fn files(folder: &Path) -> MethodRouter {
    get_service(ServeDir::new(folder))
        .layer(map_response(as_it_says))
        .layer(from_fn(count_file))
}

/// A browser must not take a file for something else than its name says: an upload in the folder is no script.
async fn as_it_says(mut response: Response) -> Response {
    let nosniff = HeaderValue::from_static("nosniff");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
