//! Private brokers: one of each release for all tests, and own ones for tests that stop them.
//!
//! A shell stands between a broker and the tests. It waits for the end of its input, which comes when the tests end,
//! however they end, and then stops the broker and removes what it left.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::REPO;

/// The plugins of every broker: what hoptrail uses, and an exchange that splits load.
const PLUGINS: &str = "rabbitmq_management,rabbitmq_event_exchange,rabbitmq_consistent_hash_exchange";

const GUARD: &str = r#"
repo=$1 release=$2 dir=$3
shift 3
# Where the tests end while the broker starts, nobody reads what is told.
trap : PIPE
if "$repo/scripts/broker" start "$release" "$dir/node" "$@" >"$dir/start" 2>&1 </dev/null; then
    echo up
else
    echo failed
fi
cat >/dev/null
[ ! -f "$dir/node/env" ] || "$repo/scripts/broker" stop "$dir/node" >/dev/null 2>&1
rm -rf "$dir"
"#;

/// A running broker; it is stopped when this goes, or when the tests end.
pub struct Node {
    pub release: String,
    pub port: u16,
    pub management: String,
    dir: PathBuf,
    guard: Mutex<Child>,
}

/// The releases to test with.
pub fn releases() -> Vec<String> {
    let names = std::env::var("HOPTRAIL_TEST_BROKERS").unwrap_or_else(|_| "3.10".to_owned());
    let names: Vec<String> =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    assert!(!names.is_empty(), "HOPTRAIL_TEST_BROKERS names no release");
    names
}

/// The broker that all tests share, started when the first of them asks.
pub fn shared(release: &str) -> Arc<Node> {
    type Nodes = HashMap<String, Result<Arc<Node>, String>>;
    static NODES: LazyLock<Mutex<Nodes>> = LazyLock::new(Mutex::default);
    let mut nodes = NODES.lock().unwrap_or_else(PoisonError::into_inner);
    let node = nodes.entry(release.to_owned()).or_insert_with(|| Node::start(release).map(Arc::new));
    node.clone().unwrap_or_else(|problem| panic!("no broker: {problem}"))
}

impl Node {
    /// Starts a broker.
    pub fn start(release: &str) -> Result<Node, String> {
        Self::start_with(release, "", &[])
    }

    /// The same with more lines in its configuration, and files in its directory, which is `{dir}` in those lines.
    pub fn start_with(release: &str, conf: &str, files: &[&Path]) -> Result<Node, String> {
        let dir = tempfile::Builder::new().prefix("hoptrail-it-").tempdir().unwrap().keep();
        fs::create_dir(dir.join("node")).unwrap();
        for file in files {
            fs::copy(file, dir.join("node").join(file.file_name().unwrap())).unwrap();
        }
        fs::write(dir.join("conf"), conf).unwrap();
        // In a process group of its own: Ctrl-C must not end it before the broker is stopped.
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard", REPO, release])
            .arg(&dir)
            .args(["--plugins", PLUGINS, "--conf"])
            .arg(dir.join("conf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = fs::read_to_string(dir.join("start")).unwrap_or_default();
        let mut node = Node {
            release: release.to_owned(),
            port: 0,
            management: String::new(),
            dir: dir.clone(),
            guard: Mutex::new(guard),
        };
        if line.trim() != "up" {
            return Err(told);
        }
        let environment = fs::read_to_string(dir.join("node/env")).unwrap();
        let value = |name: &str| {
            let found = environment.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_else(|| panic!("{name} is missing in {environment}"))
        };
        node.port = value("AMQP_PORT").parse().unwrap();
        node.management = value("MANAGEMENT_URL").to_owned();
        Ok(node)
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.script(&["kill"], &[]);
    }

    /// Starts it again, with what it kept on its disk.
    pub fn resume(&self) {
        self.script(&["start", &self.release], &[]);
    }

    /// `rabbitmqctl`; what it printed.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        self.script(&["ctl"], arguments)
    }

    fn script(&self, before: &[&str], after: &[&str]) -> String {
        let mut command = Command::new(Path::new(REPO).join("scripts/broker"));
        command.args(before).arg(self.dir.join("node")).args(after);
        let done = super::process::finished(&mut command, std::time::Duration::from_secs(180));
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let guard = self.guard.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(guard.stdin.take());
        guard.wait().ok();
    }
}
