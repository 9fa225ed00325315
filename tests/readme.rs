//! Holds the page of the settings, and the example, to the code.

use std::fs;
use std::path::Path;

#[path = "readme/raw.rs"]
mod raw;
#[path = "readme/settings.rs"]
mod settings;

fn path(below_root: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below_root)
}

fn read(below_root: &str) -> String {
    let path = path(below_root);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
