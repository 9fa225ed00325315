//! Circles of files inside a room: files that name one another, directly or by way of others.
//!
//! An arrow runs from a file to another one of its room where it names what that one defines, by `use` or by a path in
//! its code. A name that is re-exported leads to the file that defines it. Files of folders are files like the others.
//! A file that only declares modules and re-exports is no station: nothing is defined in it. Tests do not count, nor do
//! methods, which are called without naming their file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Source;
use super::paths::{Import, Names};

/// The names of a file's module, from the crate's root.
type Module = Vec<String>;

/// Where each file's arrows lead, and the names on them.
type Arrows<'a> = BTreeMap<&'a Module, BTreeMap<&'a Module, BTreeSet<String>>>;

/// Re-exports of re-exports that are followed.
const STEPS_MAX: usize = 16;

/// A circle for each set of files that name one another.
pub fn circles(sources: &[Source]) -> Vec<String> {
    let files: BTreeMap<Module, File<'_>> = sources.iter().map(|source| (source.module(), File::new(source))).collect();
    let arrows: Arrows<'_> = files.keys().map(|module| (module, arrows_from(module, &files))).collect();
    let mut told: BTreeSet<&Module> = BTreeSet::new();
    let mut circles = Vec::new();
    for module in files.keys() {
        let Some(circle) = shortest_circle(module, &arrows) else { continue };
        if told.contains(module) {
            continue;
        }
        let (ahead, all) = (reached(module, &arrows), files.keys());
        told.extend(all.filter(|other| ahead.contains(other) && reached(other, &arrows).contains(module)));
        let steps = circle.array_windows().map(|[from, to]| {
            let names = arrows[from][to].iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("{} names {names} of {}", files[*from].source.path.display(), files[*to].source.path.display())
        });
        circles.push(format!("circle of files: {}", steps.collect::<Vec<_>>().join("; ")));
    }
    circles
}

struct File<'a> {
    source: &'a Source,
    names: Names,
}

impl<'a> File<'a> {
    fn new(source: &'a Source) -> Self {
        File { source, names: Names::of(&source.program) }
    }
}

fn arrows_from<'a>(module: &Module, files: &'a BTreeMap<Module, File<'_>>) -> BTreeMap<&'a Module, BTreeSet<String>> {
    let file = &files[module];
    let mut arrows: BTreeMap<&Module, BTreeSet<String>> = BTreeMap::new();
    let imported = file.names.imports.iter().map(|import| (&import.path, import.is_exported));
    for (path, is_exported) in imported.chain(file.names.paths.iter().map(|path| (path, false))) {
        let Some((target, item)) = defines(module, path, files, STEPS_MAX) else { continue };
        let is_own = target == module || is_exported && target.starts_with(module);
        if file.names.defines && files[target].names.defines && target.first() == module.first() && !is_own {
            arrows.entry(target).or_default().insert(item);
        }
    }
    arrows
}

/// The file that defines what a path in `module` leads to, and its name there: the module's where it leads to all of
/// it. `None`: it leads out of the crate.
fn defines<'a>(
    module: &[String],
    path: &[String],
    files: &'a BTreeMap<Module, File<'_>>,
    steps: usize,
) -> Option<(&'a Module, String)> {
    let (first, mut rest) = path.split_first()?;
    let mut here = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module.split_last()?.1.to_vec(),
        _ => {
            let (child, import) = (below(module, first), imported(module, first, files));
            match import {
                _ if files.contains_key(&child) => child,
                Some(import) if steps > 0 => {
                    return defines(module, &[&import.path, rest].concat(), files, steps - 1);
                }
                _ => return None,
            }
        }
    };
    while let Some((name, after)) = rest.split_first() {
        if name == "super" {
            here.pop();
        } else if files.contains_key(&below(&here, name)) {
            here.push(name.clone());
        } else if let Some(import) = imported(&here, name, files)
            && steps > 0
        {
            return defines(&here, &[&import.path, after].concat(), files, steps - 1);
        } else {
            break;
        }
        rest = after;
    }
    let (module, _) = files.get_key_value(&here)?;
    Some((module, rest.first().or(module.last())?.clone()))
}

fn imported<'a>(module: &[String], name: &str, files: &'a BTreeMap<Module, File<'_>>) -> Option<&'a Import> {
    files.get(module)?.names.imports.iter().find(|import| import.name == name && import.path != [name])
}

fn below(module: &[String], name: &str) -> Module {
    [module, &[name.to_owned()]].concat()
}

fn reached<'a>(from: &Module, arrows: &Arrows<'a>) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = arrows[from].keys().copied().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(arrows[module].keys());
        }
    }
    reached
}

/// From a file over others back to it.
fn shortest_circle<'a>(start: &'a Module, arrows: &Arrows<'a>) -> Option<Vec<&'a Module>> {
    let mut seen = BTreeSet::new();
    let mut ways = VecDeque::from([vec![start]]);
    while let Some(way) = ways.pop_front() {
        for next in arrows[way.last()?].keys() {
            let longer = [&*way, &[*next]].concat();
            if *next == start {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

#[test]
fn circles_are_found_by_whichever_way_a_name_is_reached() {
    let found = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        circles(&sources)
    };
    let (declared, a) = (("wire/mod.rs", "mod a; mod b; pub use b::B;"), ("wire/a.rs", "struct A(super::B);"));
    let b = ("wire/b.rs", "use super::a;\nfn b(of: &a::A) -> B {}");
    let circle = ["circle of files: wire/a.rs names B of wire/b.rs; wire/b.rs names A, a of wire/a.rs"];
    assert_eq!(found(&[declared, a, b]), circle);

    let c = ("wire/c/mod.rs", "const C: u8 = super::a::A;");
    let b = ("wire/b.rs", "use crate::wire::c::{C as D};\nstruct B;");
    assert_eq!(found(&[declared, a, b, c]).len(), 1, "over a third file");
    let only_imports = ("wire/b.rs", "use crate::wire::c::{C as D};");
    assert!(found(&[declared, a, only_imports, c]).is_empty());
    let code_beside = ("wire/mod.rs", "mod a; fn f() { a::A }");
    assert_eq!(found(&[code_beside, ("wire/a.rs", "struct A(super::f);")]).len(), 1);

    let in_tests = ("wire/b.rs", "/// [`super::a`]\n#[cfg(test)]\nuse super::a::A;\nstruct B;");
    assert!(found(&[declared, a, in_tests]).is_empty());
    let other_room = ("flow/mod.rs", "use crate::wire::a::A;\nstruct B;");
    assert!(found(&[("wire/a.rs", "use crate::flow::B;\nstruct A;"), other_room]).is_empty());
}
