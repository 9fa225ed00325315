//! Recording on a real journal: the recorded events, the receipts, and the events after a restart.

use std::path::Path;

use crate::config::{self, Config};
use crate::journal::{News, Order, Reader};
use crate::live::Sources;
use crate::model::{Body, Event, Kind, Seq, Source, Str, Timestamp};

use super::*;

fn open(config: &Config) -> Result<Opened, OpenError> {
    super::open(config, Sources::default())
}

fn config(dir: &Path) -> Config {
    let journal = dir.join("journal");
    let flags = vec![
        ("journal.dir".to_owned(), journal.to_string_lossy().into_owned()),
        ("correlate.order_id".to_owned(), r#"[{ body = "$.orderId" }]"#.to_owned()),
        ("record.body_bytes_max".to_owned(), "64".to_owned()),
        ("record.queue_len_max".to_owned(), "16".to_owned()),
    ];
    config::load(None, [], &flags).expect("a valid configuration")
}

fn event(id: &str, body: &str) -> Event {
    let mut event = Event::new(Kind::Publish, Source::Binding, Timestamp::from_micros(1_795_219_200_000_000));
    event.vhost = Some("/".into());
    event.message_id = Some(id.into());
    event.body = Some(Body { len: body.len() as u64, data: body.into(), ..Body::default() });
    event
}

fn observation(id: &str) -> Observation {
    let origin: (Str, Source) = ("/".into(), Source::Binding);
    Observation { origin: Some(origin), ..Observation::new(event(id, "{}")) }
}

fn all(reader: &Reader) -> Vec<Event> {
    let range = Seq(0)..Seq(u64::MAX);
    reader.scan(range, Order::Ascending).collect::<Result<_, _>>().expect("a readable journal")
}

async fn end(recorder: &Recorder, writer: WriterHandle) {
    recorder.stop().await;
    assert!(tokio::task::spawn_blocking(|| writer.join()).await.expect("joined"), "the writer panicked");
}

#[tokio::test]
async fn an_event_is_correlated_masked_cut_and_numbered() {
    let dir = tempfile::tempdir().expect("a directory");
    let Opened { recorder, reader, writer, .. } = open(&config(dir.path())).expect("a new journal");
    let body = r#"{"orderId":"JW-7","email":"jane@example.com","note":"0123456789 0123456789 0123456789 0123456789"}"#;
    recorder.record(Observation::new(event("m-1", body))).await.expect("recorded");
    end(&recorder, writer).await;
    let events = all(&reader);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let stored = event.body.as_ref().expect("a body");
    assert_eq!((event.seq, event.order_id.as_deref()), (Seq(1), Some("JW-7")));
    assert!(event.fingerprint.is_some() && stored.digest != [0; 16]);
    assert!(stored.truncated && stored.data.len() <= 64 && stored.len == body.len() as u64);
    let text = String::from_utf8_lossy(&stored.data);
    assert!(text.contains("***") && !text.contains("jane@"), "{text}");
}

#[tokio::test]
async fn a_receipt_comes_when_the_event_is_durable() {
    let dir = tempfile::tempdir().expect("a directory");
    let Opened { recorder, reader, writer, .. } = open(&config(dir.path())).expect("a new journal");
    let watermark = Watermark::new();
    for tag in 1..=100 {
        let receipt = Some(Receipt { watermark: watermark.clone(), tag });
        recorder.record(Observation { receipt, ..observation(&format!("m-{tag}")) }).await.expect("recorded");
        // An event that is told to be durable can be read.
        assert!(reader.last_seq().0 >= watermark.durable());
    }
    assert_eq!(watermark.above(99).await, 100);
    assert_eq!(reader.last_seq(), Seq(100));
    assert_eq!(recorder.stats().recorded, [(Source::Binding, Kind::Publish, 100)]);
    end(&recorder, writer).await;
}

#[tokio::test]
async fn a_repetition_is_left_out_once_and_acknowledged_over_a_restart_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path());
    let Opened { recorder, writer, .. } = open(&config).expect("a new journal");
    recorder.record(observation("m-1")).await.expect("recorded");
    recorder.record(observation("m-2")).await.expect("recorded");
    end(&recorder, writer).await;
    let Opened { recorder, reader, writer, .. } = open(&config).expect("its own journal");
    let watermark = Watermark::new();
    for (tag, id) in [(1, "m-2"), (2, "m-2"), (3, "m-3")] {
        let receipt = Some(Receipt { watermark: watermark.clone(), tag });
        let again = Observation { receipt, maybe_repeated: true, ..observation(id) };
        recorder.record(again).await.expect("recorded");
    }
    assert_eq!(watermark.above(2).await, 3);
    assert_eq!(recorder.stats().repeated, 1);
    end(&recorder, writer).await;
    let ids: Vec<_> = all(&reader).iter().filter_map(|event| event.message_id.clone()).collect();
    assert_eq!(ids, ["m-1", "m-2", "m-2", "m-3"].map(Str::from));
}

#[tokio::test]
async fn how_far_a_source_is_recorded_survives_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path());
    let Opened { recorder, writer, .. } = open(&config).expect("a new journal");
    assert_eq!(recorder.mark("/", Source::Binding), None);
    recorder.record(observation("m-1")).await.expect("recorded");
    recorder.record(Observation::new(event("m-2", "{}"))).await.expect("recorded");
    end(&recorder, writer).await;
    let Opened { recorder, writer, .. } = open(&config).expect("its own journal");
    let mark = Mark { at: event("m-1", "{}").at };
    assert_eq!(recorder.mark("/", Source::Binding), Some(mark));
    assert_eq!(recorder.mark("other", Source::Binding), None);
    end(&recorder, writer).await;
}

#[tokio::test]
async fn what_follows_is_handed_every_commit_as_it_stands_in_the_journal() {
    let dir = tempfile::tempdir().expect("a directory");
    let Opened { recorder, reader, writer, .. } = open(&config(dir.path())).expect("a new journal");
    let (commits, mut handed_over) = (recorder.tail().subscribe(), Vec::new());
    for id in ["m-1", "m-2", "m-3", "m-4"] {
        let body = r#"{"orderId":"JW-7","email":"jane@example.com"}"#;
        recorder.record(Observation::new(event(id, body))).await.expect("recorded");
        commits.news().await;
        let Some(News::Commit(commit)) = commits.take() else { panic!("the commit of {id} is not offered") };
        assert!(
            commit.events().iter().all(|event| event.seq <= reader.last_seq()),
            "it is durable before it is offered"
        );
        handed_over.extend(commit.events().iter().cloned());
        commits.give_back(commit);
    }
    end(&recorder, writer).await;
    assert_eq!(commits.take(), None, "the end of recording is no commit");
    let mut recorded = all(&reader);
    recorded.iter_mut().flat_map(|event| &mut event.body).for_each(|body| body.data = Vec::new());
    assert_eq!((handed_over.len(), handed_over), (4, recorded), "all but the bytes of bodies");
}

#[tokio::test]
async fn after_the_end_nothing_is_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let Opened { recorder, reader, writer, .. } = open(&config(dir.path())).expect("a new journal");
    recorder.record(observation("m-1")).await.expect("recorded");
    end(&recorder, writer).await;
    assert!(matches!(recorder.record(observation("m-2")).await, Err(Stopped)));
    assert_eq!(reader.last_seq(), Seq(1));
}

#[tokio::test]
async fn a_journal_that_fails_stops_recording_and_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path());
    let Opened { recorder, reader, writer, .. } = open(&config).expect("a new journal");
    // A file stands in the place of the next partition's directory.
    std::fs::remove_dir_all(&config.journal.dir).expect("removed");
    std::fs::write(&config.journal.dir, "in the way").expect("written");
    let watermark = Watermark::new();
    let receipt = Some(Receipt { watermark: watermark.clone(), tag: 1 });
    recorder.record(Observation { receipt, ..observation("m-1") }).await.expect("queued");
    recorder.failed().await;
    assert!(recorder.stats().ended.is_some_and(|reason| reason.contains("cannot begin a partition")));
    assert_eq!((watermark.durable(), reader.last_seq()), (0, Seq(0)));
    assert!(tokio::task::spawn_blocking(|| writer.join()).await.expect("joined"));
    assert!(matches!(recorder.record(observation("m-2")).await, Err(Stopped)));
}

#[tokio::test]
async fn a_damaged_database_becomes_a_gap() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path());
    let Opened { recorder, writer, .. } = open(&config).expect("a new journal");
    recorder.record(observation("m-1")).await.expect("recorded");
    end(&recorder, writer).await;
    drop(recorder);
    let database = config.journal.dir.join(format!("{}-0001", event("m-1", "{}").at.date())).join("db");
    let mut bytes = std::fs::read(&database).expect("the database");
    bytes.iter_mut().step_by(53).for_each(|byte| *byte ^= 0x55);
    std::fs::write(&database, bytes).expect("written");
    let Opened { recorder, reader, writer, .. } = open(&config).expect("what is left");
    let events = all(&reader);
    let [gap] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((gap.kind, gap.seq, gap.gap.as_ref().and_then(|gap| gap.count)), (Kind::Gap, Seq(2), Some(1)));
    end(&recorder, writer).await;
}

#[tokio::test]
async fn a_session_is_made_ready_to_be_shown_as_it_will_be_recorded() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = config(dir.path());
    let rules = vec![("correlate.service".to_owned(), "[{ client_name = '^(Shop)' }]".to_owned())];
    config.correlate = config::load(None, [], &rules).expect("valid").correlate;
    let Opened { recorder, reader, writer, .. } = open(&config).expect("a new journal");
    let mut shown = Event::new(Kind::SessionOpen, Source::Proxy, event("", "").at);
    let name = Some("Shop of jane@example.com".into());
    shown.session = Some(crate::model::Session { client_name: name, ..crate::model::Session::default() });
    let opened = shown.clone();
    recorder.ready(&mut shown);
    assert_eq!(shown.service.as_deref(), Some("Shop"));
    recorder.record(Observation::new(opened)).await.expect("recorded");
    end(&recorder, writer).await;
    let [recorded] = all(&reader).try_into().expect("one event");
    assert_eq!((&recorded.service, &recorded.session), (&shown.service, &shown.session));
    let name = recorded.session.and_then(|session| session.client_name).expect("a name");
    assert!(name.starts_with("Shop of ***") && !name.contains("jane"), "{name}");
}

#[tokio::test]
async fn a_body_that_comes_again_is_stored_once_and_read_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let Opened { recorder, reader, writer, .. } = open(&config(dir.path())).expect("a new journal");
    let body = r#"{"orderId":"JW-7","email":"jane@example.com","note":"as long as what is kept, and a bit longer"}"#;
    for id in ["m-1", "m-1", "m-1"] {
        recorder.record(Observation::new(event(id, body))).await.expect("recorded");
    }
    recorder.record(Observation::new(event("m-4", "{}"))).await.expect("recorded");
    recorder.record(Observation::new(event("m-5", "{}"))).await.expect("recorded");
    end(&recorder, writer).await;
    let stored = |event: &Event| event.body.as_ref().map(|body| (body.same_as, body.data.len()));
    let expected = [(None, 64), (Some(Seq(1)), 0), (Some(Seq(1)), 0), (None, 2), (None, 2)];
    assert_eq!(all(&reader).iter().filter_map(stored).collect::<Vec<_>>(), expected);
    let first = reader.event(Seq(1)).expect("readable").and_then(|event| event.body);
    assert!(first.as_ref().is_some_and(|body| body.truncated && body.data.starts_with(br#"{"orderId":"JW-7""#)));
    assert_eq!(reader.event(Seq(3)).expect("readable").and_then(|event| event.body), first);
    drop(reader);
    // Nothing is known of it after a restart.
    let Opened { recorder, reader, writer, .. } = open(&config(dir.path())).expect("its own journal");
    recorder.record(Observation::new(event("m-1", body))).await.expect("recorded");
    end(&recorder, writer).await;
    assert_eq!(all(&reader).last().and_then(stored), Some((None, 64)));
}
