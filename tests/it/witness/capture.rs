//! What passes a port of the loopback interface, captured by `dumpcap` and decoded by `tshark`.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::eventually;
use crate::support::process::{self, Process};

/// How long decoding some ten megabytes may take on a machine that has much else to do.
const DECODE: Duration = Duration::from_secs(120);
/// How long the capture's own end may take.
const STOP: Duration = Duration::from_secs(20);
/// It ends by itself after so many seconds, should the tests be killed.
const ENDS_AFTER: &str = "duration:600";
/// Packets that may wait to be written, in MiB: more than the whole test sends.
const BUFFER: &str = "128";

/// A running capture.
pub struct Capture {
    port: u16,
    file: PathBuf,
    told: PathBuf,
    process: Process,
}

impl Capture {
    /// Begins to capture what passes the port; returns when packets are seen to come in.
    pub async fn start(dir: &Path, port: u16) -> Capture {
        for program in ["tshark", "dumpcap"] {
            let found = Command::new(program).arg("--version").output();
            assert!(
                found.is_ok_and(|output| output.status.success()),
                "{program} is missing: the proxy's witness needs it; install the package tshark (scripts/test does)"
            );
        }
        let (file, told) = (dir.join("capture.pcapng"), dir.join("dumpcap"));
        let mut command = Command::new("dumpcap");
        command.args(["-q", "-i", "lo", "-s", "0", "-B", BUFFER, "-a", ENDS_AFTER]);
        command.args(["-f", &format!("tcp port {port} or udp dst port {port}"), "-w"]).arg(&file);
        command.stdout(fs::File::create(dir.join("dumpcap.out")).unwrap());
        let process = Process::start(command.stderr(fs::File::create(&told).unwrap()));
        let mut capture = Capture { port, file, told, process };
        capture.wait_marked("begin").await;
        capture
    }

    /// Ends it when all that was sent before is in it; the file.
    pub async fn finish(mut self) -> PathBuf {
        self.wait_marked("end").await;
        self.process.signal("INT");
        let status = self.process.wait(STOP);
        let told = self.told();
        assert!(status.success(), "dumpcap ended with {status}: {told}");
        assert_eq!(dropped(&told), Some(0), "not every packet was captured: {told}");
        self.file
    }

    /// Sends a packet that no one takes until it is in the capture. The kernel hands packets over in order.
    async fn wait_marked(&mut self, what: &str) {
        let marker = format!("hoptrail's witness: {what} of {}", self.file.display()).into_bytes();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        eventually(&format!("dumpcap sees the {what}"), async || {
            if let Some(status) = self.process.has_ended() {
                panic!("dumpcap ended with {status} (it needs the right to capture): {}", self.told());
            }
            // Refused by those who do not listen, which is told to the next that is sent.
            socket.send_to(&marker, ("127.0.0.1", self.port)).ok();
            let captured = fs::read(&self.file).unwrap_or_default();
            if contains(&captured, &marker) { Ok(()) } else { Err(self.told()) }
        })
        .await;
    }

    fn told(&self) -> String {
        fs::read_to_string(&self.told).unwrap_or_default()
    }
}

/// The capture in tshark's own words: PDML, one element for each frame of AMQP.
pub fn decode(file: &Path, port: u16) -> String {
    let mut command = Command::new("tshark");
    command.args(["-n", "-d", &format!("tcp.port=={port},amqp"), "-Y", "amqp", "-T", "pdml", "-J", "amqp", "-r"]);
    let done = process::finished(command.arg(file), DECODE);
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "tshark ended with {}: {told}", done.status);
    String::from_utf8(done.stdout).unwrap()
}

/// What dumpcap says at its end: `Packets received/dropped on interface 'Loopback: lo': 2650/0 (…)`.
fn dropped(told: &str) -> Option<u64> {
    let line = told.lines().find(|line| line.starts_with("Packets received/dropped"))?;
    line.rsplit_once("': ")?.1.split_once('/')?.1.split_whitespace().next()?.parse().ok()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
