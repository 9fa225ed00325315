//! Questions that cannot be answered.

use serde_json::Value;

use crate::support::hoptrail::Hoptrail;

#[test]
fn what_cannot_be_answered_is_a_problem_document() {
    hoptrail::web::install_tls();
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal").display().to_string();
    let settings = [("tap.enabled", "false"), ("serve.listen", "127.0.0.1:0"), ("journal.dir", &*journal)];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let mut hoptrail = Hoptrail::start(dir.path(), settings);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut check = |path: &str, status: u16, type_: &str, detail: &str| {
        let answer = runtime.block_on(hoptrail.get(path));
        assert_eq!((answer.status, &*answer.content_type), (status, "application/problem+json"), "{path}");
        let problem: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!((&problem["type"], &problem["status"]), (&type_.into(), &status.into()), "{path}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{path}: {problem}");
        assert!(hoptrail.is_running());
    };
    check("/api/v1/nothing", 404, "/problems/unknown-route", "there is nothing at /api/v1/nothing");
    check("/", 404, "/problems/unknown-route", "the API begins at /api/v1");
    check("/api/v1/events?cursor=nonsense", 400, "/problems/bad-cursor", "is not one that hoptrail gave out");
    check("/api/v1/events?cursor=AQAAAAAAAAAFAAAAAAAAAAA", 400, "/problems/bad-cursor", "belongs to another search");
    check("/api/v1/events?kind=nonsense", 400, "/problems/bad-query", "kind");
    check("/api/v1/events?knd=publish", 400, "/problems/bad-query", "is not a parameter of this route");
    check("/api/v1/events?limit=0", 400, "/problems/bad-query", "limit: 0 is not between 1 and");
    check("/api/v1/events?from=yesterday", 400, "/problems/bad-query", "from");
    check("/api/v1/events?from=now&to=now-1h", 400, "/problems/bad-query", "is later than to");
    check("/api/v1/events/one", 400, "/problems/bad-id", "is not the number of an event");
    check("/api/v1/events/18446744073709551615", 404, "/problems/not-found", "is not in the journal");
    check("/api/v1/orders/unknown", 404, "/problems/not-found", "unknown");
    check("/api/v1/messages/unknown", 404, "/problems/not-found", "unknown");
    check("/api/v1/orders/%ff", 400, "/problems/bad-id", "UTF-8");
    check("/api/v1/stalled?what=everything", 400, "/problems/bad-query", "what");
    check("/api/v1/dead-letters?group_by=moon", 400, "/problems/bad-query", "group_by");
}
