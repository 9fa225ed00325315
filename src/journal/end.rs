//! The end file of a database: the newest committed number, kept beside sled.
//!
//! sled takes a damaged part of its file for the end of its log, and opens without an error. The end file reveals that:
//! a database that ends before its number has lost events. The writer writes it after each commit and does not sync it.
//! So its number is never too high, and after a power loss at worst too low.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | newest committed seq, little-endian |
//! | 8 | beginning of its BLAKE3 hash |

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::model::Seq;

/// The name of the end file.
pub(super) const NAME: &str = "end";

/// The open end file of a database.
#[derive(Debug)]
pub(super) struct End(File);

impl End {
    pub(super) fn open(dir: &Path) -> io::Result<End> {
        File::options().create(true).truncate(false).write(true).open(dir.join(NAME)).map(End)
    }

    pub(super) fn write(&self, last: Seq) -> io::Result<()> {
        self.0.write_all_at(&encode(last), 0)
    }
}

/// The number in the end file of `dir`. `None`: there is no end file, or only half of one.
pub(super) fn read(dir: &Path) -> Option<Seq> {
    let bytes: [u8; 16] = std::fs::read(dir.join(NAME)).ok()?.try_into().ok()?;
    let last = Seq(u64::from_le_bytes(bytes.first_chunk().copied()?));
    (bytes == encode(last)).then_some(last)
}

fn encode(last: Seq) -> [u8; 16] {
    let number = last.0.to_le_bytes();
    let mut bytes = [0; 16];
    let checksum = blake3::hash(&number);
    let content = number.iter().chain(checksum.as_bytes());
    bytes.iter_mut().zip(content).for_each(|(byte, value)| *byte = *value);
    bytes
}
