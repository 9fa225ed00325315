//! What benches need of the world: a private broker, a running hoptrail, and its figures. Everything stops when dropped.

#![allow(dead_code, reason = "each bench uses some of it")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench ends at the first thing that fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The text after a flag on the bench's command line.
pub fn argument(flag: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != flag).nth(1)
}

/// A private broker.
pub struct Broker {
    dir: tempfile::TempDir,
    pub url: String,
    management: String,
    address: SocketAddr,
    version: String,
}

impl Broker {
    pub fn start(version: &str) -> Broker {
        let dir = tempfile::tempdir().unwrap();
        let status = Broker::script(&dir, &["start", version], &[]).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "scripts/broker start {version} failed");
        let env = fs::read_to_string(dir.path().join("env")).unwrap();
        let value = |name: &str| {
            let line = env.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
            line.unwrap().trim_matches(['\'', '"']).to_owned()
        };
        Broker {
            url: value("AMQP_URL"),
            management: value("MANAGEMENT_URL"),
            address: SocketAddr::from(([127, 0, 0, 1], value("AMQP_PORT").parse().unwrap())),
            version: value("VERSION"),
            dir,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its real version.
    pub fn version(&self) -> String {
        self.version.clone()
    }

    /// What `rabbitmqctl` prints.
    pub fn control(&self, arguments: &[&str]) -> String {
        let output = Broker::script(&self.dir, &["ctl"], arguments).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "rabbitmqctl {} failed", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    fn script(dir: &tempfile::TempDir, before: &[&str], after: &[&str]) -> Command {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scripts/broker");
        let mut command = Command::new(script);
        command.args(before).arg(dir.path()).args(after);
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The broker may have ended already.
        drop(Broker::script(&self.dir, &["stop"], &[]).stdout(Stdio::null()).status());
    }
}

/// A running hoptrail with a journal of its own.
pub struct Hoptrail {
    process: Child,
    http: String,
    _dir: tempfile::TempDir,
}

/// What a process took.
pub struct Usage {
    pub rss_mb: f64,
    pub cpu_seconds: f64,
}

impl Hoptrail {
    /// Starts it, and waits until so many of its tap's sources are live.
    pub fn start(broker: &Broker, settings: &[(&str, &str)], live: usize) -> Hoptrail {
        let dir = tempfile::tempdir().unwrap();
        let config = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoptrail"));
        command.arg("run").arg("--config").arg(config).stderr(Stdio::piped());
        let own = [
            ("broker.url", broker.url.as_str()),
            ("broker.management_url", broker.management.as_str()),
            ("journal.dir", dir.path().to_str().unwrap()),
            ("serve.listen", "127.0.0.1:0"),
        ];
        for (key, value) in own.iter().chain(settings) {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        let mut process = command.spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut said = Vec::new();
        let http = log.find_map(|line| {
            let http = line.split("http=").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned);
            said.push(line);
            http
        });
        let http = http.unwrap_or_else(|| panic!("hoptrail ended before it served:\n{}", said.join("\n")));
        std::thread::spawn(move || log.for_each(|line| eprintln!("{line}")));
        let hoptrail = Hoptrail { process, http, _dir: dir };
        hoptrail.wait_until("the sources are live", Duration::from_secs(60), |hoptrail| {
            let coverage = hoptrail.get("/api/v1/coverage");
            coverage.matches(r#""state":"live""#).count() >= live
        });
        hoptrail
    }

    /// Events of a kind that were recorded since the start, over all sources.
    pub fn recorded(&self, kind: &str) -> u64 {
        let metrics = self.get("/metrics");
        let wanted = format!("kind=\"{kind}\"");
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("hoptrail_events_recorded_total{") && line.contains(&wanted));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn usage(&self) -> Usage {
        let read = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap();
        let status = read("status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        let stat = read("stat");
        // Fields 14 and 15, counted after the name, which may hold spaces.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        Usage { rss_mb: kilobytes / 1024.0, cpu_seconds: ticks / 100.0 }
    }

    pub fn wait_until(&self, what: &str, deadline: Duration, condition: impl Fn(&Hoptrail) -> bool) {
        let started = hoptrail::clock::instant();
        while !condition(self) {
            assert!(started.elapsed() < deadline, "{what}: not within {deadline:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.http);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { reqwest::get(url).await.unwrap().text().await.unwrap() })
        })
        .join()
        .unwrap_or_else(|_| panic!("hoptrail does not answer"))
    }
}

impl Drop for Hoptrail {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
