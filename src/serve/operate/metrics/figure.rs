//! A metric before it is encoded.

/// The labels of a series.
pub(super) type Labels = Vec<(&'static str, String)>;

/// One metric with its series.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) series: Series,
}

/// The values of a metric.
#[derive(Debug)]
pub(super) enum Series {
    Count(Vec<(Labels, u64)>),
    Seconds(f64),
    Gauge(Vec<(Labels, f64)>),
}
