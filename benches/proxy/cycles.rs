//! Sessions that come and go through hoptrail: connect, open a channel, publish once, close. Its memory may not grow.

use serde_json::{Value, json};

use crate::client::{Client, Target};
use crate::figures::{resident_mb, rounded};
use crate::frames::Writer;
use crate::orders::{EXCHANGE, Orders};
use crate::world::{Way, World};

/// Sessions at a time.
const AT_A_TIME: u64 = 4;
/// How often hoptrail's memory is looked at.
const LOOKS: u64 = 10;
const KEY: &str = "order.bench.cycle";
const BODY_BYTES: usize = 1000;

/// What came of it: resident memory before, after each tenth, and after.
pub struct Cycles {
    cycles: u64,
    resident_mb: Vec<f64>,
}

/// Plays so many cycles.
pub fn run(world: &mut World, cycles: u64) -> Cycles {
    let part = (cycles / LOOKS / AT_A_TIME).max(1) * AT_A_TIME;
    println!("cycles: {} sessions, {AT_A_TIME} at a time", part * LOOKS);
    let mut beside = Client::open(&world.target(Way::Direct), "bench");
    // Nothing is bound: the broker drops what is published, and its memory does not matter here.
    let exchange = Writer::method((40, 10)).short(0).text(EXCHANGE).text("topic").octet(0).table(&[]);
    beside.call(exchange, (40, 11));
    beside.close();
    let pid = world.hoptrail.pid();
    let mut seen = vec![resident_mb(pid)[0]];
    for _ in 0..LOOKS {
        let first = world.numbers(part);
        let started = hoptrail::clock::instant();
        play(world.target(Way::Hoptrail), first, part);
        let ended = hoptrail::clock::instant();
        world.recorded.expect(&world.hoptrail, [part, 0, 0, 0], ended);
        seen.push(resident_mb(pid)[0]);
        let per_s = part as f64 / (ended - started).as_secs_f64();
        println!("  {per_s:.0}/s, hoptrail's resident memory {:.1} MB", seen[seen.len() - 1]);
    }
    let cycles = Cycles { cycles: part * LOOKS, resident_mb: seen };
    println!("  {:.1} MB before, {:.1} MB after", cycles.resident_mb[0], cycles.last());
    cycles
}

fn play(target: Target, first: u64, count: u64) {
    std::thread::scope(|scope| {
        for thread in 0..AT_A_TIME {
            scope.spawn(move || {
                let mut orders = Orders::new(KEY, BODY_BYTES);
                let each = count / AT_A_TIME;
                for number in first + thread * each..first + (thread + 1) * each {
                    let mut client = Client::open(&target, "Shop cycle");
                    orders.send(&mut client, number..number + 1, crate::orders::TIME_ZERO);
                    client.close();
                }
            });
        }
    });
}

impl Cycles {
    fn last(&self) -> f64 {
        self.resident_mb[self.resident_mb.len() - 1]
    }

    pub fn json(&self) -> Value {
        json!({
            "cycles": self.cycles,
            "rss_mb_before": rounded(self.resident_mb[0]),
            "rss_mb_after_a_tenth": rounded(self.resident_mb[1]),
            "rss_mb_after": rounded(self.last()),
        })
    }
}
