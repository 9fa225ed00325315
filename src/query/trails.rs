//! The trails of orders and messages.

use crate::model::api::Trail;
use crate::model::{self, MessageKey, Timestamp};
use crate::show::Words;

use super::error::{BadQuestion, Unreadable};
use super::handles::Handles;

/// The longest id that is looked up. AMQP's short strings have 255 bytes; ids in bodies may be longer.
const ID_BYTES_MAX: usize = 1024;

/// Whether an order or a message may have this id.
///
/// # Errors
/// The id is too long.
pub fn check_id(id: &str) -> Result<(), BadQuestion> {
    if id.len() > ID_BYTES_MAX {
        return Err(BadQuestion::Id(format!("the id has {} bytes; at most {ID_BYTES_MAX} are looked up", id.len())));
    }
    Ok(())
}

/// Everything known about one order; `None` where no event names it.
///
/// # Errors
/// The journal cannot be read.
pub fn order(handles: &Handles, id: &str, now: Timestamp) -> Result<Option<Trail>, Unreadable> {
    Ok(handles.flow.order(id, now)?.map(told))
}

/// Everything known about one message, by its id or its fingerprint; `None` where no event names it.
///
/// # Errors
/// The journal cannot be read.
pub fn message(handles: &Handles, id: &str, now: Timestamp) -> Result<Option<Trail>, Unreadable> {
    Ok(handles.flow.message(&MessageKey::parse(id), now)?.map(told))
}

/// The trail with its verdict in words.
fn told(trail: model::Trail) -> Trail {
    let told = Words::english().tell(&trail.verdict);
    Trail::new(trail, told)
}
