//! What verbs print. Stdout is data, stderr is for people.

use crate::error::{Error, Result};

/// Data for stdout. A reader that went away (`| head`) is no error.
///
/// # Errors
/// Stdout cannot take it: the disk that it goes to is full.
pub fn print(text: &str) -> Result<()> {
    use std::io::{ErrorKind, Write};
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::output("stdout", e)),
        _ => Ok(()),
    }
}

/// One JSON object for stdout, with a line end.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

/// Columns aligned, the first to the left, those of numbers to the right.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let numeric = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || "+-−~".contains(c)) || text.is_empty();
    let right: Vec<bool> =
        (0..columns).map(|c| c > 0 && rows.iter().skip(1).filter_map(|r| r.get(c)).all(|t| numeric(t))).collect();
    crate::report::table::aligned(rows, &right)
}
