//! What a process ends with: 0 if its command is done, 1 if the command ran and found a problem, 2 if the command line was not
//! understood, else a status of sysexits.h.

macro_rules! exit_statuses {
    ($($name:ident = $status:literal, $meaning:literal;)+) => {
        $(pub const $name: u8 = $status;)+

        /// Every status but 0, and what it means.
        pub const MEANINGS: &[(u8, &str)] = &[$(($status, $meaning)),+];
    };
}

exit_statuses! {
    FOUND_A_PROBLEM = 1, "done, and it found a problem: books that have drifted, or a server that is not well";
    USAGE = 2, "the command line is not understood";
    BAD_DATA = 65, "the input is wrong, or the file is not a flashsale database, or damaged, or of a newer version";
    INPUT_MISSING = 66, "the input, the database or the configuration file that was named is not there";
    CANNOT_LISTEN = 69, "the address cannot be listened on";
    INTERNAL = 70, "the program itself failed";
    CANNOT_CREATE = 73, "a file cannot be created, or is there already";
    IO_ERROR = 74, "reading or writing failed";
    BUSY = 75, "busy, or of an older version that cannot be migrated just now: try again, or do what is said first";
    NOT_PERMITTED = 77, "this user may not";
    CONFIGURATION = 78, "the configuration is wrong: file, line and key are named";
    HUNG_UP = 129, "a rehearsal was broken off by SIGHUP";
    INTERRUPTED = 130, "a rehearsal was broken off by SIGINT";
    TERMINATED = 143, "a rehearsal was broken off by SIGTERM";
}
