//! The broker and the ways to it. Everything runs from the first round to the last, so that memory and caches are those of
//! a long run, and ends when dropped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::client::{Client, Target};
use crate::haproxy::Haproxy;
use crate::recorded::Recorded;
use crate::support::{Broker, Hoptrail};

/// The vhost that is traced; the other ways use the broker's own, which is not.
const TRACED: &str = "traced";
/// How long a proxy may take until clients get through it.
const START_MAX: Duration = Duration::from_secs(20);

/// The ways from a client to the broker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Direct,
    Haproxy,
    Hoptrail,
    /// Direct, to a vhost that is traced. What it traces goes to one queue and is consumed by a client of this bench,
    /// without acknowledgements: what the broker itself has to do for its firehose, and the least that reads it.
    Firehose,
}

impl Way {
    pub const ALL: [Way; 4] = [Way::Direct, Way::Haproxy, Way::Hoptrail, Way::Firehose];

    pub fn name(self) -> &'static str {
        match self {
            Way::Direct => "direct",
            Way::Haproxy => "haproxy",
            Way::Hoptrail => "hoptrail",
            Way::Firehose => "firehose",
        }
    }
}

pub struct World {
    pub hoptrail: Hoptrail,
    pub recorded: Recorded,
    haproxy: Haproxy,
    through_hoptrail: SocketAddr,
    broker: Broker,
    broker_address: SocketAddr,
    pub broker_pid: u32,
    /// When the times in bodies begin.
    pub zero: Instant,
    /// The number of the next message.
    next: u64,
}

impl World {
    pub fn start(version: &str) -> World {
        let broker = Broker::start(version);
        for request in [
            &["add_vhost", TRACED][..],
            &["set_permissions", "-p", TRACED, "guest", ".*", ".*", ".*"],
            &["trace_on", "-p", TRACED],
        ] {
            broker.control(request);
        }
        let broker_pid = broker.control(&["eval", "list_to_integer(os:getpid())."]).trim().parse().unwrap();
        let broker_address = broker.address();
        let haproxy = Haproxy::start(free_address(), broker_address);
        wait_for("haproxy", haproxy.address);
        let through_hoptrail = free_address();
        let listen = through_hoptrail.to_string();
        let settings = [("proxy.enabled", "true"), ("proxy.listen", listen.as_str()), ("tap.enabled", "false")];
        let hoptrail = Hoptrail::start(&broker, &settings, 0);
        wait_for("hoptrail's proxy", through_hoptrail);
        let recorded = Recorded::begin(&hoptrail);
        let zero = hoptrail::clock::instant();
        World { hoptrail, recorded, haproxy, through_hoptrail, broker, broker_address, broker_pid, zero, next: 0 }
    }

    pub fn target(&self, way: Way) -> Target {
        let (address, vhost) = match way {
            Way::Direct => (self.broker_address, "/"),
            Way::Haproxy => (self.haproxy.address, "/"),
            Way::Hoptrail => (self.through_hoptrail, "/"),
            Way::Firehose => (self.broker_address, TRACED),
        };
        Target { address, vhost }
    }

    /// The same vhost without anything between.
    pub fn beside(&self, way: Way) -> Target {
        Target { address: self.broker_address, ..self.target(way) }
    }

    /// The process between client and broker.
    pub fn between(&self, way: Way) -> Option<u32> {
        match way {
            Way::Direct | Way::Firehose => None,
            Way::Haproxy => Some(self.haproxy.pid()),
            Way::Hoptrail => Some(self.hoptrail.pid()),
        }
    }

    /// The first of so many numbers for messages that nobody else gets. An order begins with it.
    pub fn numbers(&mut self, count: u64) -> u64 {
        let first = self.next;
        self.next += count.next_multiple_of(8);
        first
    }

    /// What the broker is.
    pub fn version(&self) -> String {
        self.broker.version()
    }
}

/// An address that nobody listens at.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until a session through a proxy works.
fn wait_for(name: &str, address: SocketAddr) {
    let started = hoptrail::clock::instant();
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return Client::log_in(stream, "/", "bench").close(),
            Err(error) => {
                assert!(started.elapsed() < START_MAX, "{name} does not listen at {address}: {error}");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
