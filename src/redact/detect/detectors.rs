//! The detectors that are on, and their findings.

use crate::config::Detector;

use super::found::Found;
use super::groups::DIGITS_MIN;
use super::{email, number};

/// Which detectors are on.
#[derive(Clone, Copy, Debug)]
pub(in crate::redact) struct Detectors {
    pub(super) email: bool,
    pub(super) phone: bool,
    pub(super) card: bool,
}

/// What a byte does to the number of digits that the sweep has counted: some of it is kept, and then something added.
#[derive(Clone, Copy)]
struct Class {
    keep: u8,
    add: u8,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class { keep: 0, add: 0 }; 256];
    let mut rest: &mut [Class] = &mut classes;
    let mut byte = 0_u8;
    while let [class, others @ ..] = rest {
        *class = match byte {
            b'0'..=b'9' => Class { keep: u8::MAX, add: 1 },
            // What may stand between the digits of one number.
            b' ' | b'-' | b'.' | b'(' | b')' | 0x80.. => Class { keep: u8::MAX, add: 0 },
            // To be looked at by themselves.
            b'@' | b'\\' => Class { keep: 0, add: DIGITS_MIN },
            _ => Class { keep: 0, add: 0 },
        };
        byte = byte.wrapping_add(1);
        rest = others;
    }
    classes
}

fn class(byte: u8) -> Class {
    // There is one for each byte.
    CLASSES.get(usize::from(byte)).copied().unwrap_or(Class { keep: 0, add: 0 })
}

impl Detectors {
    /// All of them, for bringing values into their normal form.
    pub(in crate::redact) const ALL: Detectors = Detectors { email: true, phone: true, card: true };

    pub(in crate::redact) fn new(kinds: &[Detector]) -> Self {
        Detectors {
            email: kinds.contains(&Detector::Email),
            phone: kinds.contains(&Detector::Phone),
            card: kinds.contains(&Detector::Card),
        }
    }

    pub(in crate::redact) fn is_empty(self) -> bool {
        !(self.email || self.phone || self.card)
    }

    /// Whether there is any use in looking.
    pub(in crate::redact) fn may_find(self, data: &[u8]) -> bool {
        self.first_suspect(data).is_some()
    }

    /// Where there is use in looking first; a cheap sweep. JSON escapes may hide a sign, so a body with one is looked
    /// through.
    pub(in crate::redact) fn first_suspect(self, data: &[u8]) -> Option<usize> {
        let mut digits = 0_u8;
        for (at, byte) in data.iter().enumerate() {
            let Class { add, keep } = class(*byte);
            digits = (digits & keep) + add;
            if digits < DIGITS_MIN {
                continue;
            }
            let suspect = match byte {
                b'@' => self.email,
                b'\\' => data.get(at + 1) == Some(&b'u') && !self.is_empty(),
                _ => self.phone || self.card,
            };
            if suspect {
                return Some(at);
            }
            digits = 0;
        }
        None
    }

    /// What is to be masked, in order, without overlaps.
    pub(in crate::redact) fn find(self, text: &str) -> Vec<Found> {
        if self.is_empty() || !self.may_find(text.as_bytes()) {
            return Vec::new();
        }
        let mut found = if self.email { email::find(text) } else { Vec::new() };
        if self.phone || self.card {
            let numbers = number::find(text, &found, self.phone, self.card);
            if !numbers.is_empty() {
                found.extend(numbers);
                found.sort_by_key(|one| one.range.start);
            }
        }
        found
    }
}
