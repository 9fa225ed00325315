//! What is done to a file.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::tree::{Node, Tree};
use hoptrail_tests::Rng;

/// What a disk, or a person, may do to a journal.
#[derive(Clone, Debug)]
pub enum Harm {
    /// Bytes become other bytes.
    Flipped { file: PathBuf, at: usize, mask: Vec<u8> },
    /// Bytes become zeros.
    Zeroed { file: PathBuf, at: usize, len: usize },
    /// The file ends early.
    Cut { file: PathBuf, len: usize },
    /// Something stands behind its end.
    Grown { file: PathBuf, bytes: Vec<u8> },
    /// A file, or a directory with all that is in it, is not there.
    Removed(PathBuf),
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Harm::Flipped { file, at, mask } => {
                write!(f, "{} bytes from {at} flipped in {}", mask.len(), file.display())
            }
            Harm::Zeroed { file, at, len } => write!(f, "{len} bytes from {at} zeroed in {}", file.display()),
            Harm::Cut { file, len } => write!(f, "{} cut to {len} bytes", file.display()),
            Harm::Grown { file, bytes } => write!(f, "{} grown by {} bytes", file.display(), bytes.len()),
            Harm::Removed(path) => write!(f, "{} removed", path.display()),
        }
    }
}

impl Harm {
    /// Any harm to any file of a partition: half of all to databases, the rest to all files alike.
    pub fn choose(tree: &Tree, rng: &mut Rng) -> Harm {
        let in_parts = tree.0.iter().filter(|(path, _)| path.components().count() > 1 && !path.starts_with("removed"));
        let (dirs, files): (Vec<_>, Vec<_>) = in_parts.partition(|(_, node)| **node == Node::Dir);
        assert!(dirs.iter().all(|(path, _)| path.ends_with("blobs")), "{dirs:?}");
        let mut parts: Vec<_> = tree.0.keys().filter(|path| is_part(path)).collect();
        // Where all of the newest is gone, nothing is left that could tell of it.
        parts.pop().expect("a partition");
        if rng.chance(3) {
            return Harm::Removed((*rng.pick(&parts)).clone());
        }
        let databases: Vec<_> = files.iter().filter(|(path, _)| path.ends_with("db")).copied().collect();
        let from = if rng.chance(50) { &databases } else { &files };
        let (file, bytes) = match *rng.pick(from) {
            (file, Node::File(bytes)) => (file.clone(), bytes),
            (path, Node::Dir) => panic!("{} is a directory", path.display()),
        };
        let (at, len) = place(bytes, rng);
        match rng.below(20) {
            0 => Harm::Removed(file),
            1..4 => Harm::Cut { file, len: at },
            4 => Harm::Grown { file, bytes: rng.bytes(len) },
            5..8 => Harm::Zeroed { file, at, len },
            _ => Harm::Flipped { file, at, mask: rng.bytes(len).into_iter().map(|byte| byte.max(1)).collect() },
        }
    }

    /// What it makes of a journal.
    pub fn done_to(&self, tree: &Tree) -> Tree {
        let mut tree = tree.clone();
        match self {
            Harm::Removed(gone) => tree.0.retain(|path, _| !path.starts_with(gone)),
            Harm::Flipped { file, at, mask } => {
                bytes(&mut tree, file)[*at..].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
            }
            Harm::Zeroed { file, at, len } => {
                let bytes = bytes(&mut tree, file);
                let end = bytes.len().min(at + len);
                bytes[*at..end].fill(0);
            }
            Harm::Cut { file, len } => bytes(&mut tree, file).truncate(*len),
            Harm::Grown { file, bytes: more } => bytes(&mut tree, file).extend(more),
        }
        tree
    }
}

/// The directory of a partition.
pub fn is_part(path: &Path) -> bool {
    path.components().count() == 1 && path.to_string_lossy().starts_with("20")
}

fn bytes<'a>(tree: &'a mut Tree, file: &Path) -> &'a mut Vec<u8> {
    match tree.0.get_mut(file) {
        Some(Node::File(bytes)) => bytes,
        other => panic!("{} is {other:?}", file.display()),
    }
}

/// A region: mostly one with something in it, of a byte or a few, a sector, or a page.
fn place(bytes: &[u8], rng: &mut Rng) -> (usize, usize) {
    let len = *rng.pick(&[1, 1, 16, 512, 4096]);
    let mut at = rng.below(bytes.len() as u64) as usize;
    for _ in 0..8 {
        if bytes.get(at).is_none_or(|byte| *byte != 0) {
            break;
        }
        at = rng.below(bytes.len() as u64) as usize;
    }
    if len < 512 { (at, len) } else { (at / len * len, len) }
}
