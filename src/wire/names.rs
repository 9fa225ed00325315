//! Names that repeat from one message of a session to the next: exchanges, routing keys, queues.

use super::table::text;
use crate::model::Str;

/// The number of names remembered: a session has a few, and each takes up to 255 bytes.
const SLOTS: usize = 16;

/// The names seen last. A name that repeats is not allocated again.
#[derive(Debug, Default)]
pub(super) struct Names {
    slots: [Option<Str>; SLOTS],
}

impl Names {
    /// The name as shared text.
    pub(super) fn get(&mut self, name: &[u8]) -> Str {
        // FNV-1a suits short names. A collision of two names loses nothing.
        let hash = name.iter().fold(0xcbf2_9ce4u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        let slot = self.slots.get_mut((hash >> 16) as usize % SLOTS);
        match slot {
            Some(Some(known)) if known.as_bytes() == name => known.clone(),
            Some(slot) => slot.insert(text(name)).clone(),
            None => text(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_itself_whatever_shares_its_slot() {
        let mut names = Names::default();
        for round in 0..2 {
            for number in 0..100 {
                let name = format!("queue.{number}");
                assert_eq!(&*names.get(name.as_bytes()), name, "round {round}");
            }
        }
        assert!(std::sync::Arc::ptr_eq(&names.get(b"orders"), &names.get(b"orders")));
        assert_eq!(&*names.get(&[0xff, b'a']), "\u{fffd}a");
    }
}
