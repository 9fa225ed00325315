//! Certificates for one test, made by the `openssl` command: it is on every machine that has `ca-certificates`, and no
//! crate has to be built for a few files.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::finished;
use super::wait::DEADLINE;

/// What a broker has in its configuration to listen by TLS, with `ours.pem`, `server.pem` and `server.key` as its files.
pub fn broker_conf(port: u16) -> String {
    format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {{dir}}/ours.pem\n\
         ssl_options.certfile = {{dir}}/server.pem\nssl_options.keyfile = {{dir}}/server.key\n\
         ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n"
    )
}

/// An authority, whose certificate is `NAME.pem`.
pub struct Authority {
    dir: PathBuf,
    name: &'static str,
}

impl Authority {
    pub fn new(dir: &Path, name: &'static str) -> Authority {
        let authority = Authority { dir: dir.to_owned(), name };
        authority.openssl(name, &["-addext", "basicConstraints=critical,CA:TRUE"]);
        authority
    }

    /// Its own certificate.
    pub fn certificate(&self) -> String {
        self.path(self.name, "pem")
    }

    /// Issues a certificate for this host or client; the paths of it and its key.
    pub fn issue(&self, file: &str, host: &str) -> (String, String) {
        let (authority, key) = (self.certificate(), self.path(self.name, "key"));
        let host = format!("subjectAltName=DNS:{host}");
        let own = ["-CA", &authority, "-CAkey", &key, "-addext", &host, "-addext", "basicConstraints=CA:FALSE"];
        self.openssl(file, &own);
        (self.path(file, "pem"), self.path(file, "key"))
    }

    fn path(&self, file: &str, kind: &str) -> String {
        self.dir.join(format!("{file}.{kind}")).display().to_string()
    }

    fn openssl(&self, file: &str, more: &[&str]) {
        let mut command = Command::new("openssl");
        command.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]);
        command.args([
            "-subj",
            &format!("/CN={file}"),
            "-out",
            &self.path(file, "pem"),
            "-keyout",
            &self.path(file, "key"),
        ]);
        let done = finished(command.args(more), DEADLINE);
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
