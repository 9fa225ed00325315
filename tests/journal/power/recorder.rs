//! Runs a test of this program in processes of their own, under the preload library `record.c`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

use super::disk::Disk;
use super::trace::{self, Op};
use crate::tree::Tree;

const DIR: &str = "HOPTRAIL_DISK_DIR";
const TRACE: &str = "HOPTRAIL_DISK_TRACE";
const NOTES: &str = "HOPTRAIL_DISK_NOTES";
const KILL_AT: &str = "HOPTRAIL_DISK_KILL_AT";
/// A file system in memory, where there is one: what a disk forgets is decided here, not by a disk.
const MEMORY: &str = "/dev/shm";

/// What was there before a recording begins, durably, and what had been promised about it.
#[derive(Clone, Debug, Default)]
pub struct Before {
    pub tree: Tree,
    pub notes: Vec<String>,
}

/// What recorded processes did to their directory.
#[derive(Debug)]
pub struct Recording {
    pub before: Before,
    pub ops: Vec<Op>,
    /// The operations as the recorder wrote them.
    trace: Vec<u8>,
}

impl Recording {
    /// Of operations that were made up.
    pub fn new(ops: Vec<Op>) -> Recording {
        Recording { before: Before::default(), ops, trace: Vec::new() }
    }

    /// Of nothing yet.
    pub fn on(before: Before) -> Recording {
        Recording { before, ops: Vec::new(), trace: Vec::new() }
    }

    /// Its beginning, as if the process had been killed then.
    pub fn until(&self, point: usize) -> Recording {
        let trace = trace::prefix(&self.trace, point).to_vec();
        Recording { before: self.before.clone(), ops: self.ops[..point].to_vec(), trace }
    }

    /// Writes it into a directory, which is made.
    pub fn keep(&self, dir: &Path) {
        fs::create_dir_all(dir.join("before")).expect("a new directory");
        self.before.tree.write(&dir.join("before"));
        fs::write(dir.join("notes"), self.before.notes.join("\n")).expect("written");
        fs::write(dir.join("trace"), &self.trace).expect("written");
    }

    /// Reads what [`Self::keep`] wrote.
    pub fn load(dir: &Path) -> Recording {
        let trace = fs::read(dir.join("trace")).expect("a trace that was kept");
        let notes = fs::read_to_string(dir.join("notes")).expect("what was promised before");
        let before =
            Before { tree: Tree::read(&dir.join("before")), notes: notes.lines().map(str::to_owned).collect() };
        Recording { before, ops: trace::read(&trace), trace }
    }
}

/// A process that is started holds every open file, and so the locks of journals, until it runs its program.
static STARTING: RwLock<()> = RwLock::new(());

/// While this is held, no process is started.
pub fn alone() -> RwLockReadGuard<'static, ()> {
    STARTING.read().unwrap_or_else(PoisonError::into_inner)
}

/// A directory that goes when its test ends.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new(MEMORY);
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a directory for tests")
}

/// In a recorded process: its directory, and the file for its notes. `None` in any other.
pub fn place() -> Option<(PathBuf, PathBuf)> {
    Some((env::var_os(DIR)?.into(), env::var_os(NOTES)?.into()))
}

/// Goes on with a recording: runs the test `name` on its disk, once for each of `kills`, killed at the operation of that
/// number, then once to its end.
///
/// # Panics
/// The test fails, or the trace is not all that happened: replayed in full it does not give what is on the disk.
pub fn record(name: &str, begun: Recording, kills: &[u64], settings: &[(&str, String)]) -> Recording {
    let scratch = scratch();
    let root = scratch.path().canonicalize().expect("its plain name");
    let (disk, trace) = (root.join("disk"), root.join("trace"));
    fs::create_dir(&disk).expect("a new directory");
    Disk::new(&begun).now().write(&disk);
    fs::write(&trace, &begun.trace).expect("written");
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", name, "--nocapture"]).env("LD_PRELOAD", library());
    command.env(DIR, &disk).env(TRACE, &trace).env(NOTES, root.join("notes"));
    command.envs(settings.iter().map(|(key, value)| (key, value)));
    for kill in kills {
        let output = run(command.env(KILL_AT, kill.to_string()));
        assert!(output.status.code().is_none(), "a process was to be killed and was not:\n{}", said(&output));
    }
    let output = run(command.env_remove(KILL_AT));
    assert!(output.status.success(), "the recorded test {name} has failed:\n{}", said(&output));
    assert!(said(&output).contains("1 passed"), "there is no test {name}:\n{}", said(&output));
    let trace = fs::read(&trace).expect("a trace");
    let recording = Recording { before: begun.before, ops: trace::read(&trace), trace };
    let difference = Tree::read(&disk).difference(&Disk::new(&recording).now());
    assert_eq!(difference, None, "the recorder has missed something: left on the disk, right in the trace");
    recording
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = {
        let _nobody_else = STARTING.write().unwrap_or_else(PoisonError::into_inner);
        command.spawn().expect("a process")
    };
    started.wait_with_output().expect("a process that ends")
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// The preload library, compiled once for this process.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal/power/record.c");
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("record.{}.so", std::process::id()));
        let library = made.with_file_name("record.so");
        let mut compiler = Command::new("cc");
        // The compiler's checked forms of open and the like would be defined twice.
        compiler.args(["-shared", "-fPIC", "-O2", "-U_FORTIFY_SOURCE", "-Wall", "-Wextra", "-Werror", "-o"]);
        let output = run(compiler.arg(&made).arg(&source).args(["-ldl", "-lpthread"]));
        assert!(output.status.success(), "{} does not compile:\n{}", source.display(), said(&output));
        // Whole or not at all, for whoever else compiles it at the same time.
        fs::rename(&made, &library).expect("renamed");
        library
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{IoSlice, Seek, SeekFrom, Write};
    use std::os::unix::fs::FileExt;

    use super::*;

    const NAME: &str = "power::recorder::tests::what_the_standard_library_does_to_files_is_in_the_trace";

    /// Under the recorder it does all that; without it, it has that done and compares.
    #[test]
    fn what_the_standard_library_does_to_files_is_in_the_trace() {
        if let Some((dir, _)) = place() {
            return every_change(&dir);
        }
        let recording = record(NAME, Recording::on(Before::default()), &[], &[]);
        let count = |wanted: fn(&Op) -> bool| recording.ops.iter().filter(|op| wanted(op)).count();
        assert_eq!(count(|op| matches!(op, Op::SyncBegin { .. })), 3);
        assert_eq!(count(|op| matches!(op, Op::SyncEnd { ok: true, .. })), 3);
        assert_eq!(count(|op| matches!(op, Op::Rename { .. })), 2);
        assert_eq!(count(|op| matches!(op, Op::Unlink { .. } | Op::Rmdir { .. })), 6);
        let left = Disk::new(&recording).now();
        let names: Vec<_> = left.0.keys().map(|path| path.display().to_string()).collect();
        assert_eq!(names, ["copied", "file", "kept", "kept/moved"]);
    }

    fn every_change(dir: &Path) {
        let path = dir.join("file");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"0123456789").unwrap();
        let parts = [b"ab", b"cd"].map(|part| IoSlice::new(part));
        assert_eq!(file.write_vectored(&parts).unwrap(), 4);
        file.write_all_at(b"xy", 3).unwrap();
        file.seek(SeekFrom::Start(1)).unwrap();
        file.try_clone().unwrap().write_all(b"-").unwrap();
        file.set_len(100).unwrap();
        file.set_len(12).unwrap();
        file.sync_all().unwrap();
        file.sync_data().unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"at the end").unwrap();
        fs::copy(&path, dir.join("copied")).unwrap();
        fs::write(dir.join("written"), "first").unwrap();
        fs::write(dir.join("written"), "2nd").unwrap();
        fs::create_dir_all(dir.join("gone/deep")).unwrap();
        fs::write(dir.join("gone/deep/file"), "…").unwrap();
        fs::rename(dir.join("gone"), dir.join("going")).unwrap();
        fs::create_dir(dir.join("kept")).unwrap();
        fs::rename(dir.join("written"), dir.join("kept/moved")).unwrap();
        fs::write(dir.join("removed"), "…").unwrap();
        fs::remove_file(dir.join("removed")).unwrap();
        fs::create_dir(dir.join("empty")).unwrap();
        fs::remove_dir(dir.join("empty")).unwrap();
        fs::write(dir.join("kept/file"), "…").unwrap();
        fs::remove_dir_all(dir.join("going")).unwrap();
        fs::remove_file(dir.join("kept/file")).unwrap();
        File::open(dir).unwrap().sync_all().unwrap();
    }
}
