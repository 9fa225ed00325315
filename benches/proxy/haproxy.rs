//! HAProxy in TCP mode in front of a broker, as somebody would configure it who wants nothing else of it. Ends when dropped.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

pub struct Haproxy {
    process: Child,
    pub address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Haproxy {
    pub fn start(address: SocketAddr, broker: SocketAddr) -> Haproxy {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("haproxy.cfg");
        // Threads: HAProxy's default, one for each processor.
        let config = format!(
            "global\n    maxconn 4096\n\
             defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 1h\n    timeout server 1h\n\
             listen amqp\n    bind {address}\n    server broker {broker}\n"
        );
        fs::write(&file, config).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-q").arg("-f").arg(&file).stdin(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("haproxy cannot be started: {error}; it is Debian's package haproxy (apt-get install haproxy)")
        });
        Haproxy { process, address, _dir: dir }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
