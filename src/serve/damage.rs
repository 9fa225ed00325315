//! Blocks that cannot be read: the rest is answered, and the answer says that something is left out.

use axum::http::HeaderValue;
use axum::response::Response;

use super::facts::Unreadable;

/// Blocks that one answer leaves out. With more, the journal is broken rather than damaged, and there is no answer.
const LEFT_OUT_MAX: usize = 100;

/// The header that says so; the body's form has no place for it, and a CSV file none at all.
pub(super) const HEADER: &str = "hoptrail-warning";

/// What an answer leaves out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Damage {
    left_out: usize,
}

impl Damage {
    /// Leaves out what could not be read, unless that has become too much.
    pub(super) fn note(&mut self, error: Unreadable) -> Result<(), Unreadable> {
        self.left_out += 1;
        if self.left_out > LEFT_OUT_MAX {
            return Err(error);
        }
        tracing::error!(%error, "a damaged part of the journal was left out of an answer");
        Ok(())
    }

    /// Adds the warning, where there is something to warn of.
    pub(super) fn warn(&self, mut response: Response) -> Response {
        if self.left_out > 0 {
            let text =
                format!("{} damaged parts of the journal were left out; hoptrail's log names them", self.left_out);
            response.headers_mut().extend(HeaderValue::try_from(text).map(|text| (HEADER_NAME, text)));
        }
        response
    }
}

const HEADER_NAME: axum::http::HeaderName = axum::http::HeaderName::from_static(HEADER);
