//! What happens to an event before it is stored: identity, keys, mask, cut. In this order: identity and keys are taken
//! from what was sent, and a value is masked whole before the body is cut.

use crate::config::Config;
use crate::correlate::Correlator;
use crate::model::Event;
use crate::redact::{Masker, cut};

/// The rules in force.
pub(super) struct Preparer {
    correlator: Correlator,
    masker: Masker,
    body_bytes_max: usize,
}

impl Preparer {
    pub(super) fn new(config: &Config, mask_key: [u8; 32]) -> Self {
        Preparer {
            correlator: Correlator::new(&config.correlate),
            masker: Masker::new(&config.redact, mask_key),
            body_bytes_max: config.record.body_bytes_max,
        }
    }

    pub(super) fn prepare(&self, event: &mut Event) {
        self.masker.identify(event);
        let body = self.correlator.apply(event);
        self.masker.apply(event, body);
        cut(event, self.body_bytes_max);
    }
}
