//! The fixture's day, played by `scripts/lib/play.py`: foreign clients, in another language.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::process::{self, Process};
use super::{REPO, Scene};

/// A few rounds on a machine that has much else to do.
const DEADLINE: Duration = Duration::from_secs(240);

pub struct Play {
    process: Process,
    ledger: PathBuf,
    told: PathBuf,
}

/// Declares the fixture's exchanges and queues.
pub fn declare(scene: &Scene) {
    let done = process::finished(command(scene).arg("--declare-only"), DEADLINE);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

impl Play {
    /// Begins to play rounds of the day.
    pub fn start(scene: &Scene, rounds: u32, options: &[&str]) -> Play {
        let ledger = scene.dir().join("ledger");
        let told = scene.dir().join("play");
        let mut command = command(scene);
        command.args(["--no-declare", "--rounds", &rounds.to_string(), "--ledger"]).arg(&ledger).args(options);
        let file = fs::File::create(&told).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Play { process: Process::start(&mut command), ledger, told }
    }

    pub fn is_running(&mut self) -> bool {
        self.process.has_ended().is_none()
    }

    /// Publishes that the broker has answered so far.
    pub fn published(&self) -> usize {
        fs::read_to_string(&self.ledger).map_or(0, |text| text.lines().count())
    }

    /// Waits for the end; the ledger.
    pub fn finish(mut self) -> String {
        let status = self.process.wait(DEADLINE);
        assert!(status.success(), "the day was not played: {}", fs::read_to_string(&self.told).unwrap());
        fs::read_to_string(&self.ledger).unwrap()
    }
}

fn command(scene: &Scene) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.arg("-B").arg(format!("{REPO}/scripts/lib/play.py")).args(["--url", &scene.url()]);
    command
}
