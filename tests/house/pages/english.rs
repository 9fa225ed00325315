//! Plain English, as far as a program can tell: sentences are short, and no clause with "what" or "who" stands for a
//! noun. CONTRIBUTING.md has the whole rule, which aims at twenty words.

use std::sync::LazyLock;

use clap::CommandFactory;
use hoptrail::cli::Args;
use regex::Regex;

use super::raw::declared;
use super::{PAGES, read, sources};

/// Aimed at are 20.
const WORDS_MAX: usize = 25;
/// Clauses that stand for a noun.
static CLAUSES: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    [
        r"(?i)\bwhat (is|was|are|were|has|had|waits?|waited|comes?|came|goes|went|passe[sd]|remains?|stays?|stands?|lasts?|exceeds|fits|follows|lies|cannot|can|may|must|does|did|there|they|it|a|the|hoptrail|sled|both|one|each)\b",
        r"(?i)(^|[.,:;(] |\b(of|by|to|from|with|for|and|or|tells?|told|says?|knows?|where) )who\b",
    ]
    .map(pattern)
});
static CODE: LazyLock<Regex> = LazyLock::new(|| pattern("`[^`]*`"));
static GROUPED_DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern("([0-9]) ([0-9]{3})\\b"));
static ITEM: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ *(-|[0-9]+\.) "));
static SENTENCE_END: LazyLock<Regex> = LazyLock::new(|| pattern(r#"[.!?][)"*]* "#));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

#[test]
fn pages_are_in_plain_english() {
    let wrong: Vec<String> = PAGES.iter().flat_map(|page| wrong_in(page, &read(page))).collect();
    assert!(wrong.is_empty(), "{} places:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn settings_are_in_plain_english() {
    let sections = declared();
    let settings = sections.iter().flat_map(|declared| &declared.settings);
    let texts = settings.flat_map(|setting| {
        let reason = setting.reason.iter().map(|reason| (&setting.key, reason));
        reason.chain([(&setting.key, &setting.meaning)])
    });
    let wrong: Vec<String> = texts.flat_map(|(key, text)| wrong_in(key, text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn help_texts_are_in_plain_english() {
    let (mut commands, mut texts) = (vec![Args::command()], Vec::new());
    while let Some(command) = commands.pop() {
        let helps = command.get_arguments().filter_map(|argument| argument.get_help());
        texts.extend(command.get_about().into_iter().chain(helps).map(ToString::to_string));
        commands.extend(command.get_subcommands().cloned());
    }
    assert!(texts.len() > 40, "{} help texts were found", texts.len());
    let wrong: Vec<String> = texts.iter().flat_map(|text| wrong_in("help", text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_documentation_of_modules_is_in_plain_english() {
    let files = sources("src");
    let docs = files.iter().map(|(name, text)| {
        let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
        (name, lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n"))
    });
    let wrong: Vec<String> = docs.flat_map(|(name, docs)| wrong_in(name, &docs)).collect();
    assert!(files.len() > 100, "{} files were found", files.len());
    assert!(wrong.is_empty(), "{} places:\n{}", wrong.len(), wrong.join("\n"));
}

/// Sentences that are too long, and clauses that stand for nouns. Code is left out; in tables only clauses are found.
fn wrong_in(name: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for Block { line, text, is_prose } in blocks(text) {
        for sentence in sentences(&text) {
            let words = sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
            if is_prose && words > WORDS_MAX {
                wrong.push(format!("{name}:{line}: {words} words: {sentence}"));
            }
            let clauses = CLAUSES.iter().filter_map(|clause| clause.find(sentence));
            wrong.extend(clauses.map(|clause| format!("{name}:{line}: {:?} for a noun: {sentence}", clause.as_str())));
        }
    }
    wrong
}

/// A paragraph, an item of a list, or a row of a table, with the number of its first line.
struct Block {
    line: usize,
    text: String,
    is_prose: bool,
}

/// What Markdown shows as text. Headings and code are left out, and code within a line counts as one
/// word, as does a number.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut fenced, mut goes_on) = (false, false);
    for (index, line) in page.lines().enumerate() {
        fenced ^= line.starts_with("```");
        let is_row = line.starts_with('|');
        let is_code = fenced || line.starts_with("```") || (line.starts_with("    ") && !goes_on);
        if is_code || line.is_empty() || line.starts_with('#') || line.starts_with("<!--") || line.starts_with("|--") {
            goes_on = false;
            continue;
        }
        let is_item = ITEM.is_match(line);
        let text = ITEM.replace(line, "").into_owned();
        match blocks.last_mut().filter(|_| goes_on && !is_item && !is_row) {
            Some(block) => block.text.extend([" ", text.trim()]),
            None => blocks.push(Block { line: index + 1, text, is_prose: !is_row }),
        }
        goes_on = !is_row;
    }
    for block in &mut blocks {
        let text = CODE.replace_all(&block.text, "code");
        block.text = GROUPED_DIGITS.replace_all(&text, "$1$2").into_owned();
    }
    blocks
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut ends: Vec<usize> = SENTENCE_END.find_iter(text).map(|found| found.end()).collect();
    ends.push(text.len());
    ends.into_iter().scan(0, move |begin, end| text.get(std::mem::replace(begin, end)..end))
}

#[test]
fn planted_faults_are_found() {
    let long = "word ".repeat(WORDS_MAX) + "more.";
    let found = |text: &str| wrong_in("page", text).len();
    assert_eq!(found(&long), 1);
    assert_eq!(found(&format!("Short. {long} Short.")), 1);
    assert_eq!(found(&format!("- Short.\n- {}", long.replace(" more", "\n  more"))), 1, "an item goes on");
    assert_eq!(found(&format!("Half of it\n\n{}", "word ".repeat(WORDS_MAX))), 0, "paragraphs end sentences");
    assert_eq!(found(&format!("```\n{long}\n```\n\n    {long}\n\n| {long} |\n\n`{long}` # {long}")), 1, "code, tables");
    for clause in ["What waits is lost.", "It counts what has passed.", "| what comes | waits |", "Who asks is told."] {
        assert_eq!(found(clause), 1, "{clause}");
    }
    assert_eq!(found("A message says what happened, to what, and what to do."), 0);
}
