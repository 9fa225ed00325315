//! Sentences by example.

use super::*;

fn check(events: impl IntoIterator<Item = Event>, seconds: i64, state: State, verdict: &str) {
    let trail = trail_of(message(), &journal(events), &OutOfSight::default(), seconds);
    assert_eq!((trail.verdict.state(), headline(&trail.verdict).as_str()), (state, verdict));
}

#[test]
fn every_state_has_a_plain_sentence() {
    let sent = || publish("work", "k", &["q"]);
    let mut lost = publish("work", "k", &[]);
    lost.kind = Kind::Unroutable;
    let text = "On its way: the message has been waiting in queue q for 1 s; the limit is 10 min.";
    check([sent()], 2, State::InFlight, text);
    let text = "The message has been waiting in queue q for 11 min; the limit is 10 min.";
    check([sent()], 661, State::Stalled, text);
    let text = "A consumer took the message from queue q on 21 Nov 2026, 02:00:02 UTC.";
    check([sent(), deliver("work", "k", "q")], 9, State::Completed, text);
    let text =
        "Queue q was full (maxlen) and gave up the message on 21 Nov 2026, 02:00:02 UTC. Nobody has taken it since.";
    check([sent(), death("q", "maxlen", 1, ("work", "k"), ("dlx", "k"))], 9, State::DeadLettered, text);
    let text = "A publisher sent the message to exchange work on 21 Nov 2026, 02:00:01 UTC, and no queue took it: it was \
                lost.";
    check([lost], 9, State::Unroutable, text);
    let text =
        "Not known: a publisher sent the message on 21 Nov 2026, 02:00:01 UTC; which queues took it was not observed.";
    check([by(Source::Binding, publish("work", "k", &[]))], 9, State::Unknown, text);
}
