//! Strings stored once for each database, and named by number in blocks.
//!
//! A string of a closed vocabulary (exchange, queue, service, header name) gets a number at its first appearance. A
//! string that may be unique (routing key, connection) gets one at its second. The table is bounded: later strings
//! stand in the blocks themselves.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::model::Str;

use super::varint::{self, Cursor, Malformed};

/// Strings in a database's table: four thousand queues with their keys and connections leave room. The table is held
/// in memory, about 8 MiB when full.
const STRINGS_MAX: usize = 65_536;
/// Longer strings stand in the blocks. No short string of AMQP 0-9-1 is longer than this.
const STRING_BYTES_MAX: usize = 255;
/// Strings remembered from their first appearance.
const SEEN_MAX: usize = 8_192;
/// Encoded strings in one value; see [`super::block::VALUE_BYTES_MAX`].
const VALUE_BYTES_TARGET: usize = 6 * 1024;

/// The numbers given out so far.
#[derive(Debug, Default)]
pub(super) struct Interner {
    numbers: HashMap<Str, u32, RandomState>,
    seen: HashSet<Str, RandomState>,
    fresh: Vec<Str>,
}

impl Interner {
    /// The interner of a database that holds `strings` already.
    pub(super) fn new(strings: &[Str]) -> Self {
        let numbers = strings.iter().zip(0..).map(|(text, number)| (text.clone(), number)).collect();
        Interner { numbers, ..Interner::default() }
    }

    /// The number of a string of a closed vocabulary; `None`: write the string itself.
    pub(super) fn number(&mut self, text: &Str) -> Option<u32> {
        self.numbers.get(text).copied().or_else(|| self.add(text))
    }

    /// The number of a string that may never come again: it gets one at its second appearance.
    pub(super) fn number_if_repeated(&mut self, text: &Str) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        if self.seen.remove(text) {
            return self.add(text);
        }
        if self.seen.len() >= SEEN_MAX {
            self.seen.clear();
        }
        self.seen.insert(text.clone());
        None
    }

    /// Strings that got a number since the last call: `(first number, strings)`.
    pub(super) fn take_fresh(&mut self) -> (u32, Vec<Str>) {
        let fresh = std::mem::take(&mut self.fresh);
        ((self.numbers.len() - fresh.len()) as u32, fresh)
    }

    fn add(&mut self, text: &Str) -> Option<u32> {
        if self.numbers.len() >= STRINGS_MAX || text.len() > STRING_BYTES_MAX {
            return None;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(text.clone(), number);
        self.fresh.push(text.clone());
        Some(number)
    }
}

/// Values that hold `strings`, each with the number of its first string.
pub(super) fn encode(first: u32, strings: &[Str]) -> Vec<(u32, Vec<u8>)> {
    let mut values: Vec<(u32, Vec<u8>)> = Vec::new();
    for (text, number) in strings.iter().zip(first..) {
        match values.last_mut() {
            Some((_, value)) if value.len() + text.len() < VALUE_BYTES_TARGET => {
                varint::put_bytes(value, text.as_bytes())
            }
            _ => {
                let mut value = Vec::new();
                varint::put_bytes(&mut value, text.as_bytes());
                values.push((number, value));
            }
        }
    }
    values
}

/// Appends the strings of one value.
pub(super) fn decode(value: &[u8], strings: &mut Vec<Str>) -> Result<(), Malformed> {
    let mut cursor = Cursor::new(value);
    while !cursor.is_empty() {
        let text = std::str::from_utf8(cursor.bytes()?).map_err(|_| Malformed)?;
        strings.push(text.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_their_numbers_over_a_reopen() {
        let mut interner = Interner::default();
        let names: Vec<Str> = (0..1000).map(|n| format!("queue.{n}.{}", "x".repeat(n % 50)).into()).collect();
        let numbers: Vec<_> = names.iter().map(|name| interner.number(name)).collect();
        let (first, fresh) = interner.take_fresh();
        let mut read = Vec::new();
        for (number, value) in encode(first, &fresh) {
            assert_eq!(number as usize, read.len());
            assert!(value.len() <= VALUE_BYTES_TARGET + STRING_BYTES_MAX);
            decode(&value, &mut read).expect("what was encoded");
        }
        let mut reopened = Interner::new(&read);
        assert_eq!(names.iter().map(|name| reopened.number(name)).collect::<Vec<_>>(), numbers);
        assert_eq!(reopened.take_fresh(), (1000, Vec::new()));
    }

    #[test]
    fn a_string_that_may_be_unique_gets_a_number_when_it_comes_again() {
        let mut interner = Interner::default();
        let key: Str = "order.4711".into();
        assert_eq!(interner.number_if_repeated(&key), None);
        assert_eq!(interner.number_if_repeated(&key), Some(0));
        assert_eq!(interner.number(&key), Some(0));
    }

    #[test]
    fn a_full_table_takes_no_more() {
        let mut interner = Interner::default();
        (0..STRINGS_MAX).for_each(|n| assert!(interner.number(&n.to_string().into()).is_some()));
        assert_eq!(interner.number(&"one more".into()), None);
        assert_eq!(interner.number(&"7".into()), Some(7));
        assert_eq!(Interner::default().number(&"x".repeat(256).into()), None);
    }
}
