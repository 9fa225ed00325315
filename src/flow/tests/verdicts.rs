//! Sentences by example.

use super::*;

fn check(events: impl IntoIterator<Item = Event>, seconds: i64, state: State, verdict: &str) {
    let trail = trail_of(message(), &journal(events), &OutOfSight::default(), seconds);
    assert_eq!((trail.state, trail.verdict.as_str()), (state, verdict));
}

#[test]
fn every_state_has_a_plain_sentence() {
    let sent = || publish("work", "k", &["q"]);
    let mut lost = publish("work", "k", &[]);
    lost.kind = Kind::Unroutable;
    let what = "message m-1, published to exchange work with key k at 2026-11-21 02:00:01,";
    check([sent()], 2, State::InFlight, &format!("In flight: {what} waits in q."));
    let late =
        format!("Stalled: queue q has not delivered {what} since 2026-11-21 02:00:01, for 11m; 10m is the limit.");
    check([sent()], 661, State::Stalled, &late);
    let taken = format!("Delivered: {what} was taken by a consumer from q at 2026-11-21 02:00:02.");
    check([sent(), deliver("work", "k", "q")], 9, State::Completed, &taken);
    let dead = format!(
        "Dead-lettered: queue q gave up {what} at 2026-11-21 02:00:02 because the queue was full (maxlen); \
         it went to exchange dlx, and nobody has taken it since."
    );
    check([sent(), death("q", "maxlen", 1, ("work", "k"), ("dlx", "k"))], 9, State::DeadLettered, &dead);
    let what = what.trim_end_matches(',');
    let text = format!("Unroutable: no queue took {what}; it was lost at 2026-11-21 02:00:01.");
    check([lost], 9, State::Unroutable, &text);
    let text = format!("Unknown: {what} was seen, and not what became of it.");
    check([by(Source::Binding, publish("work", "k", &[]))], 9, State::Unknown, &text);
}
