//! Why a rule stops.

use std::collections::HashSet;

use super::need::Need;
use crate::sale::rows::{OrderId, Quantity, Timestamp};

/// Why a rule stopped: the shop says no, or the working set lacks rows that the rule must see. Either way nothing was
/// changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Refused(Rejection),
    Needs(Vec<Need>),
}

impl Stop {
    pub fn needs(need: Need) -> Stop {
        Stop::Needs(vec![need])
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Stop {
        Stop::Refused(rejection)
    }
}

/// Refuses unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $rejection:expr $(,)?) => {
        if !$condition {
            return Err($crate::sale::working_set::Stop::Refused($rejection));
        }
    };
}
pub(in crate::sale) use ensure;

/// What all of the looks miss, asked for at once: a rule that stops at the first miss of many starts again for each.
pub fn all_looked_at<T>(looks: impl IntoIterator<Item = Result<T, Stop>>) -> Result<(), Stop> {
    let mut missing = Vec::new();
    let mut asked = HashSet::new();
    for look in looks {
        match look {
            Ok(_) => {}
            Err(Stop::Needs(needs)) => {
                missing.extend(needs.into_iter().filter(|need| asked.insert(need.clone())));
            }
            Err(refused @ Stop::Refused(_)) => return Err(refused),
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Stop::Needs(missing))
    }
}

/// The shop's "no", each function of the sale refusing in the order in which its reasons stand here. A refusal changed
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The same key came before with another request.
    KeyReused,

    /// The product that a body names does not exist.
    ProductUnknown,
    SaleNotStarted {
        starts_at: Timestamp,
    },
    SaleEnded,
    SalePaused,
    HoldLimitExceeded {
        limit: Quantity,
    },
    CustomerRequired,
    CustomerLimitExceeded {
        limit: Quantity,
        used: i64,
    },
    InsufficientStock {
        available: i64,
    },

    /// The hold that a path names does not exist.
    HoldNotFound,
    /// The hold that a body names does not exist.
    HoldUnknown,
    HoldExpired,
    HoldUsed {
        order: OrderId,
    },
    HoldReleased,

    /// The order that a path names does not exist.
    OrderNotFound,
    OrderPaid,
    OrderExpired,
    OrderRefunded,
    OrderNotPaid,
    /// More units than were bought.
    RefundTooLarge {
        bought: Quantity,
    },

    /// The order that an event names does not exist and is not about to.
    PaymentOrderUnknown,
    PaymentHoldUnknown,
    /// So many events already wait for their orders that no more are taken.
    ParkedFull,
    /// The payment does not exist, or no refund is due for it.
    RefundNotFound,
    RefundResolved,
    /// There is no order that the money could pay.
    RefundHasNoOrder,

    ProductNotFound,
    /// Another product has this sku.
    SkuTaken,
    WindowEmpty,
    /// The total would fall below what is reserved and sold.
    StockCommitted {
        committed: i64,
    },
    StockTooLarge,
}
