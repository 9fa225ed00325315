//! The configured paths in bodies, made ready to tell quickly that one selects nothing.

use memchr::memmem::Finder;

use crate::config::JsonPath;

/// A path to values that are masked whole.
#[derive(Clone)]
pub(super) struct MaskPath {
    pub(super) path: JsonPath,
    /// It cannot be followed in the text.
    pub(super) needs_tree: bool,
    /// For each name that must be there: the name in its quotes.
    names: Vec<Finder<'static>>,
}

impl MaskPath {
    pub(super) fn new(path: &JsonPath) -> Self {
        let names = path.names().map(|name| Finder::new(&format!("\"{name}\"")).into_owned());
        MaskPath { path: path.clone(), needs_tree: path.start().is_none(), names: names.collect() }
    }

    /// Every name without which the path selects nothing is in the text. Names that are written with escapes are not
    /// found.
    pub(super) fn names_are_in(&self, text: &str) -> bool {
        self.names.iter().all(|name| name.find(text.as_bytes()).is_some())
    }
}
