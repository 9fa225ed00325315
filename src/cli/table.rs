//! Tables as wide as the terminal. Longer cells are wrapped, never cut.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::text::{Mark, Paint};

/// A table of texts that are already harmless.
pub(super) fn table(headers: &[&str], rows: Vec<Vec<String>>, width: Option<u16>, paint: Paint) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(headers.iter().copied());
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for row in rows {
        table.add_row(row);
    }
    // Colours come after the table is laid out, so that they do not count as width.
    let mut lines = table.lines().map(|line| line.trim_end().to_owned());
    let head = lines.next().map(|line| paint.mark(Mark::Faint, &line)).unwrap_or_default();
    let mut text = head;
    for line in lines {
        text.push('\n');
        text += &line;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![vec!["order-0123456789-abcdef".into(), "it waits in a queue".into()], vec!["b".into(), String::new()]]
    }

    #[test]
    fn columns_line_up() {
        let text = table(&["ORDER", "WHY"], rows(), None, Paint::Bare);
        let expected = "ORDER                    WHY\norder-0123456789-abcdef  it waits in a queue\nb\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_narrow_terminal_wraps_and_cuts_nothing() {
        let text = table(&["ORDER", "WHY"], rows(), Some(24), Paint::Bare);
        assert!(text.lines().all(|line| line.chars().count() <= 24), "{text}");
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        let whole: String = rows().concat().concat() + "ORDERWHY";
        assert_eq!(letters(&text), letters(&whole), "{text}");
    }
}
