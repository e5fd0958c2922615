//! Text becomes values: what a value must be, in words and in code, and values by name, of which every wrong one is told.
//! Shared by what HTTP brings and what the command line reads.

mod fields;
pub mod formats;
mod json_text;
mod values;

pub use fields::Fields;
pub use formats::Format;
pub use json_text::InvalidJson;
pub use values::{FINISHED, Values, WrongValues};
