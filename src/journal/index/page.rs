//! Pages of a run file: 4096 bytes each, with a checksum over their place and their content.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | checksum |
//! | 2 | length of the content |
//! | … | content, then zeros |

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::journal::sum::{SUM_BYTES, sum};

/// A page: what the kernel reads at once.
pub(super) const PAGE_BYTES: usize = 4096;
const HEADER_BYTES: usize = SUM_BYTES + 2;
/// What fits a page.
pub(super) const CONTENT_BYTES_MAX: usize = PAGE_BYTES - HEADER_BYTES;

/// Appends a page with `content`, which is cut to what fits.
pub(super) fn put(number: u32, content: &[u8], out: &mut Vec<u8>) {
    let content = content.get(..CONTENT_BYTES_MAX).unwrap_or(content);
    let len = (content.len() as u16).to_le_bytes();
    out.extend_from_slice(&sum(&[&number.to_le_bytes(), &len, content]));
    out.extend_from_slice(&len);
    out.extend_from_slice(content);
    out.resize(out.len() + CONTENT_BYTES_MAX - content.len(), 0);
}

/// One page in memory.
pub(super) struct Page(Box<[u8; PAGE_BYTES]>);

impl Page {
    /// Room for one.
    pub(super) fn new() -> Page {
        Page(Box::new([0; PAGE_BYTES]))
    }

    /// Reads page `number` of the file and gives its content; an error of kind `InvalidData` where it is damaged.
    pub(super) fn read(&mut self, file: &File, number: u32) -> io::Result<&[u8]> {
        file.read_exact_at(self.0.as_mut_slice(), u64::from(number) * PAGE_BYTES as u64)?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, format!("page {number} is damaged"));
        let (expected, rest) = self.0.split_at(SUM_BYTES);
        let (len, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let content = rest.get(..usize::from(u16::from_le_bytes(*len))).ok_or_else(damaged)?;
        if sum(&[&number.to_le_bytes(), len, content]) == expected { Ok(content) } else { Err(damaged()) }
    }
}
