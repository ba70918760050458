//! Rows of words under each other.

use super::ui::Ui;
use crate::error::Result;

/// Prints rows, each column as wide as its widest word; the last one is not filled up.
pub(super) fn print(ui: &mut Ui, rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let rows: Vec<Vec<String>> = rows.collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|word| word.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in &rows {
        let words = row.iter().zip(&widths).map(|(word, width)| format!("{word:width$}"));
        ui.line(words.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
