//! Messages a second over a sliding window, from totals told now and then.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Timestamp;

/// Long enough to smooth batches, short enough to see that a client has stopped.
const WINDOW: Duration = Duration::from_secs(10);
/// Totals are kept at this distance, so at most twelve of them; nothing is measured over less time.
const STEP: Duration = Duration::from_secs(1);

/// Totals of messages published and delivered.
type Totals = (u64, u64);

/// Totals at moments within the window, and one from before it.
pub(super) struct Rate(VecDeque<(Timestamp, Totals)>);

impl Rate {
    /// Nothing has happened.
    pub(super) fn new(now: Timestamp) -> Self {
        Rate(VecDeque::from([(now, (0, 0))]))
    }

    /// Notes the totals at a moment.
    pub(super) fn note(&mut self, totals: Totals, now: Timestamp) {
        // A clock that was set back does not make the window longer.
        self.0.retain(|(at, _)| *at <= now);
        if self.0.back().is_none_or(|(at, _)| now.since(*at) >= STEP) {
            self.0.push_back((now, totals));
        }
        while self.0.get(1).is_some_and(|(at, _)| now.since(*at) >= WINDOW) {
            self.0.pop_front();
        }
    }

    /// Published and delivered a second, the totals now being these. What was told last holds until something is told
    /// again, so a session that stopped falls to zero within the window.
    pub(super) fn per_second(&self, (published, delivered): Totals, now: Timestamp) -> (f64, f64) {
        let before = self.0.iter().rev().find(|(at, _)| now.since(*at) >= WINDOW).or(self.0.front());
        let Some((at, (published_before, delivered_before))) = before else { return (0.0, 0.0) };
        let seconds = now.since(*at).clamp(STEP, WINDOW).as_secs_f64();
        let rate = |total: u64, before: &u64| total.saturating_sub(*before) as f64 / seconds;
        (rate(published, published_before), rate(delivered, delivered_before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_micros((seconds * 1e6) as i64)
    }

    #[test]
    fn a_steady_stream_has_its_rate_and_an_ended_one_falls_to_zero() {
        let mut rate = Rate::new(at(0.0));
        for tenth in 1..=300_u64 {
            rate.note((tenth * 10, tenth), at(tenth as f64 / 10.0));
            assert!(rate.0.len() <= 12, "{} totals are kept", rate.0.len());
        }
        assert_eq!(rate.per_second((3000, 300), at(30.0)), (100.0, 10.0));
        assert_eq!(rate.per_second((3000, 300), at(35.0)), (50.0, 5.0));
        assert_eq!(rate.per_second((3000, 300), at(40.0)), (0.0, 0.0));
    }

    #[test]
    fn a_burst_after_an_idle_hour_is_measured_over_the_window() {
        let mut rate = Rate::new(at(0.0));
        rate.note((500, 0), at(3600.0));
        assert_eq!(rate.per_second((500, 0), at(3600.0)), (50.0, 0.0));
    }

    #[test]
    fn the_first_moments_are_measured_over_a_second() {
        let mut rate = Rate::new(at(0.0));
        rate.note((100, 0), at(0.01));
        assert_eq!(rate.per_second((100, 0), at(0.01)), (100.0, 0.0));
        assert_eq!(rate.per_second((100, 0), at(4.0)), (25.0, 0.0));
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_nonsense() {
        let mut rate = Rate::new(at(100.0));
        rate.note((1000, 0), at(110.0));
        rate.note((1010, 0), at(50.0));
        rate.note((1030, 0), at(52.0));
        assert_eq!(rate.per_second((1030, 0), at(52.0)), (10.0, 0.0));
    }
}
