//! One HTTP connection that is kept for the next request.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

pub(super) struct Http {
    requests: SendRequest<Full<Bytes>>,
    server: SocketAddr,
    driver: AbortHandle,
}

impl Http {
    pub(super) async fn connect(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the connection.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            requests,
            server,
            driver: driver.abort_handle(),
        })
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<String> {
        self.send(Method::GET, path, String::new()).await
    }

    pub(super) async fn post(&mut self, path: &str, body: String) -> Result<String> {
        self.send(Method::POST, path, body).await
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Result<String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.server.to_string())
            .header(header::CONTENT_TYPE, "text/plain;charset=UTF-8")
            .body(Full::from(body))?;
        self.requests.ready().await?;
        let answer = self.requests.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let body = String::from_utf8(body.into()).context("the answer is no text")?;
        ensure!(status.is_success(), "{status}: {body}");
        Ok(body)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
