//! AMQP 0-9-1 observed without I/O: field values, properties and `x-death` into the vocabulary of the model.
//!
//! Knows no socket, no clock and no task. What comes in was parsed by `amq-protocol`; nothing here parses bytes.

mod death;
mod properties;
mod value;

pub use death::newest_death;
pub use properties::{Content, apply_basic, apply_table};
pub use value::{Decoded, table, text, value};

#[cfg(test)]
pub(crate) use value::tests::nested;
