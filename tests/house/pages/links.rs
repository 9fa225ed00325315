//! Links between the pages lead to files and headings that exist.

use regex::Regex;

use super::{PAGES, path, read};

#[test]
fn links_lead_somewhere() {
    let wrong: Vec<String> = PAGES.iter().flat_map(|page| wrong_in(page, &read(page))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong_in(page: &str, text: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)#]*)(?:#([^)]*))?\)").expect("a pattern");
    let folder = page.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let targets = link.captures_iter(text).map(|found| {
        let (file, anchor) = (&found[1], found.get(2).map(|anchor| anchor.as_str().to_owned()));
        (if file.is_empty() { page.to_owned() } else { format!("{folder}{file}") }, anchor)
    });
    let is_wrong = |(file, anchor): &(String, Option<String>)| {
        let is_there = path(file).exists();
        !is_there || anchor.as_ref().is_some_and(|anchor| !anchors(&read(file)).contains(anchor))
    };
    let local = targets.filter(|(file, _)| !file.contains("://"));
    local
        .filter(is_wrong)
        .map(|(file, anchor)| format!("{page} leads to {file}#{}", anchor.unwrap_or_default()))
        .collect()
}

/// The anchors that a page's headings get: lower case, spaces as dashes, other signs left out.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()));
    let kept = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    headings.map(|heading| heading.chars().filter_map(kept).collect()).collect()
}

#[test]
fn planted_links_are_found() {
    assert_eq!(wrong_in("docs/api.md", "[a](nowhere.md) [b](api.md#no-such-heading) [c](#neither)").len(), 3);
    assert_eq!(
        wrong_in("docs/api.md", "[a](journal.md) [b](../README.md#hoptrail) [c](https://example.com/x)").len(),
        0
    );
}
