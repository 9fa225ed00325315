//! hoptrail in this process, over a copy of a recorded day, with a clock that stands still.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hoptrail::app::{App, Running};
use hoptrail::{clock, config};
use reqwest::Method;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{REPO, eventually, wait::ensure};

/// When every question is asked: minutes after the recorded days, while their spikes fire.
const NOW: &str = "2026-11-29T01:19:00Z";
const UNPACKED_BYTES_MAX: usize = 64 << 20;

/// A copy of a recorded journal that nobody has open.
pub fn unpack(archive: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let packed = fs::read(Path::new(REPO).join("fixtures").join(archive)).unwrap();
    let tar = zstd::bulk::decompress(&packed, UNPACKED_BYTES_MAX).unwrap();
    let mut command = Command::new("tar");
    let mut unpacking = command.args(["-xf", "-", "-C"]).arg(dir.path()).stdin(Stdio::piped()).spawn().unwrap();
    unpacking.stdin.take().unwrap().write_all(&tar).unwrap();
    assert!(unpacking.wait().unwrap().success());
    dir
}

/// A running hoptrail, and where it answers.
pub struct Stage {
    pub url: String,
    runtime: Runtime,
    running: Option<Running>,
    http: reqwest::Client,
    _dir: TempDir,
}

impl Stage {
    /// Opens the journal in `dir`, which may be none yet, under the project's configuration and these settings.
    pub fn open(dir: TempDir, settings: &[(&str, &str)]) -> Stage {
        hoptrail::web::install_tls();
        clock::stop_at(NOW.parse().unwrap());
        let journal = dir.path().join("journal").display().to_string();
        let own = [
            ("journal.dir", &*journal),
            ("journal.min_free", "0B"),
            // However full this machine's disk is.
            ("journal.retention.high_water", "1.0"),
            ("serve.listen", "127.0.0.1:0"),
            ("tap.enabled", "false"),
        ];
        let all = own.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let config = config::load(Some(&PathBuf::from(REPO).join("config.toml")), [], &all).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (running, address) = runtime.block_on(async {
            let app = App::open(config).await.unwrap();
            let address = app.http_address().unwrap();
            (app.start(), address)
        });
        let url = format!("http://{address}");
        let stage = Stage { url, runtime, running: Some(running), http: reqwest::Client::new(), _dir: dir };
        stage.runtime.block_on(eventually("all events are followed", async || {
            let readiness = stage.http.get(format!("{}/readyz?verbose", stage.url)).send().await.unwrap();
            let text = readiness.text().await.unwrap();
            ensure(text.contains("are 0 events behind"), || text)
        }));
        stage
    }

    /// Runs what waits for answers.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Asks, and gives the answer as a snapshot has it.
    pub fn ask(&self, method: &Method, path: &str) -> String {
        self.run(self.asked(method, path))
    }

    /// The same, for who waits already.
    pub async fn asked(&self, method: &Method, path: &str) -> String {
        let response = self.http.request(method.clone(), format!("{}{path}", self.url)).send().await.unwrap();
        let status = response.status();
        let mut headers: Vec<String> = response.headers().iter().filter_map(shown).collect();
        headers.sort();
        let text = response.text().await.unwrap();
        format!("{method} {path}\n{status}\n{}\n{}", headers.concat(), indented(&text))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// A header's line. Date and length are the server library's, and the length is that of the body as it was sent.
fn shown((name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)) -> Option<String> {
    let told = !matches!(name.as_str(), "date" | "content-length");
    told.then(|| format!("{name}: {}\n", value.to_str().unwrap()))
}

/// JSON with a field a line; anything else as it is.
fn indented(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap() + "\n",
        Err(_) => text.to_owned(),
    }
}
