//! The paths in a file: those that it imports by `use`, and those that its code names.

use std::collections::BTreeSet;
use std::slice::Iter;

use super::code::is_word;

/// A path that a `use` brings in or hands on.
pub struct Import {
    pub path: Vec<String>,
    /// Its name in the file; `*` for everything.
    pub name: String,
    pub is_exported: bool,
}

/// What code names; it comes without comments and strings.
#[derive(Default)]
pub struct Names {
    pub imports: Vec<Import>,
    /// Paths of two names and more outside `use`.
    pub paths: BTreeSet<Vec<String>>,
    /// It defines something: it does not only declare modules and import.
    pub defines: bool,
}

impl Names {
    pub fn of(code: &str) -> Names {
        let (mut names, mut before, tokens) = (Names::default(), "", tokens(code));
        let mut rest = tokens.iter();
        while let Some(token) = rest.next() {
            match *token {
                "use" => imports(matches!(before, "pub" | ")"), &mut rest, &mut names.imports),
                "const" | "enum" | "fn" | "impl" | "macro_rules" | "static" | "struct" | "trait" | "type" => {
                    names.defines = true;
                }
                // `pub(in a::b)` says who may see, and names nothing.
                "in" if before == "(" => drop(rest.by_ref().find(|token| **token == ")")),
                word if before != "::" && word.starts_with(is_word) => {
                    let path = path(word, &mut rest);
                    if path.len() > 1 {
                        names.paths.insert(path);
                    }
                }
                _ => {}
            }
            before = token;
        }
        names
    }
}

/// Words, `::`, and single signs.
fn tokens(code: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), code.trim_start());
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let len = if rest.starts_with("::") { 2 } else { word.max(first.len_utf8()) };
        let (token, after) = rest.split_at(len);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The path that begins with a word.
fn path(first: &str, rest: &mut Iter<'_, &str>) -> Vec<String> {
    let mut path = vec![first.to_owned()];
    while let ["::", name, after @ ..] = rest.as_slice()
        && name.starts_with(is_word)
    {
        path.push((*name).to_owned());
        *rest = after.iter();
    }
    path
}

/// The leaves of a tree such as `a::{b, c as d, e::{self, f}};`.
fn imports(is_exported: bool, rest: &mut Iter<'_, &str>, found: &mut Vec<Import>) {
    let (mut path, mut name, mut is_leaf, mut above) = (Vec::new(), None, false, vec![0]);
    while let Some(token) = rest.next() {
        match *token {
            "::" => {}
            "as" => name = rest.next().map(|name| (*name).to_owned()),
            "{" => {
                above.push(path.len());
                is_leaf = false;
            }
            "," | "}" | ";" => {
                if is_leaf {
                    found.push(import(path.clone(), name.take(), is_exported));
                }
                if *token == "}" {
                    above.pop();
                }
                path.truncate(above.last().copied().unwrap_or_default());
                is_leaf = false;
                if *token == ";" {
                    return;
                }
            }
            part => {
                path.push(part.to_owned());
                is_leaf = true;
            }
        }
    }
}

fn import(mut path: Vec<String>, new_name: Option<String>, is_exported: bool) -> Import {
    path.pop_if(|last| last == "self");
    let name = new_name.or(path.last().cloned()).unwrap_or_default();
    path.pop_if(|last| last == "*");
    Import { path, name, is_exported }
}

#[test]
fn imports_and_paths_are_read() {
    let code = "use a::{self, b, c as d, e::{f, g::*}}; pub(super) use h; pub(in q::r) fn i() { j::k::<l::M>(n.o, p) }";
    let names = Names::of(code);
    let imports = names.imports.iter().map(|import| format!("{}={}", import.path.join("::"), import.name));
    assert_eq!(imports.collect::<Vec<_>>(), ["a=a", "a::b=b", "a::c=d", "a::e::f=f", "a::e::g=*", "h=h"]);
    assert_eq!(names.imports.iter().filter(|import| import.is_exported).count(), 1);
    let paths = names.paths.iter().map(|path| path.join("::"));
    assert_eq!(paths.collect::<Vec<_>>(), ["j::k", "l::M"]);
    assert!(names.defines && !Names::of("#[x(y)] pub mod z; use a::b;").defines);
}
