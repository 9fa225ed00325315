//! A directory's whole content, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file with its bytes, or a directory.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Dir,
    File(Vec<u8>),
}

/// Everything below a directory, by relative path; a directory comes before what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree(pub BTreeMap<PathBuf, Node>);

impl Tree {
    /// Reads what lies below `dir`.
    pub fn read(dir: &Path) -> Tree {
        fn walk(root: &Path, dir: &Path, tree: &mut Tree) {
            for entry in fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                let below = path.strip_prefix(root).expect("below").to_owned();
                if path.is_dir() {
                    tree.0.insert(below, Node::Dir);
                    walk(root, &path, tree);
                } else {
                    tree.0.insert(below, Node::File(fs::read(&path).expect("a file")));
                }
            }
        }
        let mut tree = Tree::default();
        walk(dir, dir, &mut tree);
        tree
    }

    /// Writes it below `dir`, which is there and empty.
    pub fn write(&self, dir: &Path) {
        for (path, node) in &self.0 {
            let path = dir.join(path);
            match node {
                Node::Dir => fs::create_dir(&path).expect("a new directory"),
                Node::File(bytes) => fs::write(&path, bytes).expect("a new file"),
            }
        }
    }

    /// Tells trees apart.
    pub fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        for (path, node) in &self.0 {
            let (kind, bytes) = match node {
                Node::Dir => (0_u8, &[][..]),
                Node::File(bytes) => (1, &bytes[..]),
            };
            let path = path.as_os_str().as_encoded_bytes();
            hasher.update(&[kind]);
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        hasher.finalize()
    }

    /// In words, where it differs from another; `None` where it does not.
    pub fn difference(&self, other: &Tree) -> Option<String> {
        let paths = self.0.keys().chain(other.0.keys());
        let different = |path: &&PathBuf| self.0.get(*path) != other.0.get(*path);
        let path = paths.into_iter().find(different)?;
        let say = |tree: &Tree| match tree.0.get(path) {
            None => "nothing".to_owned(),
            Some(Node::Dir) => "a directory".to_owned(),
            Some(Node::File(bytes)) => format!("{} bytes of hash {}", bytes.len(), blake3::hash(bytes).to_hex()),
        };
        Some(format!("{}: {} and {}", path.display(), say(self), say(other)))
    }
}
