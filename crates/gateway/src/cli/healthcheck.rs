//! `switchboard healthcheck`, for images that contain the binary alone and no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use http::Uri;

use crate::config::Config;
use crate::http_client::{Bounds, HttpClient, Question, Trust};

/// Containers usually allow a check 30 s, orchestrators 1 to 5.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(3),
    body_bytes_max: 0,
};

/// Which URL to ask.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// Ask here instead of at the configured address, such as http://127.0.0.1:8080/healthz
    #[arg(long)]
    pub url: Option<Uri>,

    /// Ask whether it should get new connections (/readyz), not only whether it lives (/healthz)
    #[arg(long, conflicts_with = "url")]
    ready: bool,

    /// Trust the certificates of these authorities too (a file in PEM), beside the system's; for an https:// URL
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

impl HealthcheckArgs {
    /// The URL at which a node with this configuration answers on this machine.
    pub fn configured_url(&self, config: &Config) -> anyhow::Result<Uri> {
        let path = if self.ready { "readyz" } else { "healthz" };
        Ok(format!("http://{}/{path}", ops_address(config)?).parse()?)
    }
}

/// Where the ops routes of a node with this configuration are on this machine.
pub(super) fn ops_address(config: &Config) -> anyhow::Result<SocketAddr> {
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
    Ok(address)
}

/// Asks once. A status from 200 to 299 is good; anything else is an error with a sentence.
pub async fn healthcheck(url: &Uri, ca_file: Option<&Path>) -> anyhow::Result<()> {
    let client = HttpClient::new(BOUNDS, Trust::for_url(url, ca_file))?;
    let status = client.status(Question::get(url)).await?;
    ensure!(status.is_success(), "{url} answered {}", status.as_u16());
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
        healthcheck(&url.parse().expect("a URL"), None).await
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
            ca_file: None,
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
