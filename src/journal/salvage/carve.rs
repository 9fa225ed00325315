//! Finding the values in the bytes of sled's file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::journal::block::{HEADER_BYTES, Hash, Header, Opened, Opener, Sealed, open_part};
use crate::journal::error::ReadError;
use crate::journal::index::Seal;
use crate::journal::mark::Mark;
use crate::journal::sealed::Places;
use crate::journal::store::{FILE, read_mark, read_strings};
use crate::journal::value::{MAGIC, VALUE_BYTES_MAX, What};
use crate::model::{Seq, Str};

/// Bytes looked through at a time; what begins at the end of them is read with the next.
const WINDOW_BYTES: usize = 4 << 20;

/// Copies of a part that are tried: sled writes a value two or three times.
const COPIES_MAX: usize = 8;

/// A block that was found.
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

/// A block's first value, the payload of its further ones, and where those stand.
type Found = (Vec<u8>, Vec<u8>, Vec<u64>);

/// What was found.
pub(in crate::journal) struct Carved {
    file: Option<File>,
    /// Blocks that are whole and whose checksums fit, by their hashes.
    pub(super) sound: HashMap<Hash, Candidate>,
    /// Blocks with further values, which may stand anywhere.
    large: Vec<Candidate>,
    parts: HashMap<(Seq, u16), Vec<u64>>,
    pub(super) found_strings: Vec<FoundStrings>,
    /// The newest mark of each source, and the last event of the commit that wrote it.
    pub(super) marks: BTreeMap<String, (Seq, Mark)>,
}

impl Carved {
    /// Looks through the file of a damaged partition; a file that is not there holds nothing.
    pub(in crate::journal) fn read(dir: &Path) -> io::Result<Carved> {
        let file = match File::open(dir.join(FILE)) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut carved = Carved {
            file,
            sound: HashMap::new(),
            large: Vec::new(),
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
                carved.join_large();
                return Ok(carved);
            }
            at += WINDOW_BYTES as u64;
        }
    }

    fn note(&mut self, bytes: &[u8], offset: u64) {
        match bytes.get(MAGIC.len()).and_then(|byte| What::of(*byte)) {
            Some(What::Block) => {
                let Ok(header) = Header::parse(bytes) else { return };
                let candidate = Candidate { header, offset };
                if header.further_parts() > 0 {
                    self.large.push(candidate);
                } else if let Some(value) = bytes.get(..HEADER_BYTES + header.first_payload())
                    && let Ok(hash) = header.verify(value, &[])
                {
                    self.sound.insert(hash, candidate);
                }
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

    /// Blocks with further values can be verified when all of them are found.
    fn join_large(&mut self) {
        for candidate in std::mem::take(&mut self.large) {
            if let Ok((value, rest, _)) = self.bytes(&candidate)
                && let Ok(hash) = candidate.header.verify(&value, &rest)
            {
                self.sound.insert(hash, candidate);
            }
        }
    }

    /// Where the blocks of a whole partition stand that begins at `first` and ends as `seal` says: followed back from its end by their chain,
    /// which is broken only where something is known to be missing.
    pub(in crate::journal) fn places(&self, first: Seq, seal: &Seal, strings: Vec<Str>) -> io::Result<Places> {
        let incomplete = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut hash = blake3::Hash::from_hex(&seal.tail).map_err(|_| incomplete("its end is not known"))?.into();
        let mut breaks = seal.holes.len();
        let mut found: Vec<&Candidate> = Vec::new();
        loop {
            let next = self.sound.get(&hash).or_else(|| {
                // Only its own blocks are in the file, so what is left below is across a hole.
                let below = found.last().map_or(Seq::default(), |candidate| candidate.header.first);
                let across = self.sound.values().filter(|candidate| candidate.header.last < below);
                breaks = breaks.checked_sub(1)?;
                across.max_by_key(|candidate| candidate.header.last)
            });
            let Some(candidate) = next else { break };
            hash = candidate.header.previous;
            found.push(candidate);
        }
        if found.last().is_none_or(|oldest| oldest.header.first != first) {
            return Err(incomplete("a block is not in the file"));
        }
        let mut places = Places::new(strings);
        for candidate in found.into_iter().rev() {
            let (_, _, parts) = self.bytes(candidate).map_err(io::Error::other)?;
            places.push(candidate.header.first, candidate.header.last, candidate.offset, parts);
        }
        Ok(places)
    }

    /// The block's values as they were, and its events.
    pub(super) fn open(
        &self,
        candidate: &Candidate,
        strings: &[Str],
        opener: &mut Opener,
    ) -> Result<(Sealed, Opened), ReadError> {
        let (value, rest, _) = self.bytes(candidate)?;
        let opened = opener.open(candidate.header, &value, &rest, strings)?;
        Ok((Sealed::again(&opened, value, &rest), opened))
    }

    /// A block's values. Of several copies of its parts those are taken that fit its checksum.
    fn bytes(&self, candidate: &Candidate) -> Result<Found, ReadError> {
        let parts = candidate.header.further_parts();
        let copies = (1..=parts).filter_map(|part| self.parts.get(&(candidate.header.first, part))).map(Vec::len).max();
        let attempts = copies.unwrap_or(1).clamp(1, COPIES_MAX);
        let fits = |found: &Found| candidate.header.verify(&found.0, &found.1).is_ok();
        let mut found = self.bytes_of(candidate, 0)?;
        for attempt in 1..attempts {
            if fits(&found) {
                break;
            }
            found = self.bytes_of(candidate, attempt)?;
        }
        Ok(found)
    }

    fn bytes_of(&self, candidate: &Candidate, attempt: usize) -> Result<Found, ReadError> {
        let header = &candidate.header;
        let lost = |reason| ReadError::Block { seq: header.first, reason };
        let mut value = vec![0; HEADER_BYTES + header.first_payload()];
        let len = self.read_at(&mut value, candidate.offset).map_err(|_| lost("it cannot be read"))?;
        if len < value.len() {
            return Err(lost("it is cut"));
        }
        let (mut rest, mut places) = (Vec::new(), Vec::new());
        let mut bytes = vec![0; VALUE_BYTES_MAX];
        for number in 1..=header.further_parts() {
            let mut offsets = self.parts.get(&(header.first, number)).ok_or(lost("a part is not there"))?.clone();
            // What belongs together was written together.
            offsets.sort_by_key(|offset| offset.abs_diff(candidate.offset));
            let found = offsets.iter().skip(attempt).chain(&offsets).find_map(|offset| {
                let len = self.read_at(&mut bytes, *offset).ok()?;
                let payload = open_part(header.first, number, bytes.get(..len)?).ok()?;
                Some((payload.to_vec(), *offset))
            });
            let (payload, offset) = found.ok_or(lost("a part is damaged"))?;
            rest.extend_from_slice(&payload);
            places.push(offset);
        }
        Ok((value, rest, places))
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
