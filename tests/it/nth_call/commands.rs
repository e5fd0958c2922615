//! Every command that writes, and those that read beside a log: done, or refused with a sentence; whole, or not at all; and
//! where nothing fails any more the same command goes well.

use std::fmt;
use std::fs;
use std::path::Path;

use flashsale::store::Access;
use serde_json::json;
use tempfile::TempDir;

use super::process::{Exit, Process};
use super::sale::{database_in, stored};
use super::{Call, Counts, Gauges, Point, Shims, all_are_right, points, sample};
use crate::database;
use crate::server::{Premises, flashsale};

struct Case {
    name: &'static str,
    /// What is in the folder before.
    found: Found,
    arguments: &'static [&'static str],
    /// What it makes beside the database, and replaces nothing there.
    makes: Option<&'static str>,
    /// How far the wall clock is ahead.
    ahead_s: i64,
    /// Whether it prints something else each time.
    tells_the_time: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A database of the first version.
    Older,
    /// A database and its log, as a kill has left them.
    Killed,
    Backup,
}

const ORDINARY: Case = Case {
    name: "",
    found: Found::Killed,
    arguments: &[],
    makes: None,
    ahead_s: 0,
    tells_the_time: false,
};

const CASES: &[Case] = &[
    Case {
        name: "seed into nothing",
        found: Found::Nothing,
        arguments: &["seed", "-"],
        ..ORDINARY
    },
    Case {
        name: "seed of an older database",
        found: Found::Older,
        arguments: &["seed", "-"],
        ..ORDINARY
    },
    Case {
        name: "seed",
        arguments: &["seed", "-"],
        ..ORDINARY
    },
    Case {
        name: "sweep-holds",
        arguments: &["sweep-holds"],
        ahead_s: 130,
        ..ORDINARY
    },
    Case {
        name: "clock --set-back",
        arguments: &["clock", "--set-back"],
        ahead_s: -7200,
        tells_the_time: true,
        ..ORDINARY
    },
    Case {
        name: "backup",
        arguments: &["backup", "copy.db"],
        makes: Some("copy.db"),
        ..ORDINARY
    },
    Case {
        name: "restore of a backup",
        found: Found::Backup,
        arguments: &["restore", "copy.db", "flash_sale.db", "--skip-ids", "1000"],
        makes: Some("flash_sale.db"),
        ..ORDINARY
    },
    Case {
        name: "restore of a database",
        arguments: &["restore", "flash_sale.db", "new.db", "--skip-ids", "1000"],
        makes: Some("new.db"),
        ..ORDINARY
    },
    Case {
        name: "verify",
        arguments: &["verify"],
        ..ORDINARY
    },
    Case {
        name: "export",
        arguments: &["export", "movements"],
        ..ORDINARY
    },
];

const CATALOGUE: &str = "sku,name,price,total_stock\ntee,New Tee,89.99,60\ncap,Cap,9,5\n";
/// What may be in the folder afterwards, beside what SQLite calls after them.
const NAMES: [&str; 3] = ["flash_sale.db", "copy.db", "new.db"];

/// A case, and what it comes to where nothing fails.
struct Expected {
    case: &'static Case,
    before: String,
    /// The file is made, or migrated, by a transaction of its own.
    between: Option<String>,
    after: String,
    stdout: String,
    counts: Counts,
}

struct Workshop {
    shims: Shims,
    /// By their names.
    killed: Vec<(String, Vec<u8>)>,
    backup: Vec<(String, Vec<u8>)>,
    older: Vec<(String, Vec<u8>)>,
}

impl Workshop {
    fn new() -> Workshop {
        let premises = Premises::stocked(50);
        let server = premises.serve();
        for _ in 0..3 {
            assert_eq!(server.hold(1).0, 201);
        }
        assert_eq!(server.post("/api/orders", &json!({"hold_id": 1})).0, 201);
        server.kill();
        let found = |premises: &Premises, names: &[&str]| {
            let files = names.iter().map(|name| {
                let bytes = fs::read(premises.path().join(name)).unwrap();
                ((*name).to_owned(), bytes)
            });
            files.collect::<Vec<_>>()
        };
        let killed = found(&premises, &["flash_sale.db", "flash_sale.db-wal"]);
        premises.run(&["backup", "copy.db"]).succeeded();
        Workshop {
            shims: Shims::new(),
            killed,
            backup: found(&premises, &["copy.db"]),
            older: found(&Premises::of_version_1(), &["flash_sale.db"]),
        }
    }

    fn folder(&self, case: &Case) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files = match case.found {
            Found::Nothing => &[][..],
            Found::Older => &self.older,
            Found::Killed => &self.killed,
            Found::Backup => &self.backup,
        };
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    /// Runs it in the folder, and returns how it ended and which calls it made.
    fn run(
        &self,
        case: &Case,
        folder: &Path,
        at: Option<&Point>,
    ) -> Result<(Exit, Counts), String> {
        let gauges = Gauges::new();
        gauges.set_ahead(case.ahead_s);
        let input = tempfile::NamedTempFile::new().unwrap();
        fs::write(input.path(), CATALOGUE).unwrap();
        let mut command = flashsale();
        command
            .args(case.arguments)
            .current_dir(folder)
            .stdin(fs::File::open(input.path()).unwrap());
        gauges.are_over(&mut command, &self.shims, folder, at);
        let exit = Process::start(&mut command).exit()?;
        Ok((exit, gauges.counts()))
    }

    fn expected(&self, case: &'static Case) -> Expected {
        let folder = self.folder(case);
        let before = state(case, folder.path());
        let is_brought_up_to_date = matches!(case.found, Found::Nothing | Found::Older);
        let between = is_brought_up_to_date.then(|| {
            let folder = self.folder(case);
            let path = database_in(folder.path(), "");
            database::open(&path, Access::CreateOrMigrate).unwrap();
            stored(&path)
        });
        let (exit, counts) = self.run(case, folder.path(), None).unwrap();
        exit.is_told(&[0])
            .unwrap_or_else(|why| panic!("{}: {why}", case.name));
        Expected {
            case,
            before,
            between,
            after: state(case, folder.path()),
            stdout: exit.stdout,
            counts,
        }
    }

    fn verdict(&self, expected: &Expected, point: &Point) -> Result<String, String> {
        let case = expected.case;
        let folder = self.folder(case);
        let path = folder.path();
        let (exit, _) = self.run(case, path, Some(point))?;
        if !(point.kills() && exit.code.is_none()) {
            exit.is_told(&[0, 73, 74, 75, 77])?;
            // A folder that cannot be read or removed stays.
            if matches!(point.call, Call::Write | Call::Sync | Call::Truncate) {
                nothing_is_left(path)?;
            }
        }
        let state_now = state(case, path);
        let is_whole = state_now == expected.after;
        if exit.code == Some(0) {
            let tells_other = exit.stdout != expected.stdout && !case.tells_the_time;
            if !is_whole || tells_other {
                return Err(format!("it says that it is done: {}", exit.stdout));
            }
        } else if !is_whole
            && state_now != expected.before
            && Some(&state_now) != expected.between.as_ref()
        {
            return Err(format!("it is half done: {state_now}"));
        }
        self.goes_well(expected, path)?;
        Ok(exit
            .code
            .map_or("killed".into(), |code| format!("exit {code}")))
    }

    /// Once nothing fails any more.
    fn goes_well(&self, expected: &Expected, path: &Path) -> Result<(), String> {
        let case = expected.case;
        let is_made = case.makes.is_some_and(|name| path.join(name).exists());
        let (exit, _) = self.run(case, path, None)?;
        exit.is_told(&[if is_made { 73 } else { 0 }])?;
        let state_now = state(case, path);
        if state_now != expected.after {
            return Err(format!(
                "the second time it comes to something else: {state_now}"
            ));
        }
        for name in case.makes.into_iter().chain(["flash_sale.db"]) {
            if !path.join(name).exists() {
                continue;
            }
            let mut verify = flashsale();
            verify.args(["verify", "--db", name]).current_dir(path);
            let exit = Process::start(&mut verify).exit()?;
            exit.is_told(&[0])?;
        }
        Ok(())
    }
}

/// What is stored, as it would be found now: to look changes nothing of it.
fn state(case: &Case, folder: &Path) -> String {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    let made = case.makes.map(|name| stored(&copy.path().join(name)));
    stored(&database_in(copy.path(), "")) + made.as_deref().unwrap_or("")
}

fn nothing_is_left(folder: &Path) -> Result<(), String> {
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !NAMES.iter().any(|known| name.starts_with(known)) {
            return Err(format!("{name} is left"));
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Trial<'a>(&'a Expected, Point);

impl fmt::Display for Trial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.0.case.name, self.1)
    }
}

#[test]
fn at_every_call_of_a_command_it_is_whole_or_not_at_all() {
    let workshop = Workshop::new();
    let expected: Vec<Expected> = CASES.iter().map(|case| workshop.expected(case)).collect();
    let all: Vec<Trial> = expected
        .iter()
        .flat_map(|expected| {
            let points = points(expected.counts).into_iter();
            points.map(move |point| Trial(expected, point))
        })
        .collect();
    for expected in &expected {
        println!("{}: {:?} calls", expected.case.name, expected.counts);
    }
    all_are_right("commands", &sample(&all, 80), |Trial(expected, point)| {
        workshop.verdict(expected, point)
    });
}
