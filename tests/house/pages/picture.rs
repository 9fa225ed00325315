//! The README shows a real answer: the one that the demo's day is held to. With `HOPTRAIL_WRITE_DOCS=1` it is written
//! anew.

use super::read;
use super::settings::same_or_write;

const ANSWERS: &str = "fixtures/answers/tap/command-orders.txt";
/// The order that MES refused.
const COMMAND: &str = "$ hoptrail order JW-2026-001008";

#[test]
fn the_readme_shows_a_real_answer() {
    let (page, answers) = (read("README.md"), read(ANSWERS));
    let (_, answer) = answers.split_once(&format!("{COMMAND} --url URL\n")).expect("the answer");
    let answer = answer.split("\n$ ").next().expect("an end").trim_end();
    let (before, shown) = page.split_once(&format!("```\n{COMMAND}\n")).expect("the picture");
    let (_, after) = shown.split_once("\n```\n").expect("its end");
    same_or_write("README.md", &page, &format!("{before}```\n{COMMAND}\n{answer}\n```\n{after}"));
}
