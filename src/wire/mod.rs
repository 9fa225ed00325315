//! AMQP 0-9-1 observed without I/O. Bytes become frames, contents and events. Field values, properties and `x-death`
//! become the vocabulary of the model.
//!
//! An [`Observer`] follows one session through the bytes of both its directions: the login, publishes, returns,
//! confirms, deliveries and settlements. The caller gives it bytes and times; it has no socket, clock or task. It
//! answers any bytes with events, and with gaps if it cannot follow them. [`Limits`] bounds its memory. A [`Gate`]
//! looks for one user in a login before the broker sees it.
//!
//! | file | owns |
//! |---|---|
//! | `bytes`, `table`, `basic` | values, tables and properties out of bytes |
//! | `frame`, `method` | frames out of a stream, methods out of frames |
//! | `content`, `channel`, `session` | their meaning, by content, channel and session |
//! | `observed`, `figures`, `end`, `telling` | the words in which a session is told, and a moment of telling |
//! | `held`, `consumers`, `transaction` | the memory of a channel, until it is settled, confirmed, cancelled or committed |
//! | `holes`, `limits` | observations that could not be followed, and the bounds |
//! | `value`, `properties` | the same from the values of `amq-protocol`, for the taps |
//! | `death`, `dead_letters` | the deaths in `x-death`, and those that a delivery is the first to tell |

mod basic;
mod bytes;
mod channel;
mod consumers;
mod content;
mod dead_letters;
mod death;
mod end;
mod figures;
mod frame;
mod gate;
mod held;
mod holes;
mod limits;
mod login;
mod method;
mod names;
mod observed;
mod observer;
mod properties;
mod scene;
mod session;
mod table;
mod telling;
mod transaction;
mod value;

pub use dead_letters::DeadLetters;
pub use death::{newest_death, told_by_delivery};
pub use end::End;
pub use figures::Figures;
pub use gate::{Gate, Verdict};
pub use limits::{Limits, Room};
pub use observed::{Observed, Sink};
pub use observer::Observer;
pub use properties::{Content, apply_basic, apply_table};
pub use value::{Decoded, table, text, value};

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use value::tests::nested;
