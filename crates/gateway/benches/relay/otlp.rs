//! A receiver of spans that reads them and throws them away.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Starts one, and returns where it listens.
pub(crate) async fn receiver() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let serving = http1::Builder::new();
            tokio::spawn(serving.serve_connection(TokioIo::new(socket), service_fn(take)));
        }
    });
    address
}

async fn take(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    // A gateway that went away in the middle has nothing to be told.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Empty::new()))
}
