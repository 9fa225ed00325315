//! What happens to an event before it is stored: identity, keys, mask, cut. In this order: identity and keys are taken
//! from what was sent, and a value is masked whole before the body is cut.

use super::known::{KnownBodies, KnownBody};
use crate::config::Config;
use crate::correlate::Correlator;
use crate::model::{Event, Keys, Link};
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

    pub(super) fn prepare(&self, event: &mut Event, link: Option<&Link>, bodies: &mut KnownBodies) {
        self.masker.identify(event);
        self.look_into(event, bodies);
        // Handed on masked: what masks a key may stand in the content only.
        match link {
            Some(Link::Gives(keys)) => {
                let Event { fingerprint, order_id, customer_id, .. } = event;
                let told =
                    Keys { fingerprint: *fingerprint, order_id: order_id.clone(), customer_id: customer_id.clone() };
                // An event is made ready once.
                drop(keys.set(told));
            }
            Some(Link::Takes(keys)) => {
                if let Some(keys) = keys.get() {
                    event.fingerprint = keys.fingerprint;
                    event.order_id.clone_from(&keys.order_id);
                    event.customer_id.clone_from(&keys.customer_id);
                }
            }
            None => {}
        }
        cut(event, self.body_bytes_max);
    }

    /// Keys and mask; of a body that was looked into before they are known.
    fn look_into(&self, event: &mut Event, bodies: &mut KnownBodies) {
        let digest = event.body.as_ref().filter(|body| !body.data.is_empty()).map(|body| body.digest);
        let known = digest.and_then(|digest| bodies.get(&digest));
        let mut findings = known.map(|known| known.findings.clone()).unwrap_or_default();
        let json = self.correlator.apply_with(event, &mut findings);
        let fresh = self.masker.apply_with(event, json, known.map(|known| &known.masked));
        match (digest, fresh) {
            (Some(digest), Some(masked)) => bodies.remember(digest, KnownBody::new(findings, masked)),
            // What was masked alike and is cut alike is stored once.
            (Some(digest), None) => {
                if let Some(body) = &mut event.body {
                    body.same_as = bodies.stored(&digest);
                }
            }
            (None, _) => {}
        }
    }
}
