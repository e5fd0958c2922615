//! What came of a rehearsal, as a table for a terminal.

use crate::rehearsal::Outcome;

pub fn text(outcome: &Outcome, sentence: &str) -> String {
    let rows = outcome.rows();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("{name:width$}  {value}"))
        .collect();
    lines.push(String::new());
    lines.extend(aligned(&outcome.waits()));
    if !outcome.findings.is_empty() {
        lines.push(String::new());
        lines.extend(outcome.findings.iter().cloned());
    }
    lines.push(String::new());
    lines.push(sentence.into());
    lines.join("\n")
}

/// The first column to the left, the figures to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}
