//! What people get wrong at the start: each ends in one clear message, and nothing else breaks.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use hoptrail::model::api::SourceState;

use crate::support::hoptrail::{self as program, Hoptrail};
use crate::support::process::finished;
use crate::support::wait::ensure;
use crate::support::{Scene, eventually, on_each_broker};

/// Errors at the start come at once; a connection attempt may take ten seconds.
const DEADLINE: Duration = Duration::from_secs(60);

type Settings = Vec<(String, String)>;

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Without a broker.
fn alone(dir: &Path, more: &[(&str, &str)]) -> Settings {
    let journal = dir.join("journal").display().to_string();
    let mut all = settings(&[("tap.enabled", "false"), ("serve.listen", "127.0.0.1:0"), ("journal.dir", &journal)]);
    all.extend(settings(more));
    all
}

fn run(command: &str, settings: &Settings, more: &[&str]) -> Output {
    finished(program::command(command, settings).args(more), DEADLINE)
}

/// It ended with this code, and said one thing.
fn assert_says(output: &Output, code: i32, texts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("hoptrail: "), "{said}");
    for text in texts {
        assert!(said.contains(text), "{text:?} is missing: {said}");
    }
}

#[test]
fn a_wrong_url_is_a_configuration_error_that_shows_no_password() {
    let dir = tempfile::tempdir().unwrap();
    for url in ["amqp:/guest:hunter2@localhost", "http://guest:hunter2@localhost", "guest:hunter2"] {
        let output = run("run", &alone(dir.path(), &[("broker.url", url)]), &[]);
        assert_eq!(output.status.code(), Some(78), "{url}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("broker.url") && said.contains("amqp://user:password@host:port/vhost"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run("run", &alone(dir.path(), &[("serve.listen", &address)]), &[]);
    assert_says(&output, 1, &["cannot listen on", &address, "serve.listen"]);
    assert!(!dir.path().join("journal").exists(), "nothing was opened before");
}

#[test]
fn a_journal_directory_that_cannot_be_used_is_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    fs::write(&journal, "a file").unwrap();
    assert_says(&run("run", &alone(dir.path(), &[]), &[]), 1, &["cannot use the journal directory"]);
    assert_eq!(fs::read(&journal).unwrap(), b"a file");

    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    fs::write(journal.join("letter.txt"), "mine").unwrap();
    assert_says(&run("run", &alone(dir.path(), &[]), &[]), 1, &["is not a journal", "letter.txt", "journal.dir"]);

    fs::remove_file(journal.join("letter.txt")).unwrap();
    fs::write(journal.join("journal.json"), r#"{"format": 99, "id": "x"}"#).unwrap();
    assert_says(&run("run", &alone(dir.path(), &[]), &[]), 1, &["has format 99", "run the newer version"]);
    assert_says(&run("check", &alone(dir.path(), &[]), &[]), 1, &["has format 99"]);
}

#[test]
fn a_second_hoptrail_on_the_same_journal_ends_and_the_first_goes_on() {
    ::hoptrail::web::install_tls();
    let dir = tempfile::tempdir().unwrap();
    let mut first = Hoptrail::start(dir.path(), alone(dir.path(), &[]));
    let second = run("run", &alone(dir.path(), &[]), &[]);
    assert_says(&second, 1, &["is in use by another hoptrail", "journal.dir"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert_eq!(runtime.block_on(first.get("/livez")).status, 200);
    assert!(first.stop().success());
}

#[test]
fn check_tells_all_wrong_settings_at_once_by_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = [
        ("tap.prefetch", "0"),
        ("tap.instance", "a b"),
        ("broker.url", "nonsense"),
        ("serve.listen", "here"),
        ("flow.undelivered_afer", "5m"),
        ("correlate.order_id", r#"[{ routing_key = "(" }]"#),
    ];
    for command in ["check", "run"] {
        let output = run(command, &alone(dir.path(), &wrong), &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{said}");
        for (key, _) in wrong {
            assert!(said.contains(key), "{key} is missing: {said}");
        }
        assert!(output.stdout.is_empty());
    }
    assert!(!dir.path().join("journal").exists());
}

#[test]
fn check_tells_what_of_the_surroundings_is_wrong_unless_it_is_not_asked() {
    on_each_broker(async |scene: Scene| {
        let right = scene.settings();
        let output = run("check", &right, &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!scene.dir().join("journal").join("lock").exists(), "a check leaves nothing behind");

        let used = scene.dir().join("used");
        fs::create_dir(&used).unwrap();
        fs::write(used.join("letter.txt"), "mine").unwrap();
        let mut wrong = right;
        wrong.extend(settings(&[
            ("broker.url", &scene.url().replace("guest:guest", "guest:wrong")),
            ("journal.dir", used.to_str().unwrap()),
        ]));
        let output = run("check", &wrong, &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.lines().count(), 3, "{said}");
        for text in ["is not a journal", "the management API at", "refused the user \"guest\""] {
            assert!(said.contains(text), "{text:?} is missing: {said}");
        }
        assert!(!said.contains("guest:wrong"), "{said}");
        let output = run("check", &wrong, &["--no-environment"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "the configuration is valid\n");
    });
}

#[test]
fn a_wrong_password_or_vhost_is_told_once_and_observed_as_soon_as_it_is_right() {
    on_each_broker(async |scene: Scene| {
        let missing = format!("{}-missing", scene.vhost);
        let cases = [
            (scene.url().replace("guest:guest", "guest:wrong"), "refused the user \"guest\""),
            (format!("{}-missing", scene.url()), "cannot enter the vhost"),
        ];
        for (url, text) in cases {
            let password = ("broker.management_password", "guest");
            let mut hoptrail = scene.hoptrail_starting(&[("broker.url", &url), password]);
            eventually(text, async || {
                let sources = hoptrail.coverage().await.sources;
                let failed = sources.iter().filter(|source| source.state == SourceState::Failed);
                let told = failed.filter(|source| source.problems.iter().any(|problem| problem.contains(text))).count();
                ensure(!sources.is_empty() && told == sources.len(), || format!("{sources:?}"))
            })
            .await;
            assert_eq!(hoptrail.get("/livez").await.status, 200);
            assert_eq!(hoptrail.get("/readyz").await.status, 503);
            if text.contains("vhost") {
                scene.put(&format!("vhosts/{missing}"), serde_json::json!({})).await;
                hoptrail.wait_live().await;
            }
            let log = hoptrail.log().replace("\\\"", "\"");
            let errors = log.lines().filter(|line| line.contains("ERROR") && line.contains(text)).collect::<Vec<_>>();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(!log.contains("guest:wrong"), "{log}");
            assert_eq!(hoptrail.stop().code(), Some(0));
        }
    });
}

#[test]
fn without_the_management_plugin_named_exchanges_are_observed_and_the_rest_is_told() {
    on_each_broker(async |scene: Scene| {
        scene.exchange("orders", "topic").await;
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let management = format!("http://{closed}");
        let hoptrail =
            scene.hoptrail(&[("broker.management_url", &management), ("tap.exchanges", "[\"orders\"]")]).await;
        let source = hoptrail.source("binding").await;
        let told = source.problems.iter().any(|problem| problem.contains("switch the plugin rabbitmq_management on"));
        assert!(told, "{source:?}");
        let firehose = hoptrail.source("firehose").await;
        assert!(
            firehose.problems.iter().any(|problem| problem.contains("tracing is not known to be on")),
            "{firehose:?}"
        );
        scene.client().await.publish("orders", "k", "named", "ring").await;
        hoptrail.wait_events("&source=binding&message_id=named", 1).await;
    });
}
