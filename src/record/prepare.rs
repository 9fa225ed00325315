//! The preparation of an event before it is stored: identity, keys, mask, cut. The order matters: identity and keys
//! come from the original, and a value is masked whole before the body is cut.

use super::known::{KnownBodies, KnownBody};
use crate::config::Config;
use crate::correlate::{Correlator, Findings, Memo};
use crate::model::{Event, Keys, Link};
use crate::redact::{Masker, cut};

/// The rules in force.
pub(super) struct Preparer {
    correlator: Correlator,
    masker: Masker,
    body_bytes_max: usize,
}

/// Results from earlier events, for the next ones.
#[derive(Default)]
pub(super) struct Learned {
    pub(super) bodies: KnownBodies,
    names: Memo,
}

impl Preparer {
    pub(super) fn new(config: &Config, mask_key: [u8; 32]) -> Self {
        Preparer {
            correlator: Correlator::new(&config.correlate),
            masker: Masker::new(&config.redact, mask_key),
            body_bytes_max: config.record.body_bytes_max,
        }
    }

    pub(super) fn prepare(&self, event: &mut Event, link: Option<&Link>, learned: &mut Learned) {
        self.masker.identify(event);
        let taken = match link {
            Some(Link::Takes(keys)) => keys.get(),
            Some(Link::Gives(_)) | None => None,
        };
        // The keys are set before the rules run, so no rule looks for a known key. They are handed on masked: the
        // reason to mask a key may stand in the content only. A mask is not masked again.
        if let Some(keys) = taken {
            event.order_id.clone_from(&keys.order_id);
            event.customer_id.clone_from(&keys.customer_id);
        }
        self.look_into(event, learned);
        if let Some(Link::Gives(keys)) = link {
            let Event { fingerprint, order_id, customer_id, .. } = event;
            let told = Keys { fingerprint: *fingerprint, order_id: order_id.clone(), customer_id: customer_id.clone() };
            // An event is made ready once.
            drop(keys.set(told));
        }
        // The keys are set again after the rules. If the content told no order, the event belongs to none, even if a
        // rule found one in its names.
        if let Some(keys) = taken {
            event.fingerprint = keys.fingerprint;
            event.order_id.clone_from(&keys.order_id);
            event.customer_id.clone_from(&keys.customer_id);
        }
        cut(event, self.body_bytes_max);
    }

    /// Finds the keys and masks the event. For a body that was prepared before, the results are known.
    fn look_into(&self, event: &mut Event, learned: &mut Learned) {
        let Learned { bodies, names } = learned;
        let digest = event.body.as_ref().filter(|body| !body.data.is_empty()).map(|body| body.digest);
        let known = digest.and_then(|digest| bodies.get_mut(&digest));
        let mut fresh = Findings::default();
        let (findings, masked) = match known {
            Some(KnownBody { findings, masked, .. }) => (findings, Some(&*masked)),
            None => (&mut fresh, None),
        };
        let format = self.correlator.apply_with(event, findings, names);
        let masked = self.masker.apply_with(event, format, masked);
        match (digest, masked) {
            (Some(digest), Some(masked)) => {
                let findings = std::mem::take(findings);
                bodies.remember(digest, KnownBody::new(findings, masked));
            }
            // Bodies that were masked alike and are cut alike are stored once.
            (Some(digest), None) => {
                if let Some(body) = &mut event.body {
                    body.same_as = bodies.stored(&digest);
                }
            }
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use super::*;
    use crate::config;
    use crate::model::{Body, Kind, Seq, Source, Str, Timestamp};

    const RULES: &str = "[correlate]\norder_id = [{ body = '$.id' }, { queue = '[0-9]+' }]\n\
                         customer_id = [{ body = '$.mail' }, { queue = '[0-9]+' }]\n\
                         service = [{ queue = '^[a-z]+' }]\n";

    fn preparer() -> Preparer {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), RULES).expect("written");
        Preparer::new(&config::load(Some(file.path()), [], &vec![]).expect("valid"), [7; 32])
    }

    /// A publish with this body and then the settlement of its message, both made ready.
    fn check(body: &str, order_id: Option<&str>) -> Event {
        let (preparer, mut learned, keys) = (preparer(), Learned::default(), Arc::new(OnceLock::new()));
        let event = |kind| {
            let mut event = Event::new(kind, Source::Proxy, Timestamp::default());
            event.queue = Some("crm.7".into());
            event.routing_key = Some("order 79991234567".into());
            event
        };
        let mut publish = event(Kind::Publish);
        publish.queue = None;
        publish.body = Some(Body { data: body.into(), ..Body::default() });
        preparer.prepare(&mut publish, Some(&Link::Gives(Arc::clone(&keys))), &mut learned);
        let mut settlement = event(Kind::Settle);
        preparer.prepare(&mut settlement, Some(&Link::Takes(keys)), &mut learned);
        assert!(publish.fingerprint.is_some() && publish.fingerprint == settlement.fingerprint);
        assert_eq!(settlement.order_id.as_deref(), order_id);
        let of = |event: &Event| (event.order_id.clone(), event.customer_id.clone(), event.routing_key.clone());
        assert_eq!(of(&settlement), of(&publish));
        settlement
    }

    #[test]
    fn a_settlement_has_the_keys_of_its_content_and_a_service_of_its_own() {
        let settlement = check(r#"{"id": 79991234567, "mail": "anna@example.com"}"#, Some("79991234567"));
        assert_eq!(settlement.routing_key.as_deref(), Some("order 79991234567"), "an exempt id stays readable");
        assert_eq!(settlement.service.as_deref(), Some("crm"));
        let customer: Str = settlement.customer_id.expect("taken");
        assert!(customer.starts_with("***") && customer.len() == 11, "masked once: {customer}");
    }

    #[test]
    fn what_the_content_does_not_tell_no_rule_makes_up() {
        let settlement = check(r#"{"text": "nothing"}"#, None);
        assert_eq!(settlement.customer_id, None);
        assert!(settlement.routing_key.expect("kept").starts_with("order ***"));
        check(r#"{"id": "JW-1"}"#, Some("JW-1"));
    }

    #[test]
    fn a_known_body_is_masked_as_if_it_were_new() {
        let preparer = preparer();
        let message = |id: &str, encoding: Option<&str>| {
            let mut event = Event::new(Kind::Publish, Source::Proxy, Timestamp::default());
            event.message_id = Some(id.into());
            event.properties.content_encoding = encoding.map(Into::into);
            let body = r#"{"call": "+7 999 123-45-67", "or": "89991234567", "mail": "anna@example.com", "n": 1234567}"#;
            event.body = Some(Body { data: body.into(), ..Body::default() });
            event
        };
        let mut learned = Learned::default();
        let others = [("m-1", None), ("89991234567", None), ("m-1", Some("gzip")), ("m-1", None), ("m-2", None)];
        let mut masked = Vec::new();
        for (seq, (id, encoding)) in (1..).zip(others) {
            let mut event = message(id, encoding);
            preparer.prepare(&mut event, None, &mut learned);
            learned.bodies.note(&event, Seq(seq));
            let mut alone = message(id, encoding);
            preparer.prepare(&mut alone, None, &mut Learned::default());
            let same_as = event.body.as_mut().and_then(|body| body.same_as.take());
            assert_eq!(event, alone, "{id} {encoding:?}");
            masked.push((event.body.expect("a body"), same_as));
        }
        for (body, same_as) in &masked {
            let Some(same_as) = same_as else { continue };
            let (other, _) = &masked[same_as.0 as usize - 1];
            assert_eq!((&body.data, body.truncated), (&other.data, other.truncated));
        }
        let readable = |body: &Body| String::from_utf8_lossy(&body.data).contains("89991234567");
        assert_eq!(
            masked.iter().map(|(body, _)| readable(body)).collect::<Vec<_>>(),
            [false, true, false, false, false]
        );
        let mut again = message("m-2", None);
        preparer.prepare(&mut again, None, &mut learned);
        assert_eq!(again.body.and_then(|body| body.same_as), Some(Seq(5)));
    }
}
