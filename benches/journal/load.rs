//! What the benches record: the jeweller's orders, made on the spot from their numbers, the same in every run.
//!
//! Orders overlap: each step of an order comes when chance picks it among all that are open, so that an order's events
//! lie over about a third of the stream. A step is one message: the firehose and a binding see its publish, then come
//! its deliveries, most of them soon, some of them much later, now and then a dead letter or a return.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use hoptrail::model::{
    Body, Death, Event, Fingerprint, Kind, Properties, Return, Session, Source, Str, Timestamp, Value,
};

use super::messages::{Message, Values, message};

/// 2026-11-20, midnight (UTC).
pub const START_MICROS: i64 = 1_795_132_800_000_000;
/// Between two events: 20 million of them take less than a day.
const STEP_MICROS: u64 = 4000;
/// An order's messages; about twenty events each.
const COURSES: [&[&str]; 4] = [
    &["submitted", "payment", "priced", "approved", "started", "completed"],
    &["submitted", "priced", "approved", "packaging", "shipped"],
    &["submitted", "payment", "priced", "offer", "callback", "cancellation"],
    &["submitted", "priced", "engraving", "approved", "shipped", "mail"],
];
const CONNECTIONS: u64 = 12;
/// One delivery in so many comes late; the others follow within [`SOON`] events.
const LATE_ONE_IN: u64 = 4;
const SOON: u64 = 40;
const LATE: u64 = 2000;
const DEAD_ONE_IN: u64 = 64;
const RETURNED_ONE_IN: u64 = 512;
/// One order in so many is of a publisher that sets no message ids.
const UNNAMED_ONE_IN: u64 = 10;
/// Marks in [`Load::counts`] that an order has had its last message.
const FINISHED: u8 = 0x80;

/// Scatters a number over 64 bits.
pub fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// An order that is under way: its number and its next step.
#[derive(Clone, Copy)]
struct Open {
    order: u32,
    step: u8,
}

/// Makes events. Holds a few bytes for every order, whatever the length of the stream.
pub struct Load {
    prefix: &'static str,
    courses: Vec<Vec<Message>>,
    sessions: BTreeMap<Str, Vec<Session>>,
    vhost: Str,
    json: Str,
    open: Vec<Open>,
    next_order: u32,
    position: u64,
    random: u64,
    start: i64,
    ready: VecDeque<Event>,
    waiting: BTreeMap<(u64, u64), Event>,
    counts: Vec<u8>,
}

impl Load {
    /// A stream of about `events` events that begins at `start`; order ids begin with `prefix`.
    pub fn new(events: u64, start: i64, prefix: &'static str) -> Load {
        let open_len = (events / 60).max(64) as u32;
        let courses: Vec<Vec<Message>> =
            COURSES.iter().map(|names| names.iter().map(|name| message(name)).collect()).collect();
        let services = courses.iter().flatten().map(|message| message.service.clone());
        let sessions = services.map(|service| (service.clone(), sessions_of(&service))).collect();
        Load {
            prefix,
            courses,
            sessions,
            vhost: "jewellery".into(),
            json: "application/json".into(),
            open: (0..open_len).map(|order| Open { order, step: 0 }).collect(),
            next_order: open_len,
            position: 0,
            random: 1,
            start,
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            counts: vec![0; (events / 15) as usize + open_len as usize],
        }
    }

    /// The next events in place of those that are in `events`.
    pub fn fill(&mut self, events: &mut Vec<Event>, len: u64) {
        events.clear();
        for _ in 0..len {
            let event = self.next_event();
            events.push(event);
        }
    }

    /// Orders that have had their last message, at most `len` of them, picked at random: number and events so far.
    pub fn finished(&self, len: usize) -> Vec<(u32, usize)> {
        let all: Vec<u32> = (0..self.next_order).filter(|order| self.counts[*order as usize] & FINISHED != 0).collect();
        assert!(!all.is_empty(), "too few events: no order came to its end");
        let picked = (0..len as u64).map(|number| all[(mix(number ^ 0x5eed) % all.len() as u64) as usize]);
        picked.map(|order| (order, usize::from(self.counts[order as usize] & !FINISHED))).collect()
    }

    pub fn orders(&self) -> u32 {
        self.next_order
    }

    pub fn order_id(&self, order: u32) -> Str {
        format!("{}-2026-{:06}", self.prefix, 1001 + order).into()
    }

    /// The events of an order's first message, as they were generated, without their times.
    pub fn first_message(&self, order: u32) -> Vec<Event> {
        self.message(order, 0, 0).into_iter().map(|(_, event)| event).collect()
    }

    fn next_event(&mut self) -> Event {
        let mut event = loop {
            let due = self.waiting.first_key_value().is_some_and(|((due, _), _)| *due <= self.position);
            let next = if due { self.waiting.pop_first().map(|(_, event)| event) } else { self.ready.pop_front() };
            match next {
                Some(event) => break event,
                None => self.next_message(),
            }
        };
        event.at = Timestamp::from_micros(self.micros());
        if event.order_id.is_some() {
            let order: usize = order_number(&event);
            self.counts[order] += 1;
        }
        self.position += 1;
        event
    }

    /// From the start to the earliest that the event of that position, counted from 0, may be at.
    pub fn micros_at(position: u64) -> i64 {
        (position * STEP_MICROS) as i64
    }

    fn micros(&self) -> i64 {
        self.start + Self::micros_at(self.position) + (mix(self.position) % STEP_MICROS) as i64
    }

    /// Takes one of the open orders a step further.
    fn next_message(&mut self) {
        self.random = mix(self.random);
        let slot = (self.random % self.open.len() as u64) as usize;
        let Open { order, step } = self.open[slot];
        let events = self.message(order, step, self.micros());
        for (number, (lag, event)) in events.into_iter().enumerate() {
            if lag == 0 {
                self.ready.push_back(event);
            } else {
                let unique = (u64::from(order) << 16) | (u64::from(step) << 8) | number as u64;
                self.waiting.insert((self.position + lag, unique), event);
            }
        }
        let last = usize::from(step) + 1 == self.course(order).len();
        self.open[slot] = if last {
            self.counts[order as usize] |= FINISHED;
            self.next_order += 1;
            Open { order: self.next_order - 1, step: 0 }
        } else {
            Open { order, step: step + 1 }
        };
    }

    fn course(&self, order: u32) -> &[Message] {
        &self.courses[(mix(u64::from(order)) % COURSES.len() as u64) as usize]
    }

    /// All events of one step, each with the number of events it comes after the publish.
    fn message(&self, order: u32, step: u8, micros: i64) -> Vec<(u64, Event)> {
        let message = &self.course(order)[usize::from(step)];
        let hash = mix((u64::from(order) << 8) | u64::from(step)) ^ mix(u64::from(self.prefix.as_bytes()[1]));
        let publish = self.publish(message, order, hash, micros);
        let mut binding = publish.clone();
        binding.source = Source::Binding;
        binding.session = None;
        binding.routed_queues = None;
        binding.kind = Kind::Publish;
        let mut events = vec![(0, publish), (0, binding)];
        for (place, queue) in message.queues.iter().enumerate() {
            let chance = mix(hash ^ (place as u64 + 1));
            let window = if chance.is_multiple_of(LATE_ONE_IN) { LATE } else { SOON };
            let lag = 1 + chance / LATE_ONE_IN % window;
            let delivery = self.deliver(&events[0].1, queue, chance);
            if (chance / 7).is_multiple_of(DEAD_ONE_IN) {
                events.push((lag + 30, dead_letter(&delivery)));
            }
            events.push((lag, delivery));
        }
        if hash % RETURNED_ONE_IN == 3 {
            let mut returned = events[0].1.clone();
            returned.kind = Kind::Return;
            returned.source = Source::Proxy;
            returned.returned = Some(Return { code: 312, text: "NO_ROUTE".into() });
            events.push((1, returned));
        }
        events
    }

    fn publish(&self, message: &Message, order: u32, hash: u64, micros: i64) -> Event {
        let order_hash = mix(u64::from(order));
        let order_id = self.order_id(order);
        let customer = format!("C-{}", 10_000 + order_hash % 90_000);
        let values = Values { order: &order_id, customer: &customer, hash: order_hash, micros };
        let mut text = String::with_capacity(1024);
        message.body.fill(&values, &mut text);
        let kind = if message.queues.is_empty() { Kind::Unroutable } else { Kind::Publish };
        let mut event = Event::new(kind, Source::Firehose, Timestamp::from_micros(micros));
        event.vhost = Some(self.vhost.clone());
        event.service = Some(message.service.clone());
        event.session = Some(self.session(&message.service, hash));
        event.exchange = Some(message.exchange.clone());
        event.routing_key = Some(message.key.clone());
        event.routed_queues = Some(message.queues.clone());
        event.message_id = (!order_hash.is_multiple_of(UNNAMED_ONE_IN)).then(|| uuid(hash).into());
        event.correlation_id = Some(uuid(order_hash).into());
        event.app_id = Some(message.service.clone());
        event.properties =
            Properties { delivery_mode: Some(2), expiration: message.expiration.clone(), ..Properties::default() };
        event.fingerprint = Some(Fingerprint(sixteen(hash ^ 0xf1)));
        event.customer_id = Some(customer.as_str().into());
        event.status = message.status.clone();
        event.headers = (message.headers.iter())
            .map(|(name, text)| {
                let mut value = String::new();
                text.fill(&values, &mut value);
                (name.clone(), Value::Text(value.into()))
            })
            .collect();
        event.body = Some(Body {
            len: text.len() as u64,
            digest: sixteen(hash ^ 0xd1),
            content_type: Some(self.json.clone()),
            data: text.into_bytes(),
            ..Body::default()
        });
        event.order_id = Some(order_id);
        event
    }

    fn deliver(&self, publish: &Event, queue: &Str, chance: u64) -> Event {
        let service = match queue.split('.').next() {
            Some("mes") => "MES",
            Some("crm") => "CRM",
            _ => "Shop",
        };
        let mut event = publish.clone();
        event.kind = Kind::Deliver;
        let service = self.sessions.get_key_value(service).unwrap().0.clone();
        event.session = Some(self.session(&service, chance));
        event.service = Some(service);
        event.queue = Some(queue.clone());
        event.routed_queues = None;
        event.redelivered = Some(chance.is_multiple_of(97));
        event
    }

    fn session(&self, service: &str, hash: u64) -> Session {
        let mut session = self.sessions[service][(hash / 11 % CONNECTIONS) as usize].clone();
        session.channel = Some(1 + (hash / 200 % 4) as u16);
        session
    }
}

fn sessions_of(service: &str) -> Vec<Session> {
    let client = match service {
        "MES" => "MES 3.1",
        "CRM" => "CRM 7.2",
        _ => "Shop API 1.4",
    };
    let host = service.len() as u64 + u64::from(service.as_bytes()[0]);
    let connection = |number: u64| {
        let port = 32_768 + mix(host << 8 | number) % 28_000;
        Session {
            connection: Some(format!("10.20.{host}.{}:{port} -> 10.20.1.5:5672", 10 + number % 3).into()),
            user: Some(service.to_lowercase().into()),
            client_name: Some(client.into()),
            channel: None,
        }
    };
    (0..CONNECTIONS).map(connection).collect()
}

fn dead_letter(delivery: &Event) -> Event {
    let queue = delivery.queue.clone().unwrap();
    let mut event = delivery.clone();
    event.kind = Kind::DeadLetter;
    event.source = Source::DeadLetter;
    event.session = None;
    event.redelivered = None;
    event.death = Some(Death {
        queue,
        reason: "rejected".into(),
        exchange: delivery.exchange.clone().unwrap(),
        routing_keys: delivery.routing_key.iter().cloned().collect(),
        count: 1,
        first_at: Some(delivery.at),
    });
    event.exchange = Some("mes.dlx".into());
    event
}

/// The order's number, read back from its id.
fn order_number(event: &Event) -> usize {
    let id = event.order_id.as_deref().unwrap();
    id[8..].parse::<usize>().unwrap() - 1001
}

fn sixteen(number: u64) -> [u8; 16] {
    ((u128::from(mix(number)) << 64) | u128::from(mix(number ^ 0xa5a5))).to_be_bytes()
}

fn uuid(number: u64) -> String {
    let (high, low) = (mix(number), mix(number ^ 0xa5a5));
    let mut text = String::with_capacity(36);
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xfff);
    write!(text, "{a:08x}-{b:04x}-4{c:03x}-8{:03x}-{:012x}", low >> 52, low & 0xffff_ffff_ffff).unwrap();
    text
}
