//! Stories of threads that meet, each told in thousands of orders. `FLASHSALE_TEST_SCHEDULES` for more; what fails prints the
//! seed of its scheduler, and the schedule for `shuttle::replay`. Each story is told of the program with a bug put in, too, and
//! is seen to fail.

#![allow(clippy::unwrap_used)]

mod connections;
mod explored;
mod long_polls;
mod mailbox;
mod pool;
mod product_cache;
mod writer;
