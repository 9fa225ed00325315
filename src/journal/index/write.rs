//! Writing a run file: whole, or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::journal::identity::sync_dir;
use crate::journal::statistics::Counts;
use crate::journal::term::TermHash;
use crate::model::{Seq, Timestamp};

use super::pairs::{Pager, Pairs};
use super::run::{FORMAT, Meta, Run, Seal, write_meta};
use super::{Pair, Recent, filter, hash_of, page};

/// Bytes collected before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// What a run is to cover.
pub(in crate::journal) struct Cover {
    pub(in crate::journal) first: Seq,
    pub(in crate::journal) last: Seq,
    pub(in crate::journal) first_at: Timestamp,
    pub(in crate::journal) last_at: Timestamp,
    pub(in crate::journal) counts: Counts,
    pub(in crate::journal) seal: Option<Seal>,
}

/// Writes what is in memory as a run in `dir`, named after its range.
pub(in crate::journal) fn write_recent(dir: &Path, recent: &Recent) -> io::Result<Option<Run>> {
    let Some(first) = recent.base() else { return Ok(None) };
    let (first_at, last_at) = recent.times();
    let cover = Cover { first, last: recent.last(), first_at, last_at, counts: recent.counts().clone(), seal: None };
    let path = dir.join(format!("{}-{}{}", first, recent.last(), super::RUN_SUFFIX));
    write_run(&path, cover, recent.sorted().into_iter().map(Ok), &[]).map(Some)
}

/// Writes sorted pairs, each there once, as a run file. Durable when this returns.
pub(super) fn write_run(
    path: &Path,
    cover: Cover,
    pairs: impl Iterator<Item = io::Result<Pair>>,
    places: &[u8],
) -> io::Result<Run> {
    let fresh = path.with_extension("new");
    let mut file = File::options().create(true).truncate(true).read(true).write(true).open(&fresh)?;
    let (pair_pages, hashes) = write_pairs(&mut file, pairs)?;
    let filter_pages = write_filters(&file, pair_pages, hashes)?;
    let meta = Meta {
        format: FORMAT,
        first: cover.first,
        last: cover.last,
        first_at: cover.first_at,
        last_at: cover.last_at,
        pair_pages,
        filter_pages,
        places_len: places.len() as u64,
        places_sum: blake3::hash(places).to_hex().to_string(),
        counts: cover.counts.rows(),
        seal: cover.seal,
    };
    (&file).write_all(places)?;
    (&file).write_all(&write_meta(&meta)?)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), sync_dir)?;
    Run::open(path).map_err(io::Error::other)
}

/// The pages of pairs; how many, and how many different hashes they hold.
fn write_pairs(file: &mut File, pairs: impl Iterator<Item = io::Result<Pair>>) -> io::Result<(u32, u64)> {
    let (mut pager, mut out) = (Pager::default(), Vec::with_capacity(BUFFER_BYTES + page::PAGE_BYTES));
    let (mut hashes, mut previous) = (0, None);
    for pair in pairs {
        let pair = pair?;
        if previous != Some(hash_of(pair)) {
            previous = Some(hash_of(pair));
            hashes += 1;
        }
        pager.push(pair, &mut out);
        if out.len() >= BUFFER_BYTES {
            file.write_all(&out)?;
            out.clear();
        }
    }
    let pages = pager.finish(&mut out);
    file.write_all(&out)?;
    Ok((pages, hashes))
}

/// The pages of filters over the pairs that were just written; how many.
fn write_filters(file: &File, pair_pages: u32, hashes: u64) -> io::Result<u32> {
    let pages = filter::pages_for(hashes);
    let (mut current, mut held, mut out) = (0, Vec::<TermHash>::new(), Vec::new());
    let end_page = |number: u32, held: &mut Vec<TermHash>, out: &mut Vec<u8>| {
        page::put(pair_pages + number, &filter::build(held), out);
        held.clear();
        if out.len() >= BUFFER_BYTES || number + 1 == pages {
            (&*file).write_all(out)?;
            out.clear();
        }
        io::Result::Ok(())
    };
    for pair in Pairs::new(file, 0..pair_pages) {
        let hash = hash_of(pair?);
        while current < filter::page_of(hash, pages) {
            end_page(current, &mut held, &mut out)?;
            current += 1;
        }
        if held.last() != Some(&hash) {
            held.push(hash);
        }
    }
    while current < pages {
        end_page(current, &mut held, &mut out)?;
        current += 1;
    }
    Ok(pages)
}
