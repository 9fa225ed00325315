//! Thirty days: how long a journal of many sealed partitions takes to open, and how long the trail of an order that is
//! in all of them.

use std::time::Duration;

use hoptrail::journal::Writer;
use hoptrail::model::Str;

use super::Settings;
use super::figures::{self, ms};
use super::load::{Load, START_MICROS};
use super::look::trail;

const DAYS: u64 = 30;
const EVENTS_A_DAY: u64 = 100_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// An order that is heard of every day.
const LONG_ORDER: &str = "JW-EVERY-DAY";
const SETTLE_STEP: Duration = Duration::from_millis(20);

/// What a month took, in milliseconds.
pub struct Days {
    pub reopen_ms: f64,
    pub trail_ms: f64,
}

pub fn run(settings: &Settings) -> Days {
    let dir = settings.dir.join("days");
    let (mut writer, reader, _) = Writer::open(&dir).unwrap();
    let mut events = Vec::new();
    for day in 0..DAYS {
        let mut load = Load::new(EVENTS_A_DAY, START_MICROS + day as i64 * DAY_MICROS, "JD");
        let mut written = 0;
        while written < EVENTS_A_DAY {
            load.fill(&mut events, (EVENTS_A_DAY - written).min(settings.commit));
            if written == 0 {
                events[0].order_id = Some(LONG_ORDER.into());
            }
            written += events.len() as u64;
            writer.append(&mut events, &[]).unwrap();
        }
    }
    while !reader.is_settled() {
        std::thread::sleep(SETTLE_STEP);
    }
    drop((writer, reader));
    drop(figures::drop_cached(&dir));
    let started = hoptrail::clock::instant();
    let (_writer, reader, set_aside) = Writer::open(&dir).unwrap();
    let reopen_ms = ms(started.elapsed());
    assert_eq!((set_aside, reader.last_seq().0), (vec![], DAYS * EVENTS_A_DAY));
    let started = hoptrail::clock::instant();
    let order: Str = LONG_ORDER.into();
    assert_eq!(trail(&reader, &order) as u64, DAYS, "an order that is heard of every day");
    let days = Days { reopen_ms, trail_ms: ms(started.elapsed()) };
    println!("\n{DAYS} days of {EVENTS_A_DAY} events, nothing in the kernel's cache:");
    println!("  reopen           {:>9.0} ms\n  a trail over all {:>9.2} ms", days.reopen_ms, days.trail_ms);
    days
}
