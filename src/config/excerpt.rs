//! Lines of the configuration file, as messages name and show them.

use std::ops::Range;

/// The first line is 1.
pub fn line_number(text: &[u8], offset: usize) -> usize {
    let before = &text[..offset.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The line of `at`, and below it carets under what is meant.
pub fn excerpt(text: &str, at: Range<usize>) -> String {
    let before = text.get(..at.start).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let indent = before[start..].chars().count();
    let meant = text.get(at).and_then(|meant| meant.lines().next());
    let carets = meant.unwrap_or_default().chars().count().max(1);
    format!("  {line}\n  {:indent$}{:^<carets$}", "", "")
}
