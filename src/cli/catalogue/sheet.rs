//! A spreadsheet saved as CSV, read to the letter of RFC 4180 (<https://www.rfc-editor.org/rfc/rfc4180>, section 2): records
//! of cells, and the line of the file in which each begins.
//!
//! The `csv` crate reads on where a quote stands in the wrong place, and what it then makes of the cell is not what the shop
//! wrote. A catalogue is refused there, so each byte is looked at here.

use std::borrow::Cow;

pub struct Sheet<'a> {
    rest: &'a str,
    /// The line in which `rest` begins.
    line: u64,
    separator: char,
}

pub struct Record<'a> {
    pub line: u64,
    /// Without spaces at their ends.
    pub cells: Vec<Cow<'a, str>>,
}

/// A quote where none may stand; the record is lost.
#[derive(Debug, PartialEq, Eq)]
pub struct Misquoted {
    pub line: u64,
    pub cell_index: usize,
    pub why: &'static str,
}

const LINE_ENDS: [char; 2] = ['\n', '\r'];

const QUOTE_INSIDE: &str = "a quote stands inside of the cell; put the whole cell in quotes and write each quote in it twice, like \"12\"\" vinyl\"";
const TEXT_AFTER: &str = "text follows the quote that ends the cell; write each quote inside of a cell twice, like \"12\"\" vinyl\"";
const NEVER_CLOSED: &str = "the quote that begins the cell is never closed";

impl<'a> Sheet<'a> {
    /// Cells are separated by what a first line `sep=;` says, as Excel writes it, else by what the header shows. `Err`: a
    /// first line `sep=` that says neither a comma nor a semicolon.
    pub fn new(text: &'a str) -> Result<Sheet<'a>, &'static str> {
        let mut sheet = Sheet {
            rest: text,
            line: 1,
            separator: ',',
        };
        if let Some(separator) = sep_line(text) {
            sheet.separator = match separator {
                "," => ',',
                ";" => ';',
                _ => return Err("after sep= there must stand a comma or a semicolon"),
            };
            sheet.skip_line();
        } else {
            sheet.separator = separator_of(text);
        }
        Ok(sheet)
    }

    /// Whether cells are separated by semicolons, as where a comma stands in numbers.
    pub fn is_of_semicolons(&self) -> bool {
        self.separator == ';'
    }

    /// The next cell, and whether the record goes on after it.
    fn cell(&mut self) -> Result<(Cow<'a, str>, bool), &'static str> {
        let (cell, length) = match self.rest.strip_prefix('"') {
            Some(quoted) => {
                let (cell, length) = quoted_cell(quoted)?;
                (cell, length + 1)
            }
            None => {
                let ends =
                    |char| char == self.separator || char == '"' || LINE_ENDS.contains(&char);
                let length = self.rest.find(ends).unwrap_or(self.rest.len());
                (Cow::Borrowed(&self.rest[..length]), length)
            }
        };
        self.skip(length);
        if self.rest.starts_with('"') {
            return Err(QUOTE_INSIDE);
        }
        if let Some(rest) = self.rest.strip_prefix(self.separator) {
            self.rest = rest;
            return Ok((trimmed(cell), true));
        }
        if !(self.rest.is_empty() || self.rest.starts_with(LINE_ENDS)) {
            return Err(TEXT_AFTER);
        }
        self.skip_line_end();
        Ok((trimmed(cell), false))
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += line_ends(skipped);
        self.rest = rest;
    }

    fn skip_line_end(&mut self) {
        let ends = ["\r\n", "\n", "\r"];
        if let Some(rest) = ends.iter().find_map(|end| self.rest.strip_prefix(end)) {
            self.rest = rest;
            self.line += 1;
        }
    }

    fn skip_line(&mut self) {
        let length = self.rest.find(LINE_ENDS).unwrap_or(self.rest.len());
        self.skip(length);
        self.skip_line_end();
    }
}

impl<'a> Iterator for Sheet<'a> {
    type Item = Result<Record<'a>, Misquoted>;

    /// The next record that has a value in any cell.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            let mut cells = Vec::new();
            let mut goes_on = true;
            while goes_on {
                match self.cell() {
                    Ok((cell, more)) => {
                        cells.push(cell);
                        goes_on = more;
                    }
                    Err(why) => {
                        self.skip_line();
                        return Some(Err(Misquoted {
                            line,
                            cell_index: cells.len(),
                            why,
                        }));
                    }
                }
            }
            if cells.iter().any(|cell| !cell.is_empty()) {
                return Some(Ok(Record { line, cells }));
            }
        }
        None
    }
}

/// What a quoted cell says, and its length with the quote that ends it.
fn quoted_cell(quoted: &str) -> Result<(Cow<'_, str>, usize), &'static str> {
    let mut searched = 0;
    loop {
        let found = quoted[searched..].find('"').ok_or(NEVER_CLOSED)?;
        let end = searched + found;
        if quoted[end + 1..].starts_with('"') {
            searched = end + 2;
            continue;
        }
        let cell = &quoted[..end];
        let text = if searched == 0 {
            Cow::Borrowed(cell)
        } else {
            Cow::Owned(cell.replace("\"\"", "\""))
        };
        return Ok((text, end + 1));
    }
}

fn trimmed(cell: Cow<'_, str>) -> Cow<'_, str> {
    match cell {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// How many lines end in the text, by LF, CRLF or CR.
fn line_ends(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count() as u64
}

/// What follows `sep=` in a first line that says so.
fn sep_line(text: &str) -> Option<&str> {
    let line = text.split(LINE_ENDS).next().unwrap_or_default().trim();
    let line = line
        .strip_prefix('"')
        .and_then(|line| line.strip_suffix('"'))
        .unwrap_or(line);
    let (word, separator) = line.split_at_checked("sep=".len())?;
    word.eq_ignore_ascii_case("sep=").then_some(separator)
}

/// No column's name has a comma or a semicolon in it.
fn separator_of(text: &str) -> char {
    let mut lines = text.split(LINE_ENDS);
    let header = lines.find(|line| line.contains(char::is_alphanumeric));
    let header = header.unwrap_or_default();
    if header.contains(';') && !header.contains(',') {
        ';'
    } else {
        ','
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Read = Result<(u64, Vec<String>), (u64, usize)>;

    fn read(text: &str) -> Vec<Read> {
        let records = Sheet::new(text).unwrap();
        records
            .map(|record| match record {
                Ok(Record { line, cells }) => {
                    Ok((line, cells.into_iter().map(Cow::into_owned).collect()))
                }
                Err(misquoted) => Err((misquoted.line, misquoted.cell_index)),
            })
            .collect()
    }

    fn record(line: u64, cells: &[&str]) -> Read {
        Ok((line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn records_are_read_with_their_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = [
                "a,b",
                "",
                ",",
                "\"x\"\"y\",\"1",
                "2\"",
                " c , d ",
                "\"\",\"\"",
            ]
            .join(end);
            for text in [text.clone(), text + end] {
                let inner = format!("1{end}2");
                assert_eq!(
                    read(&text),
                    [
                        record(1, &["a", "b"]),
                        record(4, &["x\"y", &inner]),
                        record(6, &["c", "d"]),
                    ],
                    "{text:?}"
                );
            }
        }
        assert_eq!(read(""), []);
        assert_eq!(read("a,"), [record(1, &["a", ""])]);
        assert_eq!(read("a,\n"), [record(1, &["a", ""])]);
    }

    #[test]
    fn a_quote_in_the_wrong_place_is_never_read_over() {
        for (text, cell_index) in [
            ("12\" vinyl,b", 0),
            ("a,b\"", 1),
            ("a, \"b\"", 1),
            ("a,\"b\" ", 1),
            ("\"12\" vinyl\",b", 0),
            ("a,\"b\"\"", 1),
            ("a,\"", 1),
            ("\"a\"x,b", 0),
            ("a,\"b\\\"c\"", 1),
        ] {
            assert_eq!(read(text), [Err((1, cell_index))], "{text}");
            let after = format!("{text}\nc,d\n");
            assert_eq!(read(&after)[0], Err((1, cell_index)), "{after}");
            assert_eq!(read(&after)[1], record(2, &["c", "d"]), "{after}");
        }
        assert_eq!(
            read("\"a\nb\" x,c\nd,e"),
            [Err((1, 0)), record(3, &["d", "e"])]
        );
    }

    #[test]
    fn what_separates_cells_is_said_or_shown() {
        assert_eq!(
            read("a;b\n1,5;2"),
            [record(1, &["a", "b"]), record(2, &["1,5", "2"])]
        );
        assert_eq!(
            read("a,b\n1;5,2"),
            [record(1, &["a", "b"]), record(2, &["1;5", "2"])]
        );
        for line in ["sep=;", "\"sep=;\"", "SEP=; "] {
            let text = format!("{line}\r\na;b,c");
            assert_eq!(read(&text), [record(2, &["a", "b,c"])]);
        }
        assert_eq!(read("sep=,\na;b,c"), [record(2, &["a;b", "c"])]);
        for other in ["sep=\t\na", "sep=\na", "sep=;;\na", "sep=é\na"] {
            assert!(Sheet::new(other).is_err(), "{other:?}");
        }
        assert_eq!(read("\n;;\na;b"), [record(3, &["a", "b"])]);
    }

    proptest! {
        /// Whatever is read without a complaint, the csv crate reads in the same way: it differs only where it forgives.
        #[test]
        fn what_is_read_is_what_is_written(text in "[ab\",;\r\n ]{0,40}") {
            let sheet = Sheet::new(&text).unwrap();
            let separator = u8::try_from(sheet.separator).unwrap();
            let Ok(ours) = sheet.collect::<Result<Vec<_>, _>>() else {
                return Ok(());
            };
            let mut theirs = csv::ReaderBuilder::new();
            theirs.has_headers(false).flexible(true).trim(csv::Trim::All).delimiter(separator);
            let theirs = theirs.from_reader(text.as_bytes()).into_records().map(Result::unwrap);
            let theirs: Vec<Vec<String>> = theirs
                .map(|record| record.iter().map(str::to_owned).collect())
                .filter(|cells: &Vec<String>| cells.iter().any(|cell| !cell.is_empty()))
                .collect();
            let ours: Vec<Vec<String>> = ours
                .into_iter()
                .map(|record| record.cells.into_iter().map(Cow::into_owned).collect())
                .collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn what_a_spreadsheet_writes_is_read(
            cells in proptest::collection::vec(proptest::collection::vec("[a-z\",;\r\n\u{e9}]{1,8}", 3), 1..6),
            is_of_semicolons: bool,
        ) {
            let separator = if is_of_semicolons { ';' } else { ',' };
            let mut written = csv::WriterBuilder::new();
            written.delimiter(u8::try_from(separator).unwrap()).terminator(csv::Terminator::CRLF);
            let mut written = written.from_writer(format!("sep={separator}\r\n").into_bytes());
            for record in &cells {
                written.write_record(record).unwrap();
            }
            let text = String::from_utf8(written.into_inner().unwrap()).unwrap();
            let mut line = 2;
            let mut expected = Vec::new();
            for record in &cells {
                let trimmed: Vec<&str> = record.iter().map(|cell| cell.trim()).collect();
                if trimmed.iter().any(|cell| !cell.is_empty()) {
                    expected.push(self::record(line, &trimmed));
                }
                line += 1 + record.iter().map(|cell| line_ends(cell)).sum::<u64>();
            }
            prop_assert_eq!(read(&text), expected);
        }
    }
}
