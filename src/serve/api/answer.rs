//! Answers that may be incomplete, and questions that have no answer.

use axum::response::Response;
use serde::Serialize;

use crate::query::{Answer, BadQuestion, Damage, Unreadable};
use crate::serve::http::problem::Refusal;
use crate::serve::http::reply::{json, warn};

/// The answer as JSON.
pub(super) fn answered<T: Serialize>(answer: &Answer<T>) -> Response {
    warned(json(&answer.view), &answer.left_out)
}

/// Adds the warning that parts of the journal are left out, where some are.
pub(super) fn warned(response: Response, left_out: &Damage) -> Response {
    match left_out.warning() {
        Some(warning) => warn(response, &warning),
        None => response,
    }
}

impl From<BadQuestion> for Refusal {
    fn from(bad: BadQuestion) -> Self {
        let text = bad.to_string();
        match bad {
            BadQuestion::Parameter(_) => Refusal::BadQuery(text),
            BadQuestion::Cursor(_) => Refusal::BadCursor(text),
            BadQuestion::Id(_) => Refusal::BadId(text),
        }
    }
}

impl From<Unreadable> for Refusal {
    fn from(error: Unreadable) -> Self {
        Refusal::Unreadable(error.to_string())
    }
}
