//! `[redact]`: the values that are masked before anything is stored, logged or sent.

use std::path::PathBuf;

use serde::Deserialize;

use super::correlate::Property;
use super::{JsonPath, Problems};

/// The values that are masked.
#[derive(Clone, Debug)]
pub struct Redact {
    /// JSON paths (RFC 9535) in bodies: every value that one selects is masked whole.
    pub body: Vec<JsonPath>,
    /// Headers whose values are masked whole, by name; case does not matter.
    pub headers: Vec<String>,
    /// Properties that are masked whole.
    pub properties: Vec<Property>,
    /// Detectors that look through every text.
    pub detect: Vec<Detector>,
    /// The order id, message id and correlation id of a message are left as they are, even where a detector takes
    /// one for a telephone number.
    pub exempt_ids: Vec<ExemptId>,
    /// The key of the digests; made at the first start where the file does not exist. Default: `mask.key` in the
    /// journal's directory.
    pub key_file: Option<PathBuf>,
}

/// The values that a detector finds in running text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// E-mail addresses.
    Email,
    /// Telephone numbers.
    Phone,
    /// Payment card numbers: 13 to 19 digits that pass the Luhn check.
    Card,
}

/// An id that stays readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExemptId {
    /// By the rules of `correlate.order_id`.
    OrderId,
    /// Property `message_id`.
    MessageId,
    /// Property `correlation_id`.
    CorrelationId,
}

/// Values that are masked before anything is stored, logged or sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRedact {
    /// JSON paths (RFC 9535) in bodies. Every value that a path selects is masked whole.
    ///
    /// Default: `[]`
    body: Vec<String>,
    /// Names of headers that are masked whole. Upper and lower case are the same.
    ///
    /// Default: `[]`
    headers: Vec<String>,
    /// Names of properties that are masked whole.
    ///
    /// Values: `message_id`, `correlation_id`, `reply_to`, `type`, `app_id`, `user_id`
    ///
    /// Default: `[]`
    properties: Vec<Property>,
    /// Detectors that look through every text: e-mail addresses, telephone numbers, payment card numbers.
    ///
    /// Values: `email`, `phone`, `card`
    ///
    /// Default: `["email", "phone", "card"]`
    detect: Option<Vec<Detector>>,
    /// Ids that stay readable although a detector may take one for a telephone number.
    ///
    /// Values: `order_id`, `message_id`, `correlation_id`
    ///
    /// Default: `["order_id", "message_id", "correlation_id"]`
    exempt_ids: Option<Vec<ExemptId>>,
    /// The key of the digests that stand in for masked values. hoptrail makes it at the first start.
    ///
    /// Default: `mask.key` in `journal.dir`
    key_file: Option<PathBuf>,
}

impl RawRedact {
    pub(super) fn validate(self, problems: &mut Problems) -> Redact {
        let mut body = Vec::new();
        for (index, path) in self.body.iter().enumerate() {
            body.extend(problems.check(format!("redact.body[{index}]"), JsonPath::parse(path)));
        }
        use ExemptId::{CorrelationId, MessageId, OrderId};
        Redact {
            body,
            headers: self.headers,
            properties: self.properties,
            detect: self.detect.unwrap_or_else(|| vec![Detector::Email, Detector::Phone, Detector::Card]),
            exempt_ids: self.exempt_ids.unwrap_or_else(|| vec![OrderId, MessageId, CorrelationId]),
            key_file: self.key_file,
        }
    }
}
