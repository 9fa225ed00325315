//! A running hoptrail: the real program, its HTTP API and its command line.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use hoptrail::model::api::{CoverageReport, EventView, EventsPage, SourceCoverage, SourceState};
use serde::de::DeserializeOwned;

use super::REPO;
use super::process::{self, Process};
use super::wait::{ensure, eventually};

/// How long it may take to end when it is asked to: its own deadlines, one after the other.
const STOP: Duration = Duration::from_secs(60);
/// How long it may take to read a journal of some hundred partitions twice.
const EXAMINE: Duration = Duration::from_secs(600);
/// Events of a page when all are read.
const PAGE: usize = 1000;

pub struct Hoptrail {
    pub url: String,
    process: Process,
    launcher: Launcher,
    settings: Vec<(String, String)>,
    log: PathBuf,
    /// Where in the log the present process began.
    log_from: usize,
    http: reqwest::Client,
}

/// An answer, whatever its status.
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    /// The path of the next page, where there is one.
    pub next: Option<String>,
    /// What is left out of it.
    pub warning: Option<String>,
    pub text: String,
}

/// In what surroundings the program is started.
#[derive(Clone, Default)]
pub struct Launcher {
    /// A program that becomes hoptrail, and its arguments.
    pub through: Vec<OsString>,
    pub environment: Vec<(&'static str, OsString)>,
}

/// `hoptrail COMMAND` with the project's configuration and these settings above it.
pub fn command(name: &str, settings: &[(String, String)]) -> Command {
    Launcher::default().command(name, settings)
}

impl Launcher {
    fn command(&self, name: &str, settings: &[(String, String)]) -> Command {
        let mut words = self.through.iter().cloned().chain([binary().into_os_string()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).envs(self.environment.iter().cloned());
        command.args([name, "--config"]).arg(Path::new(REPO).join("config.toml"));
        for (key, value) in settings {
            command.args(["--set", &format!("{key}={value}")]);
        }
        command
    }
}

/// The program under test: `HOPTRAIL_TEST_BINARY`, or what Cargo has built for the tests.
fn binary() -> PathBuf {
    std::env::var_os("HOPTRAIL_TEST_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_hoptrail").into(), PathBuf::from)
}

impl Hoptrail {
    /// Starts it, and waits until it answers.
    pub fn start(dir: &Path, settings: Vec<(String, String)>) -> Hoptrail {
        Self::launch(Launcher::default(), dir, settings)
    }

    /// The same in other surroundings.
    pub fn launch(launcher: Launcher, dir: &Path, settings: Vec<(String, String)>) -> Hoptrail {
        let log = dir.join("log");
        let (process, log_from) = spawn(&log, &launcher, &settings);
        let http = reqwest::Client::new();
        let mut hoptrail = Hoptrail { url: String::new(), process, launcher, settings, log, log_from, http };
        hoptrail.wait_serving().unwrap_or_else(|problem| panic!("{problem}"));
        hoptrail
    }

    /// Starts it again, with the same settings, after it was killed or stopped.
    pub fn restart(&mut self) {
        self.spawn();
        self.wait_serving().unwrap_or_else(|problem| panic!("{problem}"));
    }

    /// Starts it again, and does not wait.
    pub fn spawn(&mut self) {
        (self.process, self.log_from) = spawn(&self.log, &self.launcher, &self.settings);
    }

    /// Waits until it answers; what it said when it opened the journal. `Err`: it ended, or takes too long.
    pub fn wait_serving(&mut self) -> Result<Serving, String> {
        let started = std::time::Instant::now();
        loop {
            let text = self.log_of_this_start();
            let line = text.lines().find(|line| line.contains(" http="));
            if let Some(serving) = line.and_then(Serving::read) {
                self.url = format!("http://{}", serving.address);
                return Ok(serving);
            }
            if let Some(status) = self.process.has_ended() {
                return Err(format!("hoptrail ended with {status}: {text}"));
            }
            if started.elapsed() > STOP {
                return Err(format!("hoptrail does not say its address: {text}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGKILL; how it ended, which is otherwise where it had ended before.
    pub fn kill(&mut self) -> ExitStatus {
        self.process.kill()
    }

    /// SIGTERM; how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.wait_end()
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// How it ended, which it must soon.
    pub fn wait_end(&mut self) -> ExitStatus {
        self.process.wait(STOP)
    }

    pub fn is_running(&mut self) -> bool {
        self.process.has_ended().is_none()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// What it has logged since it was started last.
    pub fn log_of_this_start(&self) -> String {
        let log = fs::read(&self.log).unwrap();
        String::from_utf8_lossy(&log[self.log_from..]).into_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: response.status().as_u16(),
            content_type: header("content-type").unwrap_or_default(),
            warning: header("hoptrail-warning"),
            next: header("link").and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned())),
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

    /// One of its figures, where it has no labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.text;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("hoptrail has no figure {name}")).parse().unwrap()
    }

    /// The most memory that it has had, in bytes.
    pub fn memory_peak(&self) -> u64 {
        self.process.memory_peak()
    }

    /// Its open files and sockets.
    pub fn descriptors(&self) -> usize {
        self.process.descriptors()
    }

    /// What it says of a source of its first virtual host.
    pub async fn source(&self, name: &str) -> SourceCoverage {
        let sources = self.coverage().await.sources;
        sources.into_iter().find(|entry| entry.source.as_ref() == name).unwrap_or_else(|| panic!("no source {name}"))
    }

    /// Waits until every source observes, or is known to be off.
    pub async fn wait_live(&self) {
        eventually("every source is live", async || {
            let sources = self.coverage().await.sources;
            let waiting = sources.iter().any(|entry| !matches!(entry.state, SourceState::Live | SourceState::Off));
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
                &*told.change == change && told.detail.contains(text)
            });
            found
                .cloned()
                .ok_or_else(|| format!("{:?}", changes.iter().map(|event| &event.topology).collect::<Vec<_>>()))
        })
        .await
    }

    /// `hoptrail journal check` on a journal that nobody has open.
    pub fn examine(journal: &Path) -> Output {
        let mut command = Command::new(binary());
        process::finished(command.args(["journal", "check", "--dir"]).arg(journal), EXAMINE)
    }

    /// Asks it on the command line.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary());
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

/// Starts the process; where its log begins.
fn spawn(log: &Path, launcher: &Launcher, settings: &[(String, String)]) -> (Process, usize) {
    let from = fs::metadata(log).map_or(0, |metadata| metadata.len());
    let file = || File::options().create(true).append(true).open(log).unwrap();
    let process = Process::start(launcher.command("run", settings).stdout(file()).stderr(file()));
    (process, usize::try_from(from).unwrap())
}

/// What the line says that hoptrail logs when it runs.
pub struct Serving {
    address: String,
    /// The newest event in the journal.
    pub seq: u64,
}

impl Serving {
    fn read(line: &str) -> Option<Serving> {
        let field = |name: &str| line.split(name).nth(1)?.split_whitespace().next();
        Some(Serving { address: field(" http=")?.to_owned(), seq: field(" seq=")?.parse().ok()? })
    }
}
