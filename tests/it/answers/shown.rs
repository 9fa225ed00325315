//! What commands and metrics show, without the parts that are those of one run.

use std::process::Command;

/// The command, its exit code, and all that it printed. Nothing of this machine's environment is in it.
pub fn shown(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hoptrail")).env_clear().args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut shown = format!("$ hoptrail {}\n", words.join(" "));
    shown += &text(&output.stdout);
    if !output.stderr.is_empty() {
        shown += &format!("on standard error:\n{}", text(&output.stderr));
    }
    if output.status.code() != Some(0) {
        shown += &format!("exit code {:?}\n", output.status.code());
    }
    shown
}

/// Of an exposition everything but the values, each series once: the values and the routes asked are those of this run.
pub fn metric_names(exposition: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in exposition.lines() {
        let name = match line.rsplit_once(' ') {
            Some((series, _)) if line.starts_with("hoptrail") => without_label_values(series),
            _ => line.to_owned(),
        };
        if !lines.contains(&name) {
            lines.push(name);
        }
    }
    lines.join("\n") + "\n"
}

/// `name{label="value"}` as `name{label}`.
fn without_label_values(series: &str) -> String {
    let kept = series.split('"').step_by(2);
    kept.collect::<String>().replace('=', "")
}
