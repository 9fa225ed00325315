//! The clients that hold the conversation of `clients/README.md`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support::{REPO, process};

/// A conversation takes five seconds; a busy machine may take longer.
const DEADLINE: Duration = Duration::from_secs(90);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Client {
    Pika,
    Amqplib,
    Java,
    Lapin,
}

impl Client {
    /// What it calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Client::Pika => "talk of pika",
            Client::Amqplib => "talk of amqplib",
            Client::Java => "talk of Java",
            Client::Lapin => "talk of lapin",
        }
    }

    /// Holds the conversation; what it told of it.
    pub async fn talk(self, url: String, seed: u64) -> String {
        if self == Client::Lapin {
            return crate::proxy::lapin::talk(&url, seed).await;
        }
        let mut command = self.command();
        command.args([&url, &seed.to_string()]);
        let run = move || process::finished(&mut command, DEADLINE);
        let done = tokio::task::spawn_blocking(run).await.unwrap();
        let (told, problem) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{self:?}: {}: {problem}\nIt had told:\n{told}", done.status);
        told.into_owned()
    }

    fn command(self) -> Command {
        let clients = PathBuf::from(REPO).join("tests/it/proxy/clients");
        let (program, arguments) = match self {
            Client::Pika => ("/usr/bin/python3", vec!["-B".into(), clients.join("talk.py")]),
            Client::Amqplib => ("node", vec![clients.join("talk.js")]),
            Client::Java => ("java", vec!["-cp".into(), installed("java").join("*"), clients.join("Talk.java")]),
            Client::Lapin => unreachable!("lapin is no program"),
        };
        let mut command = Command::new(program);
        command.args(arguments).env("NODE_PATH", installed("npm").join("node_modules"));
        command
    }
}

/// Where `scripts/clients` has put the libraries.
fn installed(what: &str) -> PathBuf {
    let all = std::env::var_os("HOPTRAIL_CLIENTS").map_or_else(|| PathBuf::from(REPO).join(".clients"), PathBuf::from);
    let path = all.join(what);
    assert!(path.is_dir(), "{} is missing: run scripts/clients", path.display());
    path
}
