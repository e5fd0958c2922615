//! What a payment provider reports about money that came before: it went back, or its payer disputes it.

use super::text::text_enum;

text_enum! {
    pub enum Dispute {
        Open = "open",
        Won = "won",
        Lost = "lost",
    }
}
