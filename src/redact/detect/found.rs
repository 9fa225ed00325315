//! A finding.

use std::ops::Range;

use crate::config::Detector;

/// Something to be masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::redact) struct Found {
    pub(in crate::redact) kind: Detector,
    pub(in crate::redact) range: Range<usize>,
}
