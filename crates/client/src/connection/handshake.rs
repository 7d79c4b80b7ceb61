//! From options to a TCP connection that speaks WebSocket (RFC 6455 section 4).
//!
//! Done here rather than by tokio-tungstenite, whose stream keeps what the gateway said right behind its answer.

use std::net::SocketAddr;

use switchboard_protocol::Codec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri, header};

use super::{ConnectError, Options};

const PATH: &str = "/v1/connect";
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// The stream after the upgrade, and what came behind the answer already.
pub(super) async fn upgrade(options: &Options) -> Result<(TcpStream, Vec<u8>), ConnectError> {
    let request = request(options)?;
    let authority = authority(request.uri());
    let unreachable = |error| ConnectError::Unreachable {
        authority: authority.clone(),
        error,
    };
    let mut stream = connect(&authority, options).await.map_err(unreachable)?;
    let (request, key) = generate_request(request).map_err(not_ours)?;
    stream.write_all(&request).await.map_err(unreachable)?;
    let mut answer = Vec::new();
    loop {
        let read = stream.read_buf(&mut answer).await.map_err(unreachable)?;
        if let Some((end, response)) = Response::try_parse(&answer).map_err(not_ours)? {
            check(&response, &key, options.codec)?;
            return Ok((stream, answer.split_off(end)));
        }
        if read == 0 || answer.len() > ANSWER_BYTES_MAX {
            return Err(ConnectError::Handshake("no HTTP answer".into()));
        }
    }
}

fn request(options: &Options) -> Result<Request, ConnectError> {
    let wrong = |what: &dyn std::fmt::Display| {
        ConnectError::Options(format!("`{}` is no URL to connect to: {what}", options.url))
    };
    let uri: Uri = options.url.parse().map_err(|error| wrong(&error))?;
    if uri.scheme_str() != Some("ws") {
        return Err(wrong(&"expected ws://host:port"));
    }
    let mut request = uri.into_client_request().map_err(|error| wrong(&error))?;
    if request.uri().path() == "/" {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(PATH.parse().expect("a path"));
        *request.uri_mut() = Uri::from_parts(parts).expect("only the path changed");
    }
    let headers = request.headers_mut();
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(options.codec.subprotocol()),
    );
    if let Some(token) = options.token.as_ref().filter(|_| options.bearer) {
        let bearer = format!("Bearer {token}")
            .parse()
            .map_err(|_| ConnectError::Options("the token does not fit into a header".into()))?;
        headers.insert(header::AUTHORIZATION, bearer);
    }
    Ok(request)
}

fn authority(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    format!("{host}:{}", uri.port_u16().unwrap_or(80))
}

async fn connect(authority: &str, options: &Options) -> std::io::Result<TcpStream> {
    let mut failure = std::io::ErrorKind::AddrNotAvailable.into();
    for address in lookup_host(authority).await? {
        match connect_to(address, options).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

async fn connect_to(address: SocketAddr, options: &Options) -> std::io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_nodelay(true)?;
    if let Some(source) = options.source {
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(address).await
}

fn check(response: &Response, key: &str, codec: Codec) -> Result<(), ConnectError> {
    let text = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(ConnectError::Refused {
            status: response.status().as_u16(),
            retry_after_ms: text(header::RETRY_AFTER)
                .and_then(|seconds| seconds.parse::<u64>().ok())
                .map(|seconds| seconds.saturating_mul(1000)),
        });
    }
    if text(header::SEC_WEBSOCKET_ACCEPT) != Some(&derive_accept_key(key.as_bytes())) {
        return Err(ConnectError::Handshake(
            "a false Sec-WebSocket-Accept".into(),
        ));
    }
    if text(header::SEC_WEBSOCKET_PROTOCOL) != Some(codec.subprotocol()) {
        let expected = codec.subprotocol();
        return Err(ConnectError::Handshake(format!(
            "expected subprotocol {expected}"
        )));
    }
    Ok(())
}

fn not_ours(error: tokio_tungstenite::tungstenite::Error) -> ConnectError {
    ConnectError::Handshake(error.to_string())
}
