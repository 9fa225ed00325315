//! A disk as a trace leaves it: what changed when, and from when on each change outlasts a power loss.
//!
//! Files and directories are kept apart from their names, as a file system does. An fsync of a file makes durable what
//! was written into it before the fsync began, and nothing else: not its name. An fsync of a directory makes durable
//! which names are in it. A rename over two directories needs both. Nothing else makes anything durable.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::Path;

use super::recorder::Recording;
use super::trace::Op;
use crate::tree::{Node, Tree};

/// A file or directory, whatever it is called.
pub type Inode = usize;

/// The directory that is recorded.
pub const ROOT: Inode = 0;

/// One change. Points in time are numbers of operations done.
#[derive(Clone, Debug)]
pub struct Change {
    /// The first point at which it has happened.
    pub since: usize,
    /// The first point from which on it cannot be lost.
    pub durable: Option<usize>,
    /// What changed.
    pub what: What,
}

/// What a change changes.
#[derive(Clone, Debug)]
pub enum What {
    /// Bytes of a file.
    Data { file: Inode, at: u64, bytes: Vec<u8> },
    /// The length of a file.
    Length { file: Inode, len: u64 },
    /// What names stand for, all at once; `None`: nothing.
    Names(Vec<(Inode, OsString, Option<Inode>)>),
}

/// Everything that happened to a disk.
#[derive(Debug, Default)]
pub struct Disk {
    /// In the order in which it happened.
    pub changes: Vec<Change>,
    /// What the process said, and since when.
    pub notes: Vec<(usize, String)>,
    /// Points at which a sync had just ended.
    pub synced: Vec<usize>,
    /// The last point.
    pub end: usize,
    /// Whether an inode is a directory.
    pub is_dir: Vec<bool>,
}

impl Disk {
    /// # Panics
    /// An operation does not fit those before it: the trace is not complete.
    pub fn new(recording: &Recording) -> Disk {
        let mut replay = Replay::new(&recording.before.tree);
        replay.disk.notes.extend(recording.before.notes.iter().map(|note| (0, note.clone())));
        for (number, op) in recording.ops.iter().enumerate() {
            replay.disk.end = number + 1;
            replay.play(op);
        }
        replay.disk
    }
}

/// The state while a trace is replayed.
struct Replay {
    disk: Disk,
    /// The names in each directory; nothing for files.
    names: Vec<BTreeMap<OsString, Inode>>,
    /// Changes of each inode that were not synced yet.
    pending: Vec<Vec<usize>>,
    /// For renames over two directories: in how many of them the change is not synced yet.
    missing: HashMap<usize, usize>,
    open: HashMap<i32, Inode>,
    /// Running syncs: of what, and how many changes had been made when it began.
    syncs: HashMap<i64, (Inode, usize)>,
}

impl Replay {
    /// A disk with `before` on it, durably.
    fn new(before: &Tree) -> Replay {
        let mut replay = Replay {
            disk: Disk::default(),
            names: Vec::new(),
            pending: Vec::new(),
            missing: HashMap::new(),
            open: HashMap::new(),
            syncs: HashMap::new(),
        };
        assert_eq!(replay.inode(true), ROOT);
        for (path, node) in &before.0 {
            let inode = replay.make(path, *node == Node::Dir);
            if let Node::File(bytes) = node {
                replay.change(&[inode], What::Data { file: inode, at: 0, bytes: bytes.clone() });
            }
        }
        replay.disk.changes.iter_mut().for_each(|change| change.durable = Some(0));
        replay.pending.iter_mut().for_each(Vec::clear);
        replay
    }

    fn play(&mut self, op: &Op) {
        match op {
            Op::Open { fd, path, make, cut } => self.open(*fd, path, *make, *cut),
            Op::Close { fd } => drop(self.open.remove(fd)),
            Op::Dup { fd, copy } => drop(self.open.insert(*copy, self.open[fd])),
            Op::Write { fd, at, data } => {
                let file = self.open[fd];
                self.change(&[file], What::Data { file, at: *at, bytes: data.clone() });
            }
            Op::Truncate { fd, len } => self.cut(self.open[fd], *len),
            Op::TruncatePath { path, len } => self.cut(self.find(path), *len),
            Op::SyncBegin { fd, ticket } => {
                self.syncs.insert(*ticket, (self.open[fd], self.disk.changes.len()));
            }
            Op::SyncEnd { ticket, ok } => self.end_sync(*ticket, *ok),
            Op::Rename { from, to } => self.rename(from, to),
            Op::Unlink { path } | Op::Rmdir { path } => {
                let (dir, name) = self.place(path);
                self.set_names(vec![(dir, name, None)]);
            }
            Op::Mkdir { path } => drop(self.make(path, true)),
            Op::Note(text) => self.disk.notes.push((self.disk.end, text.trim_end().to_owned())),
            Op::Process => {
                self.open.clear();
                self.syncs.clear();
            }
        }
    }

    fn open(&mut self, fd: i32, path: &Path, make: bool, cut: bool) {
        let inode = match self.lookup(path) {
            Some(inode) => {
                if cut {
                    self.cut(inode, 0);
                }
                inode
            }
            None if make => self.make(path, false),
            None => panic!("{} was opened, and the trace does not know where it came from", path.display()),
        };
        self.open.insert(fd, inode);
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let inode = self.find(from);
        let ((dir, name), (new_dir, new_name)) = (self.place(from), self.place(to));
        self.set_names(vec![(dir, name, None), (new_dir, new_name, Some(inode))]);
    }

    fn end_sync(&mut self, ticket: i64, ok: bool) {
        let Some((inode, begun)) = self.syncs.remove(&ticket) else { panic!("sync {ticket} ends and never began") };
        if !ok {
            return;
        }
        self.disk.synced.push(self.disk.end);
        let (synced, rest) = self.pending[inode].iter().partition(|change| **change < begun);
        self.pending[inode] = rest;
        for change in synced {
            let missing = self.missing.get_mut(&change).expect("as many as it has places");
            *missing -= 1;
            if *missing == 0 {
                self.disk.changes[change].durable = Some(self.disk.end);
            }
        }
    }

    fn cut(&mut self, file: Inode, len: u64) {
        self.change(&[file], What::Length { file, len });
    }

    fn set_names(&mut self, names: Vec<(Inode, OsString, Option<Inode>)>) {
        let mut dirs: Vec<Inode> = names.iter().map(|(dir, ..)| *dir).collect();
        dirs.dedup();
        for (dir, name, inode) in &names {
            match inode {
                Some(inode) => drop(self.names[*dir].insert(name.clone(), *inode)),
                None => assert!(self.names[*dir].remove(name).is_some(), "{name:?} goes and was never there"),
            }
        }
        self.change(&dirs, What::Names(names));
    }

    fn change(&mut self, inodes: &[Inode], what: What) {
        let number = self.disk.changes.len();
        inodes.iter().for_each(|inode| self.pending[*inode].push(number));
        self.missing.insert(number, inodes.len());
        self.disk.changes.push(Change { since: self.disk.end, durable: None, what });
    }

    fn make(&mut self, path: &Path, is_dir: bool) -> Inode {
        let inode = self.inode(is_dir);
        let (dir, name) = self.place(path);
        self.set_names(vec![(dir, name, Some(inode))]);
        inode
    }

    fn inode(&mut self, is_dir: bool) -> Inode {
        self.disk.is_dir.push(is_dir);
        self.names.push(BTreeMap::new());
        self.pending.push(Vec::new());
        self.names.len() - 1
    }

    fn lookup(&self, path: &Path) -> Option<Inode> {
        path.iter().try_fold(ROOT, |dir, name| self.names[dir].get(name).copied())
    }

    fn find(&self, path: &Path) -> Inode {
        self.lookup(path).unwrap_or_else(|| panic!("{} is used, and was never made", path.display()))
    }

    fn place(&self, path: &Path) -> (Inode, OsString) {
        let dir = self.find(path.parent().expect("a file is in a directory"));
        (dir, path.file_name().expect("a file has a name").to_owned())
    }
}
