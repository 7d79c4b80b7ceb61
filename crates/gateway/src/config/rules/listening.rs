//! What is spoken where: two listeners, TLS, and proxies in front.

use super::Rules;
use crate::config::tls::NoPair;
use crate::config::{Config, ProxyProtocol};

impl Rules<'_> {
    pub(super) fn listening(&mut self, config: &Config) {
        self.listeners(config);
        self.tls(config);
        self.proxies(config);
    }

    /// Two listeners on one port: the second would find it taken.
    fn listeners(&mut self, config: &Config) {
        let Some(ops) = config.ops_listen else { return };
        let (listen, port) = (config.listen, ops.port());
        let overlaps =
            ops.ip() == listen.ip() || ops.ip().is_unspecified() || listen.ip().is_unspecified();
        let is_one = port != 0 && port == listen.port() && overlaps;
        self.require(&["ops_listen", "listen"], !is_one, || {
            format!("both are port {port}: give ops_listen a port of its own, or leave it out to have everything on listen")
        });
    }

    fn tls(&mut self, config: &Config) {
        let tls = &config.tls;
        self.require(
            &["tls.cert_file", "tls.key_file"],
            tls.cert_file.is_some() == tls.key_file.is_some(),
            || "tls.cert_file and tls.key_file go together: set both, or none".into(),
        );
        self.require(
            &["tls.cert_file", "tls.key_file", "ops_listen"],
            tls.files().is_none() || config.ops_listen.is_some(),
            || {
                "with TLS on listen, set ops_listen too: probes, Prometheus, `switchboard drain` and other nodes ask there \
                 without TLS"
                    .into()
            },
        );
    }

    fn proxies(&mut self, config: &Config) {
        let proxy = &config.proxy;
        let is_required = proxy.protocol == ProxyProtocol::Required;
        self.require(
            &["proxy.protocol", "ops_listen"],
            !is_required || config.ops_listen.is_some(),
            || {
                "with PROXY protocol on listen, set ops_listen too: probes, Prometheus, `switchboard drain` and other nodes \
                 ask there without it"
                    .into()
            },
        );
        self.require(
            &["proxy.protocol", "proxy.trusted"],
            !is_required || !proxy.trusted.is_empty(),
            || {
                "PROXY protocol is believed of trusted proxies alone, and nobody else may connect: list them in \
                 proxy.trusted"
                    .into()
            },
        );
        let everybody = proxy.trusted.iter().find(|network| network.is_everybody());
        if let Some(everybody) = everybody {
            self.0.warnings.push(format!(
                "proxy.trusted has {everybody}: every client can say that it comes from anywhere; name only your proxies"
            ));
        }
    }

    /// The certificate and its key fit together now; later a pair that does not is not taken.
    pub(super) fn certificate(&mut self, config: &Config) {
        let Some(files) = config.tls.files() else {
            return;
        };
        let Err(why) = files.read().pair() else {
            return;
        };
        let keys: &[_] = match &why {
            NoPair::Certificate(_) => &["tls.cert_file"],
            NoPair::Key(_) => &["tls.key_file"],
            NoPair::Mismatch { .. } => &["tls.cert_file", "tls.key_file"],
        };
        self.require(keys, false, || why.to_string());
    }
}
