//! What is sent, and how it is acknowledged.

/// How the consumer acknowledges. Publishes are confirmed where deliveries are acknowledged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// No confirms, and `no_ack` on the consumer.
    None,
    /// One acknowledgement for so many deliveries.
    Every(u64),
}

pub struct Workload {
    pub name: &'static str,
    pub body_bytes: usize,
    /// So many connections publish, and as many consume; each pair has its queue.
    pub connections: u64,
    pub acks: Acks,
}

const MANY: u64 = 100;
const ACKS: Acks = Acks::Every(100);

/// The first is the one whose figures stand at the top level of the result.
pub const WORKLOADS: [Workload; 13] = [
    Workload { name: "1kB-acks", body_bytes: 1000, connections: 1, acks: ACKS },
    Workload { name: "1kB-oneway", body_bytes: 1000, connections: 1, acks: Acks::None },
    Workload { name: "1kB-single-acks", body_bytes: 1000, connections: 1, acks: Acks::Every(1) },
    Workload { name: "1kB-acks-100", body_bytes: 1000, connections: MANY, acks: ACKS },
    Workload { name: "1kB-oneway-100", body_bytes: 1000, connections: MANY, acks: Acks::None },
    Workload { name: "64kB-acks", body_bytes: 64_000, connections: 1, acks: ACKS },
    Workload { name: "64kB-oneway", body_bytes: 64_000, connections: 1, acks: Acks::None },
    Workload { name: "64kB-acks-100", body_bytes: 64_000, connections: MANY, acks: ACKS },
    Workload { name: "64kB-oneway-100", body_bytes: 64_000, connections: MANY, acks: Acks::None },
    Workload { name: "100B-acks", body_bytes: 100, connections: 1, acks: ACKS },
    Workload { name: "100B-oneway", body_bytes: 100, connections: 1, acks: Acks::None },
    Workload { name: "100B-acks-100", body_bytes: 100, connections: MANY, acks: ACKS },
    Workload { name: "100B-oneway-100", body_bytes: 100, connections: MANY, acks: Acks::None },
];

impl Workload {
    /// Messages of one connection in a round, of the messages that a round of 1 kB has: of large ones fewer, so that
    /// rounds take about as long, and the queue of a broker that is ahead of its consumer stays in its memory.
    pub fn messages_each(&self, messages: u64) -> u64 {
        let messages = if self.body_bytes > 10_000 { messages / 5 } else { messages };
        (messages / self.connections).max(1)
    }
}
