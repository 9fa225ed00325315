//! hoptrail's proxy before a broker, and foreign clients of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use hoptrail::model::api::{EventView, Leg, SessionView, SessionsReport, Trail};
use serde_json::Value;

use super::hoptrail::{Hoptrail, Launcher};
use super::process::Process;
use super::wait::{DEADLINE, ensure};
use super::{REPO, Scene, eventually};

/// A hoptrail whose proxy takes clients.
pub struct Proxied {
    pub hoptrail: Hoptrail,
    pub port: u16,
}

impl Proxied {
    /// The proxy alone, without a tap.
    pub async fn start(scene: &Scene, settings: &[(&str, &str)]) -> Proxied {
        Self::launch(scene, Launcher::default(), settings).await
    }

    /// The same in other surroundings.
    pub async fn launch(scene: &Scene, launcher: Launcher, settings: &[(&str, &str)]) -> Proxied {
        Self::launch_in(scene.dir(), scene, launcher, settings).await
    }

    /// The same with its log in a directory of its own.
    pub async fn launch_in(dir: &Path, scene: &Scene, launcher: Launcher, settings: &[(&str, &str)]) -> Proxied {
        let own = [("tap.enabled", "false"), ("proxy.enabled", "true"), ("proxy.listen", "127.0.0.1:0")];
        let settings: Vec<_> = own.into_iter().chain(settings.to_vec()).collect();
        let hoptrail = scene.hoptrail_launched_in(dir, launcher, &settings);
        let port = eventually("the proxy listens", async || {
            let log = hoptrail.log_of_this_start();
            let told = log.split(" proxy=").nth(1).and_then(|rest| rest.split_whitespace().next());
            let port = told.and_then(|address| address.rsplit(':').next()?.parse().ok());
            port.ok_or(log)
        })
        .await;
        Proxied { hoptrail, port }
    }

    /// The virtual host's address, by the proxy.
    pub fn url(&self, scene: &Scene) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{}", self.port, scene.vhost)
    }

    pub async fn sessions(&self) -> Vec<SessionView> {
        let report: SessionsReport = self.hoptrail.api("/sessions").await;
        report.sessions
    }

    /// Waits for the live session of this client.
    pub async fn session(&self, client: &str, wanted: impl Fn(&SessionView) -> bool) -> SessionView {
        eventually(&format!("a session of {client}"), async || {
            let sessions = self.sessions().await;
            let found = sessions.iter().find(|session| session.client_name.as_deref() == Some(client));
            found.filter(|session| wanted(session)).cloned().ok_or_else(|| format!("{sessions:?}"))
        })
        .await
    }

    /// Waits for the end of this client's session.
    pub async fn session_close(&self, client: &str) -> EventView {
        eventually(&format!("session_close of {client}"), async || {
            let found = self.hoptrail.events("&kind=session_close").await;
            let own = found.iter().find(|event| event.session.as_ref().is_some_and(|own| own["client_name"] == client));
            own.cloned().ok_or_else(|| format!("{found:?}"))
        })
        .await
    }

    /// Waits until a figure with this label is as wanted.
    pub async fn figure(&self, name: &str, wanted: impl Fn(u64) -> bool) -> u64 {
        eventually(name, async || {
            let value = self.hoptrail.metric(name).await as u64;
            if wanted(value) { Ok(value) } else { Err(value.to_string()) }
        })
        .await
    }

    /// Waits until the only queue that an order's message came to looks as wanted.
    pub async fn leg(&self, order: &str, wanted: impl Fn(&Leg) -> bool) -> Leg {
        eventually(&format!("the trail of {order}"), async || {
            let answer = self.hoptrail.get(&format!("/api/v1/orders/{order}")).await;
            ensure(answer.status == 200, || answer.text.clone())?;
            let trail: Trail = serde_json::from_str(&answer.text).unwrap();
            let legs: Vec<&Leg> = trail.hops.iter().flat_map(|hop| &hop.queues).collect();
            let [leg] = legs[..] else { return Err(format!("{trail:?}")) };
            if wanted(leg) { Ok(leg.clone()) } else { Err(format!("{leg:?}")) }
        })
        .await
    }
}

/// `tests/it/clients/fault.py`.
pub struct Script {
    process: Process,
    told: PathBuf,
}

impl Script {
    /// Begins a scenario.
    pub fn start(scene: &Scene, scenario: &str, port: u16, more: &[&str]) -> Script {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let told = scene.dir().join(format!("script-{number}"));
        let mut command = Command::new("/usr/bin/python3");
        command.arg("-B").arg(format!("{REPO}/tests/it/clients/fault.py")).args([scenario, "--port"]);
        command.arg(port.to_string()).args(["--vhost", &scene.vhost]).args(more);
        let errors = fs::File::create(told.with_extension("err")).unwrap();
        command.stdout(fs::File::create(&told).unwrap()).stderr(errors);
        Script { process: Process::start(&mut command), told }
    }

    /// What it has told so far.
    pub fn told(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.told).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until it tells this.
    pub async fn tells(&self, what: &str) -> Value {
        eventually(&format!("a client tells of {what:?}"), async || {
            let told = self.told();
            let errors = || fs::read_to_string(self.told.with_extension("err")).unwrap();
            told.iter().find(|told| told["what"] == what).cloned().ok_or_else(|| format!("{told:?} {}", errors()))
        })
        .await
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> ExitStatus {
        self.process.kill()
    }

    /// Waits for its end; all that it told.
    pub fn finish(mut self) -> Vec<Value> {
        let status = self.process.wait(DEADLINE);
        assert!(status.success(), "{}", fs::read_to_string(self.told.with_extension("err")).unwrap());
        self.told()
    }
}
