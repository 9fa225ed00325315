//! A virtual host of its own on a broker, with what a test does there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::broker::{self, Node};
use super::client::Client;
use super::hoptrail::{Hoptrail, Launcher};
use super::raw::Raw;

/// Runs a test once with each release, in a fresh virtual host of the shared broker.
pub fn on_each_broker(test: impl AsyncFn(Scene)) {
    run(test, broker::shared);
}

/// The same with a broker that the test may stop.
pub fn on_own_brokers(test: impl AsyncFn(Scene)) {
    run(test, |release| Arc::new(Node::start(release).unwrap_or_else(|problem| panic!("no broker: {problem}"))));
}

/// The same with a broker that needs more in its configuration, and files for it (see [`Node::start_with`]).
pub fn on_brokers_with(conf: &str, files: &[&Path], test: impl AsyncFn(Scene)) {
    let start = |release: &str| Node::start_with(release, conf, files);
    run(test, |release| Arc::new(start(release).unwrap_or_else(|problem| panic!("no broker: {problem}"))));
}

fn run(test: impl AsyncFn(Scene), node: impl Fn(&str) -> Arc<Node>) {
    hoptrail::web::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for release in broker::releases() {
        let node = node(&release);
        runtime.block_on(async {
            println!("on RabbitMQ {release}:");
            test(Scene::new(node).await).await;
        });
    }
}

/// A virtual host, and a directory for what hoptrail keeps.
pub struct Scene {
    pub node: Arc<Node>,
    pub vhost: String,
    dir: TempDir,
    http: reqwest::Client,
}

impl Scene {
    async fn new(node: Arc<Node>) -> Scene {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let vhost = format!("it-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let scene = Scene { node, vhost, dir: tempfile::tempdir().unwrap(), http: reqwest::Client::new() };
        scene.put(&format!("vhosts/{}", scene.vhost), json!({})).await;
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        scene.put(&format!("permissions/{}/guest", scene.vhost), all).await;
        scene
    }

    /// Where hoptrail keeps its journal and its log.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The journal's directory.
    pub fn journal(&self) -> PathBuf {
        self.dir().join("journal")
    }

    /// The virtual host's address.
    pub fn url(&self) -> String {
        self.url_of("guest")
    }

    /// The same for another user, whose password is its name.
    pub fn url_of(&self, user: &str) -> String {
        format!("amqp://{user}:{user}@127.0.0.1:{}/{}", self.node.port, self.vhost)
    }

    /// hoptrail that observes this virtual host.
    pub async fn hoptrail(&self, settings: &[(&str, &str)]) -> Hoptrail {
        let hoptrail = self.hoptrail_starting(settings);
        hoptrail.wait_live().await;
        hoptrail
    }

    /// The same before it observes anything.
    pub fn hoptrail_starting(&self, settings: &[(&str, &str)]) -> Hoptrail {
        self.hoptrail_launched(Launcher::default(), settings)
    }

    /// The same in other surroundings.
    pub fn hoptrail_launched(&self, launcher: Launcher, settings: &[(&str, &str)]) -> Hoptrail {
        self.hoptrail_launched_in(self.dir(), launcher, settings)
    }

    /// The same with its log in a directory of its own: several at a time.
    pub fn hoptrail_launched_in(&self, dir: &Path, launcher: Launcher, settings: &[(&str, &str)]) -> Hoptrail {
        let mut all = self.settings();
        for (key, value) in settings {
            all.retain(|(known, _)| known != key);
            all.push(((*key).to_owned(), (*value).to_owned()));
        }
        Hoptrail::launch(launcher, dir, all)
    }

    /// What hoptrail has to be told to observe this virtual host.
    pub fn settings(&self) -> Vec<(String, String)> {
        let settings = [
            ("broker.url", self.url()),
            ("broker.management_url", self.node.management.clone()),
            ("broker.reconnect_max", "1s".to_owned()),
            ("journal.dir", self.journal().display().to_string()),
            ("serve.listen", "127.0.0.1:0".to_owned()),
            ("tap.instance", self.vhost.clone()),
            // Only the virtual host / has the event exchange, which announces changes.
            ("tap.refresh", "500ms".to_owned()),
        ];
        settings.map(|(key, value)| (key.to_owned(), value)).to_vec()
    }

    pub async fn client(&self) -> Client {
        Client::connect(&self.url()).await
    }

    pub fn raw(&self) -> Raw {
        Raw::connect(self.node.port, &self.vhost)
    }

    // Topology, through the management API.

    pub async fn exchange(&self, name: &str, kind: &str) {
        self.put(&self.path("exchanges", name), json!({ "type": kind, "durable": true })).await;
    }

    pub async fn queue(&self, name: &str, arguments: Value) {
        self.put(&self.path("queues", name), json!({ "durable": true, "arguments": arguments })).await;
    }

    pub async fn bind(&self, exchange: &str, queue: &str, key: &str) {
        let path = format!("bindings/{}/e/{exchange}/q/{queue}", self.vhost);
        self.ask(reqwest::Method::POST, &path, Some(json!({ "routing_key": key }))).await;
    }

    pub async fn delete_exchange(&self, name: &str) {
        self.delete(&self.path("exchanges", name)).await;
    }

    pub async fn delete_queue(&self, name: &str) {
        self.delete(&self.path("queues", name)).await;
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(reqwest::Method::GET, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) {
        self.ask(reqwest::Method::PUT, path, Some(body)).await;
    }

    pub async fn delete(&self, path: &str) {
        self.ask(reqwest::Method::DELETE, path, None).await;
    }

    fn path(&self, what: &str, name: &str) -> String {
        format!("{what}/{}/{name}", self.vhost)
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/api/{path}", self.node.management);
        let mut request = self.http.request(method.clone(), &url).basic_auth("guest", Some("guest"));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{method} {url} answered {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

impl Drop for Scene {
    /// Where `HOPTRAIL_TEST_KEEP` is set, what a failed test leaves can be looked at.
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("HOPTRAIL_TEST_KEEP").is_some() {
            self.dir.disable_cleanup(true);
            println!("hoptrail's directory is kept: {}", self.dir().display());
        }
    }
}
