//! Where a file is struck, and how.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use rusqlite::Connection;

use super::found::Files;
use crate::dice::Dice;

/// Bytes of one of the files that mean the same kind of thing.
pub struct Region {
    pub name: String,
    /// Which file.
    pub file: usize,
    pub ranges: Vec<Range<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    FlipABit,
    /// So many bytes.
    Zero(usize),
    Ones(usize),
    /// What comes after is gone.
    Cut,
}

pub const HOWS: [How; 6] = [
    How::FlipABit,
    How::Zero(8),
    How::Ones(8),
    How::Zero(PAGE),
    How::Ones(PAGE),
    How::Cut,
];

#[derive(Clone)]
pub struct Blow {
    pub region: String,
    pub file: usize,
    pub at: usize,
    pub how: How,
    bit: u8,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}, {:?}", self.region, self.at, self.how)?;
        if self.how == How::FlipABit {
            write!(f, " {}", self.bit)?;
        }
        Ok(())
    }
}

impl Blow {
    /// At a chance byte of the region.
    pub fn in_region(region: &Region, how: How, dice: &mut Dice) -> Blow {
        let below = |bound: usize, dice: &mut Dice| {
            usize::try_from(dice.below(i64::try_from(bound).unwrap())).unwrap()
        };
        let range = &region.ranges[below(region.ranges.len(), dice)];
        let at = range.start + below(range.len(), dice);
        let is_of_a_page = matches!(how, How::Zero(PAGE) | How::Ones(PAGE)) && range.len() == PAGE;
        let at = if is_of_a_page { range.start } else { at };
        Blow {
            region: region.name.clone(),
            file: region.file,
            at,
            how,
            bit: u8::try_from(dice.below(8)).unwrap(),
        }
    }

    /// `None`: nothing changes.
    pub fn strike(&self, files: &Files) -> Option<Files> {
        let mut struck = files.clone();
        let bytes = struck[self.file].as_mut().unwrap();
        let end = |count: usize| (self.at + count).min(bytes.len());
        match self.how {
            How::FlipABit => bytes[self.at] ^= 1 << self.bit,
            How::Zero(count) => {
                let end = end(count);
                bytes[self.at..end].fill(0);
            }
            How::Ones(count) => {
                let end = end(count);
                bytes[self.at..end].fill(0xff);
            }
            How::Cut => bytes.truncate(self.at),
        }
        (struck != *files).then_some(struck)
    }
}

const PAGE: usize = 4096;
const HEADER: usize = 100;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Of a database without a log: what each page is for.
pub fn regions_of_database(files: &Files) -> Vec<Region> {
    let bytes = files[0].as_ref().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("looked-at.db");
    std::fs::write(&path, bytes).unwrap();
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare("select dbstat.name, pageno, coalesce(type, 'table') from dbstat left join sqlite_schema using (name)")
        .unwrap();
    let pages = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            usize::try_from(row.get::<_, i64>(1)?).unwrap(),
            row.get::<_, String>(2)?,
        ))
    });
    let mut regions: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
    let mut used = vec![false; bytes.len() / PAGE];
    for (name, number, kind) in pages.unwrap().map(Result::unwrap) {
        let start = (number - 1) * PAGE;
        used[number - 1] = true;
        let range = start + if number == 1 { HEADER } else { 0 }..start + PAGE;
        let region = if name == "sqlite_schema" {
            "schema".into()
        } else {
            format!("{kind} {name}")
        };
        regions.entry(region).or_default().push(range);
    }
    for (index, _) in used.iter().enumerate().filter(|(_, used)| !**used) {
        regions
            .entry("free pages".into())
            .or_default()
            .push(index * PAGE..(index + 1) * PAGE);
    }
    regions.insert("header".into(), std::iter::once(0..HEADER).collect());
    let region = |(name, ranges)| Region {
        name,
        file: 0,
        ranges,
    };
    regions.into_iter().map(region).collect()
}

/// Of the log and its index.
pub fn regions_of_log(files: &Files) -> Vec<Region> {
    let log = files[1].as_ref().unwrap().len();
    let frames = (log - LOG_HEADER) / (FRAME_HEADER + PAGE);
    let frame = |index| LOG_HEADER + index * (FRAME_HEADER + PAGE);
    let headers = (0..frames).map(|index| frame(index)..frame(index) + FRAME_HEADER);
    let bodies = (0..frames).map(|index| frame(index) + FRAME_HEADER..frame(index + 1));
    let index = files[2].as_ref().unwrap().len();
    let region = |name: &str, file, ranges| Region {
        name: name.into(),
        file,
        ranges,
    };
    vec![
        region("log header", 1, std::iter::once(0..LOG_HEADER).collect()),
        region("log frame headers", 1, headers.collect()),
        region("log frames", 1, bodies.collect()),
        region("index header", 2, std::iter::once(0..136).collect()),
        region("index", 2, std::iter::once(136..index).collect()),
    ]
}

/// Where each commit of the log ends. A frame's header tells, where it is a transaction's last, how many pages the database
/// has then (<https://www.sqlite.org/fileformat.html>, "The Write-Ahead Log").
pub fn commits_of_log(log: &[u8]) -> Vec<usize> {
    let salts = &log[16..24];
    let frames = log[LOG_HEADER..]
        .chunks_exact(FRAME_HEADER + PAGE)
        .enumerate();
    let own = frames.take_while(|(_, frame)| &frame[8..16] == salts);
    let commits = own.filter(|(_, frame)| frame[4..8] != [0; 4]);
    commits
        .map(|(index, _)| LOG_HEADER + (index + 1) * (FRAME_HEADER + PAGE))
        .collect()
}
