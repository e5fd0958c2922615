//! What a process ends with: 0 if its command is done, 1 if the command ran and found a problem, 2 if the command line was not
//! understood, else a status of sysexits.h.

pub const FOUND_A_PROBLEM: u8 = 1;
pub const USAGE: u8 = 2;
pub const BAD_DATA: u8 = 65;
pub const INPUT_MISSING: u8 = 66;
pub const CANNOT_LISTEN: u8 = 69;
pub const INTERNAL: u8 = 70;
pub const CANNOT_CREATE: u8 = 73;
pub const IO_ERROR: u8 = 74;
pub const BUSY: u8 = 75;
pub const NOT_PERMITTED: u8 = 77;
pub const CONFIGURATION: u8 = 78;
