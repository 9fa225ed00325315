//! Holds the code to the table of rooms in `docs/architecture.md`: which module may name which, which module alone may
//! name a library that does I/O, that no files of a room name one another in a circle, how long a file may be, and that
//! every file is part of the crate.
//!
//! Reads `src/` as text, without comments and strings. What macros build from pieces it does not see.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

mod circles;
mod code;
mod paths;

use circles::circles;
use code::{names_after, without_comments_and_strings, without_tests};

/// A module at the top of the crate, and those that it may name.
struct Room(&'static str, &'static [&'static str]);

const ROOMS: [Room; 24] = [
    Room("model", &[]),
    Room("clock", &["model"]),
    Room("task", &[]),
    Room("config", &["model"]),
    Room("logging", &["config"]),
    Room("question", &[]),
    Room("show", &["model"]),
    Room("wire", &["model"]),
    Room("journal", &["model", "task"]),
    Room("web", &[]),
    Room("broker", &["config", "web"]),
    Room("live", &["model", "config"]),
    Room("record", &["model", "config", "journal", "correlate", "redact", "live", "clock", "task"]),
    Room("correlate", &["model", "config"]),
    Room("redact", &["model", "config"]),
    Room("capture", &["model", "config", "wire", "broker", "live", "record", "clock", "task"]),
    Room("follow", &["model", "journal", "clock", "task"]),
    Room("flow", &["model", "config", "journal"]),
    Room("alert", &["model", "config", "flow", "web", "show", "clock"]),
    Room(
        "query",
        &["model", "config", "question", "journal", "flow", "alert", "live", "record", "show", "clock", "follow"],
    ),
    Room("serve", &["model", "config", "question", "query", "live", "record", "web", "clock"]),
    Room("cli", &["model", "config", "question", "web", "show"]),
    Room("inspect", &["model", "config", "journal", "record", "cli", "show", "clock", "logging"]),
    Room("app", EVERYTHING),
];
/// Modules inside a room that may name less than their room, and of it only themselves.
const INNER_ROOMS: [Room; 1] = [Room("serve::http", &["model", "config", "web", "clock"])];
/// `app` wires everything together.
const EVERYTHING: &[&str] = &["*"];
/// What the program may name of the library.
const MAIN: Room = Room("main", &["app", "inspect", "cli", "config", "logging", "web"]);

/// Libraries, and the rooms that alone may name them outside their tests.
const LIBRARIES: [(&str, &[&str]); 9] = [
    ("lapin", &["broker", "capture"]),
    ("reqwest", &["web"]),
    ("percent_encoding", &["web"]),
    ("axum", &["serve"]),
    ("fluent_bundle", &["show"]),
    ("sled", &["journal"]),
    ("rustix", &["cli", "journal"]),
    ("memchr", &["journal", "redact"]),
    ("tokio::net", &["serve", "app", "broker", "capture"]),
];

/// What any test may name besides: the sentences that a reader gets.
const TESTS_MAY: &str = "show";

/// Modules that alone may name `model::api` outside their tests: the rest speaks in values, not in JSON.
const SPEAKS_JSON: [&str; 5] = ["model", "query", "serve", "cli", "alert::webhook"];

/// Aimed at are 120; past this a file is split.
const LINES_MAX: usize = 500;
/// Told on the way there.
const LINES_NOTED: usize = 400;

/// A source file as the rules see it.
struct Source {
    /// Below `src/`.
    path: PathBuf,
    lines: usize,
    /// Without comments and strings.
    code: String,
    /// The code that is in the program: without tests.
    program: String,
}

impl Source {
    fn new(path: impl Into<PathBuf>, text: &str) -> Source {
        let (path, code) = (path.into(), without_comments_and_strings(text));
        let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs");
        let program = if is_test { String::new() } else { without_tests(&code) };
        Source { path, lines: text.lines().count(), code, program }
    }

    /// The path of the file's module from the crate's root; empty for `lib.rs` and `main.rs`.
    fn module(&self) -> Vec<String> {
        let mut parts: Vec<String> =
            self.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            parts.pop();
        }
        parts
    }

    fn room(&self) -> Option<String> {
        self.module().into_iter().next()
    }
}

#[test]
fn modules_name_only_what_their_room_allows() {
    assert_none(sources().iter().flat_map(|source| wrong_rooms(source, &ROOMS)));
}

#[test]
fn modules_inside_a_room_name_only_what_they_may() {
    assert_none(sources().iter().flat_map(|source| wrong_inner_rooms(source, &INNER_ROOMS)));
}

#[test]
fn libraries_that_do_io_are_named_in_their_rooms_only() {
    assert_none(sources().iter().flat_map(wrong_libraries));
}

#[test]
fn the_api_s_json_is_made_at_the_edge() {
    assert_none(sources().iter().filter_map(wrong_api));
}

#[test]
fn the_table_and_the_crate_have_the_same_rooms() {
    let rooms: BTreeSet<String> = ROOMS.iter().map(|Room(name, _)| (*name).to_owned()).collect();
    let found: BTreeSet<String> = sources().iter().filter_map(Source::room).collect();
    assert_eq!(rooms, found);
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("the page");
    assert_none(ROOMS.iter().chain(&INNER_ROOMS).chain([&MAIN]).filter_map(|room| wrong_row(room, &page)));
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.lines > LINES_NOTED {
            println!("{} has {} lines", source.path.display(), source.lines);
        }
        wrong.extend(too_long(&source));
    }
    assert_none(wrong);
}

#[test]
fn every_file_is_part_of_the_crate() {
    assert_none(orphans(&sources()));
}

#[test]
fn no_files_of_a_room_name_one_another_in_a_circle() {
    assert_none(circles(&sources()));
}

#[test]
fn planted_violations_are_found() {
    let wrong = |path: &str, text: &str| wrong_rooms(&Source::new(path, text), &ROOMS).len();
    assert_eq!(wrong("model/event.rs", "use crate::journal::Reader;"), 1);
    assert_eq!(wrong("model/event.rs", "use crate::{model::Seq, journal::{Reader, Writer}, record};"), 2);
    assert_eq!(wrong("flow/mod.rs", "fn f() { crate::capture::tap::run() }"), 1);
    assert_eq!(wrong("flow/engine.rs", "use super::super::capture::tap;"), 1);
    assert_eq!(wrong("clock.rs", "use super::journal;"), 1);
    assert_eq!(wrong("main.rs", "use hoptrail::journal::Reader;"), 1);
    assert_eq!(wrong("cellar/mod.rs", "use crate::model::Seq;"), 1, "a room that is not in the table");
    assert_eq!(wrong("flow/tests/mod.rs", "use crate::show::Words;"), 0, "a test may read a sentence");
    assert_eq!(wrong("flow/engine.rs", "use crate::show::Words;"), 1);
    assert_eq!(wrong("flow/engine.rs", "use super::trail;\nuse crate::journal::Reader;\nuse crate::flow::words;"), 0);
    assert_eq!(wrong("flow/mod.rs", "/// See [`crate::serve`].\nfn f() -> &'static str { \"crate::serve\" }"), 0);

    let wrong = |path: &str, text: &str| wrong_inner_rooms(&Source::new(path, text), &INNER_ROOMS).len();
    assert_eq!(wrong("serve/http/reply.rs", "use crate::query::Handles;"), 1);
    assert_eq!(wrong("serve/http/reply.rs", "use crate::serve::{desk::Desk, http::guard, api};"), 2);
    assert_eq!(wrong("serve/http/reply.rs", "use super::super::api;"), 1);
    assert_eq!(wrong("serve/http/mod.rs", "use super::{api, operate};"), 2);
    assert_eq!(
        wrong("serve/http/reply.rs", "use super::guard;\nuse crate::serve::http::problem;\nuse crate::clock;"),
        0
    );
    assert_eq!(wrong("serve/api/events.rs", "use crate::query::Handles;"), 0, "another module of the room");

    let wrong = |path: &str, text: &str| wrong_libraries(&Source::new(path, text)).len();
    assert_eq!(wrong("flow/mod.rs", "use sled::Db;"), 1);
    assert_eq!(wrong("flow/mod.rs", "use sled as store;"), 1);
    assert_eq!(wrong("record/mod.rs", "use tokio::net::TcpStream;"), 1);
    assert_eq!(wrong("record/mod.rs", "use tokio::{net::TcpStream, sync::mpsc};"), 1);
    assert_eq!(wrong("journal/mod.rs", "fn f(db: &sled::Db) {}"), 0);
    assert_eq!(wrong("alert/webhook/tests.rs", "use tokio::net::TcpListener;"), 0, "a test may listen");
    assert_eq!(wrong("flow/mod.rs", "fn is_sled(sledge: u8, unsled: u8) {}\n// sled::Db"), 0);

    let wrong = |path: &str, text: &str| wrong_api(&Source::new(path, text)).is_some();
    assert!(wrong("flow/trail.rs", "use crate::model::api::Trail;"));
    assert!(wrong("flow/trail.rs", "use crate::model::{Event, api::{self, Trail}};"));
    assert!(wrong("alert/spike.rs", "use crate::model;\nfn f(alert: model::api::AlertView) {}"));
    assert!(!wrong("alert/webhook.rs", "use crate::model::api::AlertView;"));
    assert!(!wrong("serve/trails.rs", "use crate::model::api::Trail;"));
    assert!(!wrong("flow/tests/mod.rs", "use crate::model::api::Trail;"), "a test may read it");

    let files = [
        Source::new("wire/frame.rs", "use super::scene::Scene;\nstruct Frame;"),
        Source::new("wire/scene.rs", "struct Scene(super::frame::Frame);"),
    ];
    assert_eq!(circles(&files).len(), 1);
    assert!(too_long(&Source::new("flow/mod.rs", &"\n".repeat(LINES_MAX + 1))).is_some());
    let files = [Source::new("flow/mod.rs", "mod engine;"), Source::new("flow/left.rs", "")];
    assert_eq!(orphans(&files).len(), 1);
    assert!(wrong_row(&ROOMS[1], "| `clock` | model, journal | time |").is_some());
    assert!(wrong_row(&ROOMS[1], "| `clock` | model | time |").is_none());
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `src/`. Fails where there is none.
fn sources() -> Vec<Source> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let (src, mut paths) = (root().join("src"), Vec::new());
    walk(&src, &mut paths);
    paths.sort();
    assert!(paths.len() > ROOMS.len(), "looked at {} files only", paths.len());
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file");
        Source::new(path.strip_prefix(&src).expect("below src"), &text)
    };
    paths.iter().map(read).collect()
}

fn assert_none(wrong: impl IntoIterator<Item = String>) {
    let list = wrong.into_iter().fold(String::new(), |mut list, line| {
        write!(list, "\n  {line}").expect("writes");
        list
    });
    assert!(list.is_empty(), "{list}");
}

fn wrong_rooms(source: &Source, rooms: &[Room]) -> Vec<String> {
    let at = source.path.display();
    if source.path == Path::new("lib.rs") {
        return Vec::new();
    }
    let (name, mut named) = match source.room() {
        Some(room) => (room, names_after(&source.code, "crate::")),
        None => ("main".to_owned(), names_after(&source.code, "hoptrail::")),
    };
    named.extend(names_above(source));
    let Some(Room(_, allowed)) = rooms.iter().chain([&MAIN]).find(|Room(room, _)| *room == name) else {
        return vec![format!("{at}: room {name} is not in the table")];
    };
    let is_test = source.module().iter().any(|part| part == "tests");
    let may = |other: &String| {
        let of_a_test = is_test && other == TESTS_MAY;
        allowed == &EVERYTHING || *other == name || allowed.contains(&other.as_str()) || of_a_test
    };
    let is_room = |other: &String| rooms.iter().any(|Room(room, _)| room == other);
    named.retain(|other| is_room(other) && !may(other));
    named.into_iter().map(|other| format!("{at}: {name} may not name {other}")).collect()
}

/// What a module inside a room names of the crate, of its room, or of what lies above it in its room.
fn wrong_inner_rooms(source: &Source, inner: &[Room]) -> Vec<String> {
    let (at, module) = (source.path.display(), source.module());
    let mut wrong = Vec::new();
    for Room(name, allowed) in inner {
        let Some((room, own)) = name.split_once("::") else { continue };
        if module.first().map(String::as_str) != Some(room) || module.get(1).map(String::as_str) != Some(own) {
            continue;
        }
        let mut named = names_after(&source.code, "crate::");
        named.retain(|other| other != room && ROOMS.iter().any(|Room(room, _)| room == other));
        let above = "super::".repeat(module.len() - 1);
        let siblings = names_after(&source.code, &format!("crate::{room}::")).into_iter();
        let siblings = siblings.chain(names_after(&source.program, &above)).filter(|other| other != own);
        named.extend(siblings.map(|other| format!("{room}::{other}")));
        named.retain(|other| !allowed.contains(&other.as_str()));
        wrong.extend(named.into_iter().map(|other| format!("{at}: {name} may not name {other}")));
    }
    wrong
}

fn wrong_libraries(source: &Source) -> Vec<String> {
    let room = source.room().unwrap_or_default();
    let names = |library: &str| match library.split_once("::") {
        Some((outer, inner)) => names_after(&source.program, &format!("{outer}::")).contains(inner),
        None => {
            names_after(&source.program, "use ").contains(library)
                || !names_after(&source.program, &format!("{library}::")).is_empty()
        }
    };
    let wrong = LIBRARIES.iter().filter(|(library, rooms)| !rooms.contains(&room.as_str()) && names(library));
    wrong
        .map(|(library, rooms)| format!("{}: only {} may name {library}", source.path.display(), rooms.join(", ")))
        .collect()
}

fn wrong_api(source: &Source) -> Option<String> {
    let module = source.module().join("::");
    let may = SPEAKS_JSON.iter().any(|own| module == *own || module.starts_with(&format!("{own}::")));
    let names = |prefix| names_after(&source.program, prefix).contains("api");
    let wrong = !may && (names("crate::model::") || names("model::"));
    wrong.then(|| format!("{}: only {} may name model::api", source.path.display(), SPEAKS_JSON.join(", ")))
}

fn too_long(source: &Source) -> Option<String> {
    let (at, lines) = (source.path.display(), source.lines);
    (lines > LINES_MAX).then(|| format!("{at} has {lines} lines; at most {LINES_MAX}: split it"))
}

/// Files that no `mod` names: they are never compiled.
fn orphans(sources: &[Source]) -> Vec<String> {
    let mut declared: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let words: Vec<&str> = source.code.split(|c: char| c.is_whitespace() || c == ';').collect();
        let names = words.array_windows().filter(|[word, _]| *word == "mod").map(|[_, name]| (*name).to_owned());
        declared.entry(source.module()).or_default().extend(names);
    }
    let is_declared = |source: &&Source| {
        let module = source.module();
        let Some((name, parent)) = module.split_last() else { return true };
        parent.is_empty() || declared.get(parent).is_some_and(|names| names.contains(name))
    };
    let orphans = sources.iter().filter(|source| !is_declared(source));
    orphans.map(|source| format!("{} is named by no mod, and so never compiled", source.path.display())).collect()
}

/// The page's row of a room says the same as the table here.
fn wrong_row(Room(name, allowed): &Room, page: &str) -> Option<String> {
    let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
    let Some(cell) = row.and_then(|row| row.split('|').nth(2)) else {
        return Some(format!("docs/architecture.md has no row for {name}"));
    };
    let said: BTreeSet<&str> = cell.split(',').map(str::trim).filter(|word| !matches!(*word, "" | "–")).collect();
    let meant: BTreeSet<&str> =
        if *allowed == EVERYTHING { BTreeSet::from(["all"]) } else { allowed.iter().copied().collect() };
    (said != meant).then(|| format!("docs/architecture.md says that {name} may use {said:?}, the test says {meant:?}"))
}

/// What `super::super::…` reaches at the crate's root.
fn names_above(source: &Source) -> BTreeSet<String> {
    let depth = source.module().len();
    if depth == 0 {
        return BTreeSet::new();
    }
    names_after(&source.program, &"super::".repeat(depth))
}
