//! Standard output, coloured or not.

use std::io::{self, IsTerminal, Write};

use super::args::Color;
use super::client::AskError;
use super::text::{Paint, is_unsafe};

/// The colouring of this standard output, in this environment.
pub(super) fn paint(color: Color) -> Paint {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => Paint::Colours,
        Color::Auto if io::stdout().is_terminal() && !no_color => Paint::Colours,
        Color::Auto | Color::Never => Paint::Bare,
    }
}

/// The terminal's width; `None`: the output goes elsewhere and need not fit.
pub(super) fn width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// Writes an answer to standard output. A reader that closes the pipe early (`| head`) is no error.
pub(super) fn write(bytes: &[u8]) -> Result<(), AskError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| match bytes.last() {
        Some(b'\n') | None => out.flush(),
        Some(_) => out.write_all(b"\n").and_then(|()| out.flush()),
    });
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Writes data for programs as it is. On a terminal, characters that could drive the terminal become escapes.
pub(super) fn write_data(bytes: &[u8]) -> Result<(), AskError> {
    if io::stdout().is_terminal() { write(for_terminal(bytes).as_bytes()) } else { write(bytes) }
}

/// Line ends stay; other control and invisible characters become escapes that JSON has too.
fn for_terminal(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).replace("\r\n", "\n").chars() {
        if c == '\n' || !is_unsafe(c) {
            shown.push(c);
        } else {
            shown.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_on_a_terminal_cannot_drive_it_and_stays_json() {
        let json = "{\"id\":\"a\u{9b}2J\u{202e}\u{e0041}\u{7f}\"}\n";
        let shown = for_terminal(json.as_bytes());
        assert_eq!(shown, "{\"id\":\"a\\u009b2J\\u202e\\udb40\\udc41\\u007f\"}\n");
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&shown), parse(json));
        assert_eq!(for_terminal(b"1,\x1b[31m\rx\r\n"), "1,\\u001b[31m\\u000dx\n");
    }
}
