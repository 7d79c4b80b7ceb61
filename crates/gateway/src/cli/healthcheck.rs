//! `switchboard healthcheck`: for images that hold nothing but the binary, so no curl either.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use http::Uri;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::Config;

/// Containers usually allow a check 30 s, orchestrators 1 to 5.
const PATIENCE: Duration = Duration::from_secs(3);
/// A status line is much shorter.
const LINE_BYTES_MAX: u64 = 256;

/// Whom to ask, and what.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Ask here instead of at the configured address, such as http://127.0.0.1:8080/healthz
    #[arg(long)]
    pub url: Option<Uri>,

    /// Ask whether it should get new connections (/readyz), not only whether it lives (/healthz)
    #[arg(long, conflicts_with = "url")]
    ready: bool,
}

impl HealthcheckArgs {
    /// The URL at which a node with this configuration answers on this machine.
    pub fn configured_url(&self, config: &Config) -> anyhow::Result<Uri> {
        let mut address = config.ops_listener();
        ensure!(
            address.port() != 0,
            "the configured port is 0, so only the node knows where it is: say --url"
        );
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let path = if self.ready { "readyz" } else { "healthz" };
        Ok(format!("http://{address}/{path}").parse()?)
    }
}

/// Asks once. An answer of 200 to 299 is good; everything else is an error in a sentence.
pub async fn healthcheck(url: &Uri) -> anyhow::Result<()> {
    let status = match timeout(PATIENCE, status(url)).await {
        Ok(answer) => answer.with_context(|| format!("no answer from {url}"))?,
        Err(_) => bail!("no answer from {url} within {} s", PATIENCE.as_secs()),
    };
    ensure!((200..300).contains(&status), "{url} answered {status}");
    Ok(())
}

/// One HTTP/1.1 request (RFC 9112), of whose answer only the status matters.
async fn status(url: &Uri) -> anyhow::Result<u16> {
    ensure!(
        url.scheme_str() == Some("http"),
        "only http:// is understood here"
    );
    let host = url.host().context("the URL names no host")?;
    let authority = url.authority().context("the URL names no host")?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());

    let address = (host.trim_matches(['[', ']']), url.port_u16().unwrap_or(80));
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;

    let mut line = String::new();
    BufReader::new(socket.take(LINE_BYTES_MAX))
        .read_line(&mut line)
        .await?;
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    status
        .and_then(|status| status.trim().parse().ok())
        .context("that is not HTTP")
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn ask_one_that_answers(answer: &'static str) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!(
            "http://{}/healthz",
            listener.local_addr().expect("an address")
        );
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            socket.read_exact(&mut [0; 20]).await.expect("a request");
            socket
                .write_all(answer.as_bytes())
                .await
                .expect("an open socket");
        });
        healthcheck(&url.parse().expect("a URL")).await
    }

    #[tokio::test]
    async fn only_a_good_status_is_healthy() {
        assert!(
            ask_one_that_answers("HTTP/1.1 200 OK\r\n\r\n")
                .await
                .is_ok()
        );
        let error = ask_one_that_answers("HTTP/1.1 503 Service Unavailable\r\n\r\n")
            .await
            .expect_err("refused");
        assert!(
            error.to_string().ends_with("/healthz answered 503"),
            "{error}"
        );
        let error = ask_one_that_answers("SSH-2.0-OpenSSH\r\n")
            .await
            .expect_err("refused");
        assert!(
            format!("{error:#}").ends_with("that is not HTTP"),
            "{error:#}"
        );
    }

    #[test]
    fn the_configured_url_can_be_reached_from_this_machine() {
        let args = HealthcheckArgs {
            url: None,
            ready: true,
        };
        for (listen, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/readyz"),
            ("0.0.0.0:80", "http://127.0.0.1:80/readyz"),
            ("[::]:9", "http://[::1]:9/readyz"),
        ] {
            let config = Config {
                listen: listen.parse().expect("an address"),
                ..Config::default()
            };
            assert_eq!(
                args.configured_url(&config).expect("a URL").to_string(),
                url
            );
        }
    }
}
