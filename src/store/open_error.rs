//! Why a database is not opened.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "there is no database; `flashsale seed` and `flashsale serve` make one (`flashsale serve --demo` with the sample \
         catalogue), and --db names another"
    )]
    Missing,
    #[error(
        "it is a symbolic link, and a database that others can swap is refused: name the file itself"
    )]
    Symlink,
    #[error(
        "it has {names} names (hard links), and under each its log would be another: keep one name, or copy it with \
         `flashsale backup`"
    )]
    HardLinked { names: u64 },
    #[error(
        "it is mounted apart from its folder, where its log would not outlive the container: mount the folder that it is in"
    )]
    MountedAlone,
    #[error(
        "the log beside it, {}, belongs to another file, and would be played into this one: put the file back that it \
         belongs to, or, if this one is meant, move the log away", .0.display()
    )]
    ForeignLog(PathBuf),
    #[error("its schema is not the one of its version: `{0}` differs")]
    SchemaDiffers(String),
    #[error("another flashsale serves this database")]
    Served,
    #[error("{0}")]
    Displaced(String),
    #[error("it is not a flashsale database")]
    NotOurs,
    #[error("it is not a whole flashsale database: {0}")]
    Damaged(String),
    #[error("its schema has version {found}, and this program knows versions up to {known}")]
    Newer { found: i64, known: i64 },
    #[error(
        "its schema is older than this program; `flashsale serve` or `flashsale seed` will migrate it"
    )]
    Older,
    #[error(
        "it is a copy that an older `flashsale backup` made: `flashsale restore FILE DEST` makes a database of this version out \
         of it"
    )]
    OlderCopy,
    #[error(
        "it is a copy that `flashsale backup` made, which is only read: `flashsale restore FILE DEST` makes a database to \
         serve out of it"
    )]
    Copy,
    #[error("it cannot be created: {0}")]
    CannotCreate(io::Error),
    #[error("this user may not read and write it: {0}")]
    NotPermitted(String),
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("it was written while it was read; what was read may be of two states")]
    Changed,
    #[error("there is a flashsale database already")]
    Taken,
    #[error("another process keeps it busy")]
    Busy,
    #[error("the system gives no randomness: {0}")]
    NoRandomness(String),
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Unsuitable(String),
    #[error("{0}")]
    Engine(String),
}
