//! A client and a broker that talk past an observer, their frames written by `amq-protocol`.

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame};
use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, channel, connection};
use amq_protocol::types::{AMQPValue, FieldTable};

use crate::model::{Event, Party, Side, Timestamp};
use crate::wire::{End, Limits, Observed, Observer};

pub(super) struct Conversation {
    pub(super) observer: Observer,
    pub(super) events: Vec<Event>,
    now: i64,
}

impl Conversation {
    pub(super) fn new() -> Self {
        Self::within(Limits::default())
    }

    pub(super) fn within(limits: Limits) -> Self {
        let observer = Observer::new(limits, "127.0.0.1:9 -> 127.0.0.1:1".into());
        Conversation { observer, events: Vec::new(), now: 1_795_226_400_000_000 }
    }

    /// On channel 1 of the vhost `/orders`.
    pub(super) fn logged_in(user: &str) -> Self {
        use connection::AMQPMethod::{Open, OpenOk, StartOk, TuneOk};
        let mut talk = Self::new();
        talk.bytes(Side::Client, b"AMQP\0\0\x09\x01");
        let mut client_properties = FieldTable::default();
        client_properties.insert("connection_name".into(), AMQPValue::LongString("Shop API".into()));
        let start_ok = connection::StartOk {
            client_properties,
            mechanism: "PLAIN".into(),
            response: format!("\0{user}\0secret").into(),
            locale: "en_US".into(),
        };
        let tune_ok = connection::TuneOk { channel_max: 2047, frame_max: 131_072, heartbeat: 60 };
        for method in [StartOk(start_ok), TuneOk(tune_ok), Open(connection::Open { virtual_host: "/orders".into() })] {
            talk.client(0, AMQPClass::Connection(method));
        }
        talk.broker(0, AMQPClass::Connection(OpenOk(connection::OpenOk {})));
        talk.client(1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
        talk
    }

    /// Of an observer that has seen no message yet.
    pub(super) fn limit(&mut self, change: impl FnOnce(&mut Limits)) {
        let limits = self.observer.limits_mut();
        change(limits);
    }

    pub(super) fn client(&mut self, channel: u16, method: AMQPClass) {
        self.frame(Side::Client, &AMQPFrame::Method(channel, method));
    }

    pub(super) fn broker(&mut self, channel: u16, method: AMQPClass) {
        self.frame(Side::Broker, &AMQPFrame::Method(channel, method));
    }

    pub(super) fn client_content(&mut self, channel: u16, method: AMQPClass, properties: AMQPProperties, body: &[u8]) {
        self.content(Side::Client, channel, method, properties, body);
    }

    pub(super) fn broker_content(&mut self, channel: u16, method: AMQPClass, properties: AMQPProperties, body: &[u8]) {
        self.content(Side::Broker, channel, method, properties, body);
    }

    fn content(&mut self, side: Side, channel: u16, method: AMQPClass, properties: AMQPProperties, body: &[u8]) {
        self.frame(side, &AMQPFrame::Method(channel, method));
        let header = AMQPContentHeader { class_id: 60, body_size: body.len() as u64, properties };
        self.frame(side, &AMQPFrame::Header(channel, header));
        self.frame(side, &AMQPFrame::Body(channel, body.to_vec()));
    }

    fn frame(&mut self, side: Side, frame: &AMQPFrame) {
        let bytes = gen_frame(frame)(WriteContext::from(Vec::new())).expect("memory takes everything").write;
        self.bytes(side, &bytes);
    }

    pub(super) fn bytes(&mut self, side: Side, bytes: &[u8]) {
        self.now += 1000;
        let mut observed = Vec::new();
        self.observer.feed(side, bytes, Timestamp::from_micros(self.now), &mut observed);
        self.take(observed);
    }

    pub(super) fn end(&mut self) {
        let mut observed = Vec::new();
        let end = End { by: Party::Client, text: "gone".into() };
        self.observer.end(end, Timestamp::from_micros(self.now + 1000), &mut observed);
        self.take(observed);
    }

    fn take(&mut self, observed: Vec<Observed>) {
        self.events.extend(observed.into_iter().map(|observed| observed.event));
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.events.iter().map(brief).collect()
    }
}

/// The event in one line.
pub(super) fn brief(event: &Event) -> String {
    let mut words = vec![event.kind.to_string()];
    words.extend(event.delivery_tag.filter(|_| event.kind.name() != "deliver").map(|tag| tag.to_string()));
    words.extend(event.message_id.as_deref().map(str::to_owned));
    if let Some(how) = event.settlement {
        words.push(format!("{:?}", how.kind).to_lowercase());
        words.extend(how.requeue.then(|| "requeue".to_owned()));
        words.extend(how.multiple.then(|| "multiple".to_owned()));
        words.extend(event.queue.as_deref().map(str::to_owned));
    }
    words.extend(event.topology.as_ref().map(|it| format!("{}: {}", it.change, it.detail)));
    words.extend(event.gap.as_ref().map(|it| it.cause.to_string()));
    if event.kind.name() == "session_close" {
        words.extend(event.close.as_ref().map(|it| format!("{:?} {:?} {} {}", it.by, it.code, it.text, it.unsettled)));
    }
    words.join(" ")
}
