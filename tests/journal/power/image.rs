//! What a disk may hold after a power loss: everything durable, and of the rest more or less.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::disk::{Change, Disk, Inode, ROOT, What};
use crate::tree::{Node, Tree};
use hoptrail_tests::Rng;

/// What becomes of changes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All are gone.
    Strict,
    /// All are there: not a power loss, only the process is gone.
    Kept,
    /// Names and lengths are there, data is not: it reads as zeros, or as what was there before.
    Emptied,
    /// Each is there or not, in any order; data may be there in part. The number picks one of the possible disks.
    Random(u64),
    /// As `Random`, but changes of names were made durable in their order, up to one of them.
    Journaled(u64),
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Strict => f.write_str("strict"),
            Mode::Kept => f.write_str("kept"),
            Mode::Emptied => f.write_str("emptied"),
            Mode::Random(number) => write!(f, "random-{number}"),
            Mode::Journaled(number) => write!(f, "journaled-{number}"),
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Mode, String> {
        let wrong = || format!("{text:?} is no mode: strict, kept, emptied, random-N, journaled-N");
        match text.split_once('-') {
            None if text == "strict" => Ok(Mode::Strict),
            None if text == "kept" => Ok(Mode::Kept),
            None if text == "emptied" => Ok(Mode::Emptied),
            Some(("random", number)) => number.parse().map(Mode::Random).map_err(|_| wrong()),
            Some(("journaled", number)) => number.parse().map(Mode::Journaled).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

/// What is left of one change.
enum Left {
    Nothing,
    /// Of a write: the file is as long as if it had happened.
    Length,
    /// Of a write: some of its sectors, of this many bytes.
    Sectors(u64),
    All,
}

impl Disk {
    /// The disk after a power loss at `point`.
    pub fn image(&self, point: usize, mode: Mode, seed: u64) -> Tree {
        let mut losing = Losing::new(self, point, mode, seed);
        let mut image = Image::new(self.is_dir.len());
        for change in self.changes.iter().take_while(|change| change.since <= point) {
            let left = match change.durable {
                Some(durable) if durable <= point => Left::All,
                _ => losing.left(change),
            };
            image.apply(&change.what, &left, &mut losing.rng);
        }
        image.tree(self)
    }

    /// The disk without any loss, at the end.
    pub fn now(&self) -> Tree {
        self.image(self.end, Mode::Kept, 0)
    }
}

/// Decides what is lost.
struct Losing {
    mode: Mode,
    rng: Rng,
    /// Percent of the changes that are kept.
    kept: u64,
    sector: u64,
    /// The first point whose changes of names are gone, where those go in order.
    names_until: usize,
}

impl Losing {
    fn new(disk: &Disk, point: usize, mode: Mode, seed: u64) -> Losing {
        let number = if let Mode::Random(number) | Mode::Journaled(number) = mode { number } else { 0 };
        let mut rng = Rng::new(&[seed, point as u64, number]);
        let (kept, sector) = (*rng.pick(&[5, 50, 95]), *rng.pick(&[512, 4096]));
        let is_lost = |change: &&Change| change.since <= point && change.durable.is_none_or(|since| since > point);
        let names = |change: &&Change| matches!(change.what, What::Names(_));
        let lost: Vec<usize> = disk.changes.iter().filter(is_lost).filter(names).map(|change| change.since).collect();
        let names_until = match rng.below(lost.len() as u64 + 1) as usize {
            after if after == lost.len() => point + 1,
            first => lost[first],
        };
        Losing { mode, rng, kept, sector, names_until }
    }

    fn left(&mut self, change: &Change) -> Left {
        let all_or_nothing = |is_kept| if is_kept { Left::All } else { Left::Nothing };
        match (self.mode, &change.what) {
            (Mode::Strict, _) => Left::Nothing,
            (Mode::Kept, _) => Left::All,
            (Mode::Emptied, What::Data { .. }) => Left::Length,
            (Mode::Emptied, _) => Left::All,
            (Mode::Journaled(_), What::Names(_)) => all_or_nothing(change.since < self.names_until),
            (_, What::Data { .. }) if self.rng.chance(25) => {
                if self.rng.chance(25) {
                    Left::Length
                } else {
                    Left::Sectors(self.sector)
                }
            }
            _ => all_or_nothing(self.rng.chance(self.kept)),
        }
    }
}

/// A disk in the making.
struct Image {
    data: Vec<Vec<u8>>,
    names: Vec<BTreeMap<OsString, Inode>>,
}

impl Image {
    fn new(inodes: usize) -> Image {
        Image { data: vec![Vec::new(); inodes], names: vec![BTreeMap::new(); inodes] }
    }

    fn apply(&mut self, what: &What, left: &Left, rng: &mut Rng) {
        match (what, left) {
            (_, Left::Nothing) => {}
            (What::Data { file, at, bytes }, left) => {
                let (at, data) = (*at as usize, &mut self.data[*file]);
                let end = at + bytes.len();
                match left {
                    Left::Sectors(sector) => write_some(data, at, bytes, *sector as usize, rng),
                    Left::All => {
                        lengthen(data, end);
                        data[at..end].copy_from_slice(bytes);
                    }
                    _ => lengthen(data, end),
                }
            }
            (What::Length { file, len }, _) => self.data[*file].resize(*len as usize, 0),
            (What::Names(names), _) => {
                for (dir, name, inode) in names {
                    match inode {
                        Some(inode) => drop(self.names[*dir].insert(name.clone(), *inode)),
                        None => drop(self.names[*dir].remove(name)),
                    }
                }
            }
        }
    }

    fn tree(mut self, disk: &Disk) -> Tree {
        let mut tree = Tree::default();
        self.walk(disk, ROOT, Path::new(""), &mut tree);
        tree
    }

    fn walk(&mut self, disk: &Disk, dir: Inode, path: &Path, tree: &mut Tree) {
        for (name, inode) in std::mem::take(&mut self.names[dir]) {
            let path = path.join(name);
            if disk.is_dir[inode] {
                tree.0.insert(path.clone(), Node::Dir);
                self.walk(disk, inode, &path, tree);
            } else {
                tree.0.insert(path, Node::File(self.data[inode].clone()));
            }
        }
    }
}

/// Writes each sector or leaves it; the file ends with the last one written.
fn write_some(data: &mut Vec<u8>, at: usize, bytes: &[u8], sector: usize, rng: &mut Rng) {
    let (mut from, end) = (at, at + bytes.len());
    while from < end {
        let to = end.min((from / sector + 1) * sector);
        if rng.chance(50) {
            lengthen(data, to);
            data[from..to].copy_from_slice(&bytes[from - at..to - at]);
        }
        from = to;
    }
}

fn lengthen(data: &mut Vec<u8>, len: usize) {
    if data.len() < len {
        data.resize(len, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorder::Recording;
    use super::super::trace::Op;
    use super::*;

    /// What is on the disk after all of it, in every mode.
    fn images(ops: &[Op]) -> (Tree, impl Fn(Mode) -> Tree + use<>) {
        let disk = Disk::new(&Recording::new(ops.to_vec()));
        (disk.image(disk.end, Mode::Strict, 1), move |mode| disk.image(disk.end, mode, 1))
    }

    fn open(fd: i32, path: &str, make: bool) -> Op {
        Op::Open { fd, path: path.into(), make, cut: false }
    }

    fn write(fd: i32, at: u64, data: &[u8]) -> Op {
        Op::Write { fd, at, data: data.to_vec() }
    }

    fn sync(fd: i32, ticket: i64) -> [Op; 2] {
        [Op::SyncBegin { fd, ticket }, Op::SyncEnd { ticket, ok: true }]
    }

    fn tree(files: &[(&str, &[u8])]) -> Tree {
        Tree(files.iter().map(|(path, bytes)| (path.into(), Node::File(bytes.to_vec()))).collect())
    }

    #[test]
    fn a_synced_file_without_a_synced_name_is_gone() {
        let mut ops = vec![open(3, "a", true), write(3, 0, b"abc")];
        ops.extend(sync(3, 1));
        let (strict, image) = images(&ops);
        assert_eq!(strict, tree(&[]));
        assert_eq!(image(Mode::Emptied), tree(&[("a", b"abc")]));
        ops.push(open(4, "", false));
        ops.extend(sync(4, 2));
        assert_eq!(images(&ops).0, tree(&[("a", b"abc")]));
    }

    #[test]
    fn a_sync_covers_only_what_was_written_before_it_began() {
        let mut ops =
            vec![open(4, "", false), open(3, "a", true), write(3, 0, b"abc"), Op::SyncBegin { fd: 3, ticket: 1 }];
        ops.extend([write(3, 3, b"def"), Op::SyncEnd { ticket: 1, ok: true }]);
        ops.extend(sync(4, 2));
        let (strict, image) = images(&ops);
        assert_eq!(strict, tree(&[("a", b"abc")]));
        assert_eq!(image(Mode::Emptied), tree(&[("a", b"abc\0\0\0")]));
        assert_eq!(image(Mode::Kept), tree(&[("a", b"abcdef")]));
    }

    #[test]
    fn a_failed_sync_makes_nothing_durable() {
        let mut ops = vec![open(4, "", false), open(3, "a", true), write(3, 0, b"abc")];
        ops.extend(sync(4, 1));
        ops.extend([Op::SyncBegin { fd: 3, ticket: 2 }, Op::SyncEnd { ticket: 2, ok: false }]);
        assert_eq!(images(&ops).0, tree(&[("a", b"")]));
    }

    #[test]
    fn a_rename_is_lost_or_kept_as_a_whole() {
        let mut ops = vec![open(4, "", false), open(3, "a", true), write(3, 0, b"abc")];
        ops.extend(sync(3, 1));
        ops.extend(sync(4, 2));
        ops.push(Op::Rename { from: "a".into(), to: "b".into() });
        let (strict, image) = images(&ops);
        assert_eq!(strict, tree(&[("a", b"abc")]));
        let seen = (0..50).map(|number| image(Mode::Random(number)));
        let (old, new) = (tree(&[("a", b"abc")]), tree(&[("b", b"abc")]));
        let count =
            seen.fold((0, 0), |count, seen| (count.0 + i32::from(seen == old), count.1 + i32::from(seen == new)));
        assert!(count.0 > 5 && count.1 > 5 && count.0 + count.1 == 50, "{count:?}");
    }

    #[test]
    fn an_unsynced_write_may_be_torn_at_its_sectors() {
        let mut ops = vec![open(4, "", false), open(3, "a", true), write(3, 0, &[1; 8192])];
        ops.extend(sync(3, 1));
        ops.extend(sync(4, 2));
        ops.push(write(3, 100, &[2; 8000]));
        let (_, image) = images(&ops);
        let mut torn = 0;
        for number in 0..200 {
            let tree = image(Mode::Random(number));
            let Some(Node::File(bytes)) = tree.0.get(Path::new("a")) else { panic!("{tree:?}") };
            assert!(bytes[..100] == [1; 100] && bytes[8100..] == [1; 92]);
            let new = bytes.iter().filter(|byte| **byte == 2).count();
            torn += i32::from(new != 0 && new != 8000);
        }
        assert!(torn > 10, "{torn}");
    }

    #[test]
    fn a_mode_reads_back_what_it_writes() {
        for mode in [Mode::Strict, Mode::Kept, Mode::Emptied, Mode::Random(3), Mode::Journaled(0)] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("random-".parse::<Mode>().is_err() && "torn".parse::<Mode>().is_err());
    }
}
