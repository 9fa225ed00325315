//! A consumer: counts deliveries, sees that they are complete and in order, and acknowledges.

use std::time::Instant;

use crate::client::{Client, Target, read, refuse};
use crate::frames::{BODY, Frame, HEADER, METHOD, Method, Writer};
use crate::orders::{TIME_ZERO, number, time};
use crate::workload::Acks;

/// Deliveries that may await their acknowledgement.
const PREFETCH: u16 = 1000;

const QOS: Method = (60, 10);
const QOS_OK: Method = (60, 11);
const CONSUME: Method = (60, 20);
const CONSUME_OK: Method = (60, 21);
const DELIVER: Method = (60, 60);
const ACK: Method = (60, 80);

/// What is to be found in the deliveries.
#[derive(Clone, Copy)]
pub enum Content {
    /// Orders, numbered from this one on.
    Orders { first: u64 },
    /// The broker's traces of other messages.
    Traces,
}

pub struct Consumer {
    client: Client,
    acks: Acks,
    delivered: u64,
    acknowledged: u64,
    requests: Vec<u8>,
    /// Microseconds from a message's publish to its delivery.
    pub latencies: Vec<u32>,
}

impl Consumer {
    pub fn open(target: &Target, queue: &str, acks: Acks) -> Consumer {
        let mut client = Client::open(target, "MES bench");
        if acks != Acks::None {
            client.call(Writer::method(QOS).long(0).short(PREFETCH).octet(0), QOS_OK);
        }
        let no_ack = u8::from(acks == Acks::None) << 1;
        let consume = Writer::method(CONSUME).short(0).text(queue).text("bench").octet(no_ack).table(&[]);
        client.call(consume, CONSUME_OK);
        Consumer { client, acks, delivered: 0, acknowledged: 0, requests: Vec::new(), latencies: Vec::new() }
    }

    /// Takes so many deliveries. Latencies are noted if `zero`, when times begin, is given.
    pub fn run(&mut self, count: u64, content: Content, zero: Option<Instant>) {
        let wanted = self.delivered + count;
        while self.delivered < wanted {
            read(&mut self.client.inbox, &mut self.client.stream);
            let now = zero.map(|zero| TIME_ZERO + u64::try_from(zero.elapsed().as_micros()).unwrap());
            while let Some(frame) = self.client.inbox.next() {
                match (frame.kind, content) {
                    (METHOD, _) if frame.method() == Some(DELIVER) => continue,
                    (HEADER, Content::Orders { first }) => {
                        let expected = first + self.delivered + count - wanted;
                        assert_eq!(number(frame.payload), expected, "another message was expected");
                        continue;
                    }
                    (HEADER, Content::Traces) => continue,
                    (BODY, _) => {}
                    _ => {
                        refuse(&frame);
                        continue;
                    }
                }
                self.latencies.extend(now.map(|now| latency(&frame, now)));
                self.delivered += 1;
                if let Acks::Every(every) = self.acks
                    && (self.delivered - self.acknowledged == every || self.delivered == wanted)
                {
                    let ack = Writer::method(ACK).longlong(self.delivered).octet(u8::from(every > 1));
                    self.requests.extend(ack.frame(METHOD, crate::client::CHANNEL));
                    self.acknowledged = self.delivered;
                }
            }
            if !self.requests.is_empty() {
                self.client.send(&self.requests);
                self.requests.clear();
            }
        }
    }

    pub fn close(self) {
        self.client.close();
    }
}

fn latency(body: &Frame<'_>, now: u64) -> u32 {
    u32::try_from(now.saturating_sub(time(body.payload))).unwrap()
}
