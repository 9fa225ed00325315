//! The recorder's trace as a list of operations. Paths are relative to the recorded directory.

use std::path::PathBuf;

/// What the recorded process did.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    Open {
        fd: i32,
        path: PathBuf,
        make: bool,
        cut: bool,
    },
    Close {
        fd: i32,
    },
    Dup {
        fd: i32,
        copy: i32,
    },
    Write {
        fd: i32,
        at: u64,
        data: Vec<u8>,
    },
    Truncate {
        fd: i32,
        len: u64,
    },
    TruncatePath {
        path: PathBuf,
        len: u64,
    },
    SyncBegin {
        fd: i32,
        ticket: i64,
    },
    SyncEnd {
        ticket: i64,
        ok: bool,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Unlink {
        path: PathBuf,
    },
    Rmdir {
        path: PathBuf,
    },
    Mkdir {
        path: PathBuf,
    },
    Note(String),
    /// A new process: descriptors mean nothing any more.
    Process,
}

/// A record's head: op, fd, a, b, len, len2.
const HEAD_BYTES: usize = 32;

/// Reads a trace. Its last record may be cut where the process was killed.
///
/// # Panics
/// The process did what the recorder has no record for.
pub fn read(mut bytes: &[u8]) -> Vec<Op> {
    let mut ops = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(HEAD_BYTES) {
        let (len, len2) = (number(head, 24) as usize, number(head, 28) as usize);
        let Some((data, rest)) = rest.split_at_checked(len) else { break };
        let Some((second, rest)) = rest.split_at_checked(len2) else { break };
        ops.push(op(head, data, second));
        bytes = rest;
    }
    ops
}

/// The bytes of the first `count` operations.
pub fn prefix(bytes: &[u8], count: usize) -> &[u8] {
    let step = |at: usize| at + HEAD_BYTES + (number(&bytes[at..], 24) + number(&bytes[at..], 28)) as usize;
    &bytes[..(0..count).fold(0, |at, _| step(at))]
}

fn op(head: &[u8], data: &[u8], second: &[u8]) -> Op {
    let (fd, a, b) = (number(head, 4) as i32, long(head, 8), long(head, 16));
    let path = || PathBuf::from(text(data));
    match number(head, 0) {
        1 => Op::Open { fd, path: path(), make: a & 1 != 0, cut: a & 2 != 0 },
        2 => Op::Close { fd },
        3 => Op::Dup { fd, copy: a as i32 },
        4 => Op::Write { fd, at: a as u64, data: data.to_vec() },
        5 => Op::Truncate { fd, len: a as u64 },
        6 => Op::TruncatePath { path: path(), len: a as u64 },
        7 => Op::SyncBegin { fd, ticket: a },
        8 => Op::SyncEnd { ticket: a, ok: b == 0 },
        9 => Op::Rename { from: path(), to: PathBuf::from(text(second)) },
        10 => Op::Unlink { path: path() },
        11 => Op::Rmdir { path: path() },
        12 => Op::Mkdir { path: path() },
        13 => Op::Note(text(data)),
        14 => panic!("the recorder cannot follow what the process did: {}", text(data)),
        15 => Op::Process,
        unknown => panic!("operation {unknown} is in the trace: record.c and trace.rs differ"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("names and notes are text")
}

fn number(head: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(head[at..at + 4].try_into().expect("four bytes"))
}

fn long(head: &[u8], at: usize) -> i64 {
    i64::from_ne_bytes(head[at..at + 8].try_into().expect("eight bytes"))
}
