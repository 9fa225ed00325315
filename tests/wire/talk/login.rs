//! From the greeting to `connection.open-ok`.

use amq_protocol::protocol::{AMQPClass, connection};
use amq_protocol::types::generation::gen_raw_value;
use amq_protocol::types::{AMQPValue, FieldTable};
use hoptrail::model::{Kind, Side};

use super::Talking;
use crate::frames;

impl Talking {
    pub(super) fn log_in(&mut self) {
        self.push(Side::Client, frames::GREETING.to_vec());
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: properties(&[("product", "RabbitMQ"), ("version", "4.0.5")]),
            mechanisms: "PLAIN AMQPLAIN EXTERNAL".into(),
            locales: "en_US".into(),
        };
        self.say(Side::Broker, 0, connection_method(connection::AMQPMethod::Start(start)));
        self.start_ok();
        if self.rng.chance(10) {
            let secure = connection::Secure { challenge: "who?".into() };
            self.say(Side::Broker, 0, connection_method(connection::AMQPMethod::Secure(secure)));
            let secure_ok = connection::SecureOk { response: "me".into() };
            self.say(Side::Client, 0, connection_method(connection::AMQPMethod::SecureOk(secure_ok)));
        }
        self.tune();
        let vhost = *self.rng.pick(&["/", "prod", "ünïcode"]);
        let open = connection::Open { virtual_host: vhost.into() };
        self.say(Side::Client, 0, connection_method(connection::AMQPMethod::Open(open)));
        self.say(Side::Broker, 0, connection_method(connection::AMQPMethod::OpenOk(connection::OpenOk {})));
        self.vhost = Some(vhost.into());
        self.tell(self.event(Kind::SessionOpen, None), None);
    }

    fn start_ok(&mut self) {
        let user = *self.rng.pick(&["shop", "guest", "müller"]);
        let password = "not-to-be-told";
        let (mechanism, response) = match self.rng.below(4) {
            0 => ("AMQPLAIN", login_table(user, password)),
            1 => ("EXTERNAL", Vec::new()),
            _ => ("PLAIN", format!("\0{user}\0{password}").into_bytes()),
        };
        self.session.user = (mechanism != "EXTERNAL").then(|| user.into());
        let (product, name) = (self.rng.chance(70), self.rng.chance(60));
        let mut entries = vec![("platform", "Rust")];
        entries.extend(product.then_some(("product", "some-client")));
        entries.extend(name.then_some(("connection_name", "shop-backend")));
        let told = name.then_some("shop-backend").or(product.then_some("some-client"));
        self.session.client_name = told.map(Into::into);
        let mut client_properties = properties(&entries);
        let mut capabilities = FieldTable::default();
        capabilities.insert("publisher_confirms".into(), AMQPValue::Boolean(true));
        client_properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
        let start_ok = connection::StartOk {
            client_properties,
            mechanism: mechanism.into(),
            response: response.into(),
            locale: "en_US".into(),
        };
        self.say(Side::Client, 0, connection_method(connection::AMQPMethod::StartOk(start_ok)));
    }

    fn tune(&mut self) {
        let offered = *self.rng.pick(&[131_072, 131_072, 8192, 0]);
        let tune = connection::Tune { channel_max: 2047, frame_max: offered, heartbeat: 60 };
        self.say(Side::Broker, 0, connection_method(connection::AMQPMethod::Tune(tune)));
        // A client may ask for less.
        let frame_max = if self.rng.chance(50) { 4096 } else { offered };
        let tune_ok = connection::TuneOk { channel_max: 2047, frame_max, heartbeat: 30 };
        self.say(Side::Client, 0, connection_method(connection::AMQPMethod::TuneOk(tune_ok)));
        let frame_max = if frame_max == 0 { 300_000 } else { frame_max as usize };
        self.payload_max = frame_max - frames::ENVELOPE;
    }
}

pub(super) fn connection_method(method: connection::AMQPMethod) -> AMQPClass {
    AMQPClass::Connection(method)
}

fn properties(entries: &[(&str, &str)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, text) in entries {
        table.insert((*name).into(), AMQPValue::LongString((*text).into()));
    }
    table
}

/// AMQPLAIN's response: a table without its length.
fn login_table(user: &str, password: &str) -> Vec<u8> {
    let table = AMQPValue::FieldTable(properties(&[("LOGIN", user), ("PASSWORD", password)]));
    let written = gen_raw_value(&table)(amq_protocol::frame::WriteContext::from(Vec::new()));
    written.expect("memory takes everything").into_inner().0.split_off(4)
}
