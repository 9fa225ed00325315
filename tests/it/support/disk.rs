//! Disks for hoptrail's journal alone: one with little room, and a slow one.
//!
//! The small one is a file system of its own, mounted where only hoptrail and a keeper see it: it goes with the last of
//! them, however the tests end. Where nothing may be mounted (or `HOPTRAIL_TEST_MOUNT=no`), a preload library plays it, and
//! the test says so.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::hoptrail::Launcher;
use super::{REPO, process};

/// Room for a journal of some ten thousand events, and little enough to be filled in a moment.
const BYTES: u64 = 96 << 20;

const KEEPER: &str = r#"
image=$1 bytes=$2 disk=$3
PATH=$PATH:/usr/sbin:/sbin
truncate -s "$bytes" "$image" && mkfs.ext4 -q -m 0 "$image" && mount -o loop "$image" "$disk" || exit 1
echo up
exec cat >/dev/null
"#;

/// The main thread's stack, as the program would set it by starting itself anew, without the library.
const STACK: (&str, &str) = ("RUST_MIN_STACK", "67108864");

pub struct Disk {
    /// Its directory, as hoptrail sees it.
    dir: PathBuf,
    kind: Kind,
}

enum Kind {
    Mounted(Keeper),
    /// Full while the first file exists, if it is to be full at all.
    Played {
        full: Option<PathBuf>,
        fsync_ms: u64,
    },
}

/// It ends at the end of its input, and with it, unless hoptrail runs, the mount.
struct Keeper(Child);

impl Disk {
    /// One with little room.
    pub fn small(below: &Path) -> Disk {
        let dir = make(below);
        match Keeper::mount(&below.join("image"), &dir) {
            Ok(keeper) => Disk { dir, kind: Kind::Mounted(keeper) },
            Err(problem) => {
                say(&format!("NOTHING CAN BE MOUNTED HERE: A SMALL DISK IS ONLY PLAYED BY A LIBRARY ({problem})"));
                Disk { dir, kind: Kind::Played { full: Some(below.join("full")), fsync_ms: 0 } }
            }
        }
    }

    /// One on which every sync takes so much longer.
    pub fn slow(below: &Path, fsync_ms: u64) -> Disk {
        Disk { dir: make(below), kind: Kind::Played { full: None, fsync_ms } }
    }

    /// Its free space can be asked for; where the disk is only played, that is the real one's, and the test ends here.
    pub fn tells_its_room(&self) -> bool {
        let tells = matches!(self.kind, Kind::Mounted(_));
        if !tells {
            say("NOT TESTED: HOPTRAIL WOULD SEE THE ROOM ON THE REAL DISK");
        }
        tells
    }

    /// The journal's directory, as hoptrail sees it.
    pub fn journal(&self) -> PathBuf {
        self.dir.join("journal")
    }

    /// A path on it, as the tests see it.
    pub fn seen(&self, path: &str) -> PathBuf {
        let Kind::Mounted(keeper) = &self.kind else { return self.dir.join(path) };
        let root = PathBuf::from(format!("/proc/{}/root", keeper.0.id()));
        root.join(self.dir.strip_prefix("/").unwrap()).join(path)
    }

    /// How hoptrail is started so that it sees the disk.
    pub fn launcher(&self) -> Launcher {
        match &self.kind {
            Kind::Mounted(keeper) => {
                let namespace = format!("--mount=/proc/{}/ns/mnt", keeper.0.id());
                Launcher { through: ["nsenter", &namespace, "--"].map(Into::into).to_vec(), environment: Vec::new() }
            }
            Kind::Played { full, fsync_ms } => {
                let mut environment = vec![
                    (STACK.0, STACK.1.into()),
                    ("LD_PRELOAD", library(self.dir.parent().unwrap()).into()),
                    ("HOPTRAIL_DISK_DIR", self.dir.clone().into()),
                    ("HOPTRAIL_DISK_FSYNC_MS", fsync_ms.to_string().into()),
                ];
                if let Some(full) = full {
                    environment.push(("HOPTRAIL_DISK_QUOTA", "0".into()));
                    environment.push(("HOPTRAIL_DISK_QUOTA_WHILE", full.clone().into()));
                }
                Launcher { through: Vec::new(), environment }
            }
        }
    }

    /// Takes room until no more than so many bytes are free.
    pub fn fill(&self, leave: u64) {
        match &self.kind {
            Kind::Mounted(_) => fill(&self.seen("ballast"), leave),
            Kind::Played { full, .. } => drop(File::create(full.as_ref().unwrap()).unwrap()),
        }
    }

    /// Gives it back.
    pub fn empty(&self) {
        match &self.kind {
            Kind::Mounted(_) => fs::remove_file(self.seen("ballast")).unwrap(),
            Kind::Played { full, .. } => fs::remove_file(full.as_ref().unwrap()).unwrap(),
        }
    }
}

impl Keeper {
    fn mount(image: &Path, dir: &Path) -> Result<Keeper, String> {
        if std::env::var("HOPTRAIL_TEST_MOUNT").is_ok_and(|text| text == "no") {
            return Err("HOPTRAIL_TEST_MOUNT=no".to_owned());
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", KEEPER, "keeper"]).arg(image).arg(BYTES.to_string()).arg(dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let keeper = Keeper(child);
        if line.trim() == "up" { Ok(keeper) } else { Err("unshare or mount failed".to_owned()) }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}

fn make(below: &Path) -> PathBuf {
    // The library wants the plain name.
    let dir = below.canonicalize().unwrap().join("disk");
    fs::create_dir(&dir).unwrap();
    dir
}

fn fill(ballast: &Path, leave: u64) {
    let mut file = File::options().create(true).append(true).open(ballast).unwrap();
    let mut room = free(ballast).saturating_sub(leave);
    // In smaller and smaller pieces, the last byte included where none is to be left.
    for piece in [1 << 20, 4096, 1] {
        let zeros = vec![0; piece];
        while leave == 0 || room >= piece as u64 {
            match file.write_all(&zeros) {
                Ok(()) => room = room.saturating_sub(piece as u64),
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{}: {error}", ballast.display()),
            }
        }
    }
    // Where the file system finds room for what is written only when it has to, it does so now.
    file.sync_all().ok();
}

/// Bytes that are free on a file's disk.
fn free(path: &Path) -> u64 {
    // df would look the disk up among those that are mounted for us.
    let mut command = Command::new("stat");
    let done = process::finished(command.args(["--file-system", "--format=%a %S"]).arg(path), super::wait::DEADLINE);
    let text = String::from_utf8(done.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers[0] * numbers[1]
}

/// The preload library, compiled.
fn library(dir: &Path) -> PathBuf {
    let library = dir.join("disk.so");
    let mut compiler = Command::new("cc");
    // The compiler's checked forms of open and the like would be defined twice.
    compiler.args(["-shared", "-fPIC", "-O2", "-U_FORTIFY_SOURCE", "-o"]).arg(&library);
    compiler.arg(Path::new(REPO).join("tests/journal/power/record.c")).args(["-ldl", "-lpthread"]);
    let done = process::finished(&mut compiler, super::wait::DEADLINE);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    library
}

/// Says it where a test that passes is heard, too: what the macros print is kept from view.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}
