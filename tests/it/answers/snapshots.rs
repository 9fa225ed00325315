//! Texts in files: compared, told as a difference, and rewritten on demand (`UPDATE_EXPECT`).

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use expect_test::expect_file;

use crate::support::REPO;

/// The snapshots of one directory below `fixtures/answers`, all of which have to be used.
pub struct Snapshots {
    dir: PathBuf,
    used: BTreeSet<String>,
    /// Those whose difference has been printed.
    differing: Vec<String>,
}

impl Snapshots {
    pub fn of(name: &str) -> Snapshots {
        let dir = PathBuf::from(REPO).join("fixtures/answers").join(name);
        fs::create_dir_all(&dir).unwrap();
        Snapshots { dir, used: BTreeSet::new(), differing: Vec::new() }
    }

    /// Compares with the file of this name, and prints the difference.
    pub fn check(&mut self, name: &str, text: &str) {
        let file = format!("{name}.txt");
        let path = self.dir.join(&file);
        assert!(self.used.insert(file.clone()), "two snapshots are called {name}");
        // Git may change line ends, and comparing passes over them.
        let compare = || expect_file![path].assert_eq(&text.replace('\r', "\\r"));
        if catch_unwind(AssertUnwindSafe(compare)).is_err() {
            self.differing.push(file);
        }
    }

    /// Everything is equal, and every file has been compared: one that no test asks for would look as if it held something.
    pub fn finish(self) {
        let Snapshots { dir, differing, .. } = &self;
        assert!(
            differing.is_empty(),
            "these differ in {}; `tests/it/answers/mod.rs` says how to go on: {differing:#?}",
            dir.display()
        );
        let files = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let unused: Vec<String> = files.filter(|file| !self.used.contains(file)).collect();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            unused.iter().for_each(|file| fs::remove_file(self.dir.join(file)).unwrap());
            return;
        }
        assert!(unused.is_empty(), "no test asks for {unused:?} in {}; remove them", self.dir.display());
    }
}
