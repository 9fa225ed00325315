//! Finds e-mail addresses, telephone numbers and payment card numbers in running text.
//!
//! Written by hand rather than as regular expressions, because the context of a number decides. That may be a letter, a
//! dash, the rest of a UUID, or a checksum. A text without `@` and without enough digits is passed over in one sweep.
//! Every step looks at a bounded number of characters, so the time is linear in the text.
//!
//! Masked text stays as it is when it is masked again. A mask (`***` and eight hexadecimal digits) is a border that no
//! number crosses.

mod card;
mod detectors;
mod email;
mod found;
mod groups;
mod mask;
mod number;
mod phone;

pub(super) use detectors::Detectors;
pub(super) use found::Found;
pub(super) use mask::is_mask;

#[cfg(test)]
mod tests;
