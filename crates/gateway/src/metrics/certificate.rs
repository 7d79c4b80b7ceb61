//! The certificate on `listen`.

use std::time::Duration;

use prometheus::{Gauge, IntGauge};

use super::by_label::CountersBy;

/// What became of a certificate and key that were read again and had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateReload {
    /// New connections get them.
    Replaced,
    /// They cannot be used.
    Failed,
}

impl CertificateReload {
    pub(crate) const ALL: [Self; 2] = [Self::Replaced, Self::Failed];

    /// The label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Failed => "failed",
        }
    }
}

/// For what serves it.
pub(crate) struct CertificateMetrics {
    pub(super) not_after: Gauge,
    pub(super) refused: IntGauge,
    pub(crate) reloads: CountersBy<CertificateReload, { CertificateReload::ALL.len() }>,
}

impl CertificateMetrics {
    /// When the one that is served ends, from the beginning of 1970 on.
    pub(crate) fn ends(&self, since_epoch: Duration) {
        self.not_after.set(since_epoch.as_secs_f64());
    }

    /// Whether the files, as they were read last, hold what cannot be used.
    pub(crate) fn refused(&self, is_refused: bool) {
        self.refused.set(is_refused.into());
    }
}
