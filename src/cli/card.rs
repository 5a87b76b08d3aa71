//! What fits a terminal: tables of a bounded width, and cards of one thing.

use super::output::table;

/// Columns of all that `list` prints for people, unless they are asked for in full.
pub const WIDTH: usize = 100;

/// As [`table`], with the last column cut where a line would be longer than [`WIDTH`].
pub fn fitting(mut rows: Vec<Vec<String>>) -> String {
    let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|t| t.chars().count()).max().unwrap_or(0);
    let last = rows.iter().map(Vec::len).max().unwrap_or(0).saturating_sub(1);
    let before: usize = (0..last).map(|i| width(i) + 2).sum();
    for text in rows.iter_mut().filter_map(|row| row.get_mut(last)) {
        *text = cut(text, WIDTH.saturating_sub(before));
    }
    table(&rows)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// One field to a line; long texts go on below themselves. Fields without text are left out.
pub fn card(fields: &[(&str, String)]) -> String {
    let beside = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    let mut out = String::new();
    for (name, text) in fields.iter().filter(|(_, text)| !text.is_empty()) {
        let mut lead = *name;
        for line in text.lines().flat_map(|line| wrapped(line, WIDTH - beside)) {
            out += &format!("{lead:<beside$}{line}\n");
            lead = "";
        }
    }
    out
}

/// Lines of at most `width` columns; a word that is longer has its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_is_cut_and_no_other() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let long = "word ".repeat(40);
        let text = fitting(vec![row("name", "words"), row(&"x".repeat(30), &long), row("y", "short")]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(lines[1].starts_with(&"x".repeat(30)) && lines[1].ends_with('…') && lines[2].ends_with("short"));
    }

    #[test]
    fn a_card_has_a_field_to_a_line_and_wraps_below_itself() {
        let long = "eleven chars ".repeat(20);
        let text = card(&[("name", "opus".into()), ("nothing", String::new()), ("source", long.clone())]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "name     opus");
        assert!(
            lines[1].starts_with("source   eleven") && lines[2].starts_with("         ") && !text.contains("nothing")
        );
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.split_whitespace().count(), 3 + long.split_whitespace().count(), "{text}");
    }
}
