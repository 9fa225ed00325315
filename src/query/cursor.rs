//! The cursor: the place where the next page of a search begins. It holds the last number looked at, and is bound to
//! its search.
//!
//! | bytes | content |
//! |---|---|
//! | 0 | format version, 1 |
//! | 1..9 | the last `seq` looked at, big-endian |
//! | 9..17 | digest over version, `seq` and the search's parameters |
//!
//! The cursor is written in base64 without padding. It is not a secret. The digest catches a cursor that was changed or
//! that belongs to another search.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::Seq;

use super::error::BadQuestion;

const VERSION: u8 = 1;
const DIGEST_LEN: usize = 8;

/// The cursor after `seq` in the search with these parameters.
pub(super) fn write<T: AsRef<str>>(seq: Seq, search: &[(T, T)]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&seq.0.to_be_bytes());
    bytes.extend_from_slice(&digest(seq, search));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor of the search with these parameters.
pub(super) fn read<T: AsRef<str>>(text: &str, search: &[(T, T)]) -> Result<Seq, BadQuestion> {
    let garbage = BadQuestion::Cursor("is not one that hoptrail gave out");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| garbage.clone())?;
    let (version, rest) = bytes.split_first().ok_or_else(|| garbage.clone())?;
    let (number, tag) = rest.split_first_chunk::<8>().ok_or(garbage)?;
    if *version != VERSION {
        return Err(BadQuestion::Cursor("is of another version of hoptrail"));
    }
    let seq = Seq(u64::from_be_bytes(*number));
    if tag == digest(seq, search) { Ok(seq) } else { Err(BadQuestion::Cursor("belongs to another search")) }
}

fn digest<T: AsRef<str>>(seq: Seq, search: &[(T, T)]) -> [u8; DIGEST_LEN] {
    let mut hasher = blake3::Hasher::new_derive_key("hoptrail 2026-11 search cursor");
    hasher.update(&[VERSION]).update(&seq.0.to_be_bytes());
    for text in search.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]) {
        hasher.update(&(text.len() as u64).to_be_bytes()).update(text.as_bytes());
    }
    let mut digest = [0; DIGEST_LEN];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEARCH: &[(&str, &str)] = &[("from", "now-1h"), ("kind", "publish")];

    #[test]
    fn a_cursor_reads_back_in_its_own_search() {
        for seq in [0, 1, u64::MAX] {
            assert_eq!(read(&write(Seq(seq), SEARCH), SEARCH), Ok(Seq(seq)));
        }
    }

    #[test]
    fn a_cursor_of_another_search_is_refused() {
        let cursor = write(Seq(7), SEARCH);
        for other in
            [&SEARCH[..1], &[("from", "now-1h"), ("kind", "deliver")], &[("from", "now-1hkind"), ("", "publish")]]
        {
            assert_eq!(read(&cursor, other), Err(BadQuestion::Cursor("belongs to another search")));
        }
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let cursor = URL_SAFE_NO_PAD.decode(write(Seq(7), SEARCH)).unwrap();
        for at in 0..cursor.len() {
            let mut changed = cursor.clone();
            changed[at] ^= 1;
            let refused = read(&URL_SAFE_NO_PAD.encode(changed), SEARCH);
            assert!(matches!(refused, Err(BadQuestion::Cursor(_))), "byte {at}: {refused:?}");
        }
    }

    #[test]
    fn garbage_is_refused() {
        for text in ["", "AQ", "AQAAAAAAAAAH", "not a cursor", "💥", "AAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(matches!(read(text, SEARCH), Err(BadQuestion::Cursor(_))), "{text}");
        }
    }
}
