//! A running hoptrail: the real program, its HTTP API and its command line.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use hoptrail::model::api::{CoverageReport, EventView, EventsPage, SourceCoverage, TapState};
use serde::de::DeserializeOwned;

use super::REPO;
use super::process::{self, Process};
use super::wait::{ensure, eventually};

/// How long it may take to end when it is asked to: its own deadlines, one after the other.
const STOP: Duration = Duration::from_secs(60);
/// Events of a page when all are read.
const PAGE: usize = 1000;

pub struct Hoptrail {
    pub url: String,
    process: Process,
    settings: Vec<(String, String)>,
    log: PathBuf,
    http: reqwest::Client,
}

/// An answer, whatever its status.
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub text: String,
}

/// `hoptrail COMMAND` with the project's configuration and these settings above it.
pub fn command(name: &str, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptrail"));
    command.args([name, "--config"]).arg(Path::new(REPO).join("config.toml"));
    for (key, value) in settings {
        command.args(["--set", &format!("{key}={value}")]);
    }
    command
}

impl Hoptrail {
    /// Starts it, and waits until it answers.
    pub fn start(dir: &Path, settings: Vec<(String, String)>) -> Hoptrail {
        let log = dir.join("log");
        let (process, url) = start(&log, &settings);
        Hoptrail { url, process, settings, log, http: reqwest::Client::new() }
    }

    /// Starts it again, with the same settings, after it was killed or stopped.
    pub fn restart(&mut self) {
        (self.process, self.url) = start(&self.log, &self.settings);
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM; how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait(STOP)
    }

    pub fn is_running(&mut self) -> bool {
        self.process.has_ended().is_none()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: response.status().as_u16(),
            content_type: content_type.unwrap_or_default(),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn api<T: DeserializeOwned>(&self, path: &str) -> T {
        let answer = self.get(&format!("/api/v1{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.text))
    }

    pub async fn coverage(&self) -> CoverageReport {
        self.api("/coverage").await
    }

    /// What it says of a source of its first virtual host.
    pub async fn source(&self, name: &str) -> SourceCoverage {
        let sources = self.coverage().await.sources;
        sources.into_iter().find(|entry| entry.source == name).unwrap_or_else(|| panic!("no source {name}"))
    }

    /// Waits until every source observes, or is known to be off.
    pub async fn wait_live(&self) {
        eventually("every source is live", async || {
            let sources = self.coverage().await.sources;
            let waiting = sources.iter().any(|entry| !matches!(entry.state, TapState::Live | TapState::Off));
            ensure(!waiting && !sources.is_empty(), || format!("{sources:?}"))
        })
        .await;
    }

    /// Every event of a search, oldest first, page by page.
    pub async fn events(&self, query: &str) -> Vec<EventView> {
        let mut events = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: EventsPage = self.api(&format!("/events?order=asc&limit={PAGE}{query}{cursor}")).await;
            events.extend(page.events);
            let Some(next) = page.next_cursor else { return events };
            cursor = format!("&cursor={next}");
        }
    }

    /// An event with its body.
    pub async fn event(&self, seq: u64) -> EventView {
        self.api(&format!("/events/{seq}")).await
    }

    /// Waits for events of a search, as many as said, or more.
    pub async fn wait_events(&self, query: &str, count: usize) -> Vec<EventView> {
        eventually(&format!("{count} events of {query}"), async || {
            let events = self.events(query).await;
            if events.len() >= count { Ok(events) } else { Err(format!("there are {}", events.len())) }
        })
        .await
    }

    /// Waits for a gap whose cause contains the text.
    pub async fn wait_gap(&self, text: &str) -> EventView {
        eventually(&format!("a gap by {text:?}"), async || {
            let gaps = self.events("&kind=gap").await;
            let found = gaps.iter().find(|event| event.gap.as_ref().is_some_and(|gap| gap.cause.contains(text)));
            found.cloned().ok_or_else(|| format!("{gaps:?}"))
        })
        .await
    }

    /// Waits for a topology event of this change whose detail contains the text.
    pub async fn wait_change(&self, change: &str, text: &str) -> EventView {
        eventually(&format!("{change} of {text:?}"), async || {
            let changes = self.events("&kind=topology").await;
            let found = changes.iter().find(|event| {
                let told = event.topology.as_ref().unwrap();
                told["change"] == change && told["detail"].as_str().unwrap().contains(text)
            });
            found
                .cloned()
                .ok_or_else(|| format!("{:?}", changes.iter().map(|event| &event.topology).collect::<Vec<_>>()))
        })
        .await
    }

    /// Asks it on the command line.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoptrail"));
        process::finished(command.args(arguments).args(["--url", &self.url]), STOP)
    }
}

impl Drop for Hoptrail {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            println!("hoptrail's log:\n{log}");
        }
    }
}

fn start(log: &Path, settings: &[(String, String)]) -> (Process, String) {
    let before = fs::metadata(log).map_or(0, |metadata| metadata.len());
    let file = || File::options().create(true).append(true).open(log).unwrap();
    let mut process = Process::start(command("run", settings).stdout(file()).stderr(file()));
    let started = std::time::Instant::now();
    loop {
        let text = fs::read(log).unwrap();
        let text = String::from_utf8_lossy(&text[usize::try_from(before).unwrap()..]).into_owned();
        let address = text.lines().find_map(|line| line.split(" http=").nth(1)?.split_once(' '));
        if let Some((address, _)) = address {
            return (process, format!("http://{address}"));
        }
        if let Some(status) = process.has_ended() {
            panic!("hoptrail ended with {status}: {text}");
        }
        assert!(started.elapsed() < STOP, "hoptrail does not say its address: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
