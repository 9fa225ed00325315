//! Pages of pairs: the first pair in full, then the differences.

use std::fs::File;
use std::io;
use std::ops::Range;

use crate::journal::varint::{self, Cursor, Malformed};

use super::Pair;
use super::page::{self, CONTENT_BYTES_MAX, Page};

/// A varint takes up to ten bytes.
const DIFFERENCE_BYTES_MAX: usize = 10;

/// Turns sorted pairs into pages.
#[derive(Default)]
pub(super) struct Pager {
    content: Vec<u8>,
    previous: Pair,
    pages: u32,
}

impl Pager {
    /// Takes the next pair; full pages go to `out`.
    pub(super) fn push(&mut self, pair: Pair, out: &mut Vec<u8>) {
        if self.content.len() + DIFFERENCE_BYTES_MAX > CONTENT_BYTES_MAX {
            self.flush(out);
        }
        if self.content.is_empty() {
            self.content.extend_from_slice(&pair.to_le_bytes());
        } else {
            varint::put(&mut self.content, pair - self.previous);
        }
        self.previous = pair;
    }

    /// Ends the last page; how many there are.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> u32 {
        if !self.content.is_empty() {
            self.flush(out);
        }
        self.pages
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        page::put(self.pages, &self.content, out);
        self.pages += 1;
        self.content.clear();
    }
}

/// The first pair of a page.
pub(super) fn first_pair(content: &[u8]) -> Result<Pair, Malformed> {
    Cursor::new(content).array().map(Pair::from_le_bytes)
}

/// Reads the pairs of a range of pages one after the other.
pub(super) struct Pairs<'a> {
    file: &'a File,
    pages: Range<u32>,
    page: Page,
    pairs: std::vec::IntoIter<Pair>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(file: &'a File, pages: Range<u32>) -> Self {
        Pairs { file, pages, page: Page::new(), pairs: Vec::new().into_iter() }
    }

    fn read(&mut self, number: u32) -> io::Result<Vec<Pair>> {
        let content = self.page.read(self.file, number)?;
        decode(content).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("page {number} is damaged")))
    }
}

impl Iterator for Pairs<'_> {
    type Item = io::Result<Pair>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pair) = self.pairs.next() {
                return Some(Ok(pair));
            }
            let number = self.pages.next()?;
            match self.read(number) {
                Ok(pairs) => self.pairs = pairs.into_iter(),
                Err(error) => {
                    self.pages = 0..0;
                    return Some(Err(error));
                }
            }
        }
    }
}

fn decode(content: &[u8]) -> Result<Vec<Pair>, Malformed> {
    let mut cursor = Cursor::new(content);
    let mut pair = Pair::from_le_bytes(cursor.array()?);
    let mut pairs = Vec::with_capacity(CONTENT_BYTES_MAX / 5);
    pairs.push(pair);
    while !cursor.is_empty() {
        pair = pair.checked_add(cursor.varint()?).ok_or(Malformed)?;
        pairs.push(pair);
    }
    Ok(pairs)
}
