//! The macro that makes metrics from a table: each line has a help text, a name, a type, and the labels or the buckets.

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

/// What a line of the table says.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// The lines of the doc comment.
    pub(super) help: &'a [&'a str],
    /// Each label with all its values, a closed set.
    pub(super) labels: Vec<(&'static str, Vec<String>)>,
    /// The upper bounds of a histogram's buckets.
    pub(super) buckets: Vec<f64>,
}

/// A type that a line can name.
pub(super) trait Declared: Collector + Clone + 'static {
    fn of(line: Line<'_>) -> prometheus::Result<Self>;
}

/// Declares a struct of metrics, with `new` and with `register`, which enters all of them into a registry.
macro_rules! metrics {
    (
        $(#[$about:meta])*
        pub(crate) struct $Table:ident {
            $(
                $(#[doc = $help:literal])+
                $name:ident: $Kind:ident
                    $({ $($label:ident: $values:expr),+ })?
                    $([ $($bucket:literal),+ $(,)? ])?,
            )+
        }
    ) => {
        $(#[$about])*
        pub(crate) struct $Table {
            $($(#[doc = $help])+ pub(crate) $name: ::prometheus::$Kind,)+
        }

        impl $Table {
            pub(super) fn new() -> Self {
                Self {
                    $($name: $crate::metrics::declare::declared($crate::metrics::declare::Line {
                        name: stringify!($name),
                        help: &[$($help),+],
                        labels: vec![$($((
                            stringify!($label),
                            $values.into_iter().map(|value| value.to_string()).collect(),
                        )),+)?],
                        buckets: vec![$($($bucket),+)?],
                    }),)+
                }
            }

            pub(super) fn register(&self, registry: &::prometheus::Registry) {
                $($crate::metrics::declare::register(registry, &self.$name);)+
            }
        }
    };
}
pub(super) use metrics;

/// Lines are constants: an error here shows in the first test that makes a node.
pub(super) fn declared<M: Declared>(line: Line<'_>) -> M {
    M::of(line).expect("the metric's name and labels are valid")
}

/// As above, a mistake shows in the first test that makes a node.
pub(super) fn register<M: Declared>(registry: &prometheus::Registry, metric: &M) {
    registry
        .register(Box::new(metric.clone()))
        .expect("the metric's name is its own");
}

impl Line<'_> {
    fn help(&self) -> String {
        let lines: Vec<_> = self.help.iter().map(|line| line.trim()).collect();
        lines.join(" ")
    }

    fn opts(&self) -> Opts {
        Opts::new(self.name, self.help())
    }

    fn label_names(&self) -> Vec<&'static str> {
        self.labels.iter().map(|(name, _)| *name).collect()
    }

    /// Calls `each` with the labels of every series.
    fn for_each_series(&self, mut each: impl FnMut(&[&str])) {
        let mut all: Vec<Vec<&str>> = vec![Vec::new()];
        for (_, values) in &self.labels {
            let longer = all.iter().flat_map(|labels| {
                let add = |value| [&labels[..], &[value]].concat();
                values.iter().map(move |value| add(&**value))
            });
            all = longer.collect();
        }
        for labels in all {
            each(&labels);
        }
    }
}

impl Declared for IntCounter {
    fn of(line: Line<'_>) -> prometheus::Result<Self> {
        Self::with_opts(line.opts())
    }
}

impl Declared for IntGauge {
    fn of(line: Line<'_>) -> prometheus::Result<Self> {
        Self::with_opts(line.opts())
    }
}

impl Declared for Gauge {
    fn of(line: Line<'_>) -> prometheus::Result<Self> {
        Self::with_opts(line.opts())
    }
}

impl Declared for Histogram {
    fn of(line: Line<'_>) -> prometheus::Result<Self> {
        let opts = HistogramOpts::new(line.name, line.help());
        Self::with_opts(opts.buckets(line.buckets))
    }
}

/// Every series begins at 0. Otherwise an alert on its growth would miss the first event.
impl Declared for IntCounterVec {
    fn of(line: Line<'_>) -> prometheus::Result<Self> {
        let counters = Self::new(line.opts(), &line.label_names())?;
        line.for_each_series(|labels| counters.with_label_values(labels).reset());
        Ok(counters)
    }
}

/// Every series begins at 0 here too.
impl Declared for IntGaugeVec {
    fn of(line: Line<'_>) -> prometheus::Result<Self> {
        let gauges = Self::new(line.opts(), &line.label_names())?;
        line.for_each_series(|labels| gauges.with_label_values(labels).set(0));
        Ok(gauges)
    }
}
