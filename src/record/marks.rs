//! The marks: the point up to which each source is recorded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::journal::Mark;
use crate::model::Source;

/// The point up to which each source is recorded, by virtual host and source.
pub(super) type Marks = Arc<Mutex<BTreeMap<String, Mark>>>;

/// The name of a mark in the journal. A virtual host's name may hold any character but this one.
pub(super) fn mark_name(vhost: &str, source: Source) -> String {
    format!("{source}\0{vhost}")
}
