//! Finding the values in the bytes of sled's file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::journal::block::{HEADER_BYTES, Hash, Header, Opened, Opener, Sealed, open_part};
use crate::journal::error::ReadError;
use crate::journal::store::{FILE, read_mark, read_strings};
use crate::journal::value::{MAGIC, VALUE_BYTES_MAX, What};
use crate::journal::writer::Mark;
use crate::model::{Seq, Str};

/// Bytes looked through at a time; what begins at the end of them is read with the next.
const WINDOW_BYTES: usize = 4 << 20;

/// A block that was found, its checksum not yet looked at.
pub(super) struct Candidate {
    pub(super) header: Header,
    offset: u64,
}

/// Strings that were found: their numbers begin at `first`, and the block with this hash was committed with them.
pub(super) struct FoundStrings {
    pub(super) first: u32,
    pub(super) with: [u8; 16],
    pub(super) strings: Vec<Str>,
}

/// What was found.
pub(super) struct Carved {
    file: Option<File>,
    pub(super) candidates: Vec<Candidate>,
    parts: HashMap<(Seq, u16), Vec<u64>>,
    pub(super) found_strings: Vec<FoundStrings>,
    /// The newest mark of each source, and the last event of the commit that wrote it.
    pub(super) marks: BTreeMap<String, (Seq, Mark)>,
}

impl Carved {
    /// Looks through the file of a damaged partition; a file that is not there holds nothing.
    pub(super) fn read(dir: &Path) -> io::Result<Carved> {
        let file = match File::open(dir.join(FILE)) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut carved = Carved {
            file,
            candidates: Vec::new(),
            parts: HashMap::new(),
            found_strings: Vec::new(),
            marks: BTreeMap::new(),
        };
        let mut window = vec![0; WINDOW_BYTES + VALUE_BYTES_MAX];
        let mut at = 0;
        loop {
            let len = carved.read_at(&mut window, at)?;
            let bytes = window.get(..len).unwrap_or_default();
            for offset in memchr::memmem::find_iter(bytes, &MAGIC).take_while(|offset| *offset < WINDOW_BYTES) {
                carved.note(bytes.get(offset..).unwrap_or_default(), at + offset as u64);
            }
            if len < window.len() {
                return Ok(carved);
            }
            at += WINDOW_BYTES as u64;
        }
    }

    fn note(&mut self, bytes: &[u8], offset: u64) {
        match bytes.get(MAGIC.len()).and_then(|byte| What::of(*byte)) {
            Some(What::Block) => {
                let header = Header::parse(bytes).ok();
                self.candidates.extend(header.map(|header| Candidate { header, offset }));
            }
            Some(What::Part) => {
                // Which part of which block it is stands behind the place and behind the checksum.
                if let Some((first, part)) = crate::journal::block::part_place(bytes) {
                    self.parts.entry((first, part)).or_default().push(offset);
                }
            }
            Some(What::Strings) => {
                if let Ok((first, with, strings)) = read_strings(bytes) {
                    self.found_strings.push(FoundStrings { first, with, strings });
                }
            }
            Some(What::Mark) => {
                if let Ok((last, name, mark)) = read_mark(bytes) {
                    let known = self.marks.entry(name).or_insert((last, mark));
                    if last > known.0 {
                        *known = (last, mark);
                    }
                }
            }
            Some(What::Head) | None => {}
        }
    }

    /// A block's hash, where its checksum fits.
    pub(super) fn hash(&self, candidate: &Candidate) -> Result<Hash, ReadError> {
        let (value, rest) = self.bytes(candidate)?;
        candidate.header.verify(&value, &rest)
    }

    /// The block's values as they were, and its events.
    pub(super) fn open(
        &self,
        candidate: &Candidate,
        strings: &[Str],
        opener: &mut Opener,
    ) -> Result<(Sealed, Opened), ReadError> {
        let (value, rest) = self.bytes(candidate)?;
        let opened = opener.open(candidate.header, &value, &rest, strings)?;
        Ok((Sealed::again(&opened, value, &rest), opened))
    }

    /// The first value, and the payload of the further ones.
    fn bytes(&self, candidate: &Candidate) -> Result<(Vec<u8>, Vec<u8>), ReadError> {
        let header = &candidate.header;
        let lost = |reason| ReadError::Block { seq: header.first, reason };
        let mut value = vec![0; HEADER_BYTES + header.first_payload()];
        let len = self.read_at(&mut value, candidate.offset).map_err(|_| lost("it cannot be read"))?;
        if len < value.len() {
            return Err(lost("it is cut"));
        }
        let mut rest = Vec::new();
        let mut bytes = vec![0; VALUE_BYTES_MAX];
        for number in 1..=header.further_parts() {
            let offsets = self.parts.get(&(header.first, number)).ok_or(lost("a part is not there"))?;
            // Of several the newest: the block's checksum tells whether they belong together.
            let payload = offsets.iter().rev().find_map(|offset| {
                let len = self.read_at(&mut bytes, *offset).ok()?;
                open_part(header.first, number, bytes.get(..len)?).ok().map(<[u8]>::to_vec)
            });
            rest.extend_from_slice(&payload.ok_or(lost("a part is damaged"))?);
        }
        Ok((value, rest))
    }

    /// Fills the buffer as far as the file goes; how far.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let Some(file) = &self.file else { return Ok(0) };
        let mut len = 0;
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, at + len as u64) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(len)
    }
}
