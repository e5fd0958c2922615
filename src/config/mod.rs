//! What is configured: a flag over the environment over the file over the default. Every bound of the program is here, and
//! each key has one definition, in `keys.rs`.

mod access;
mod choice;
mod config_error;
mod excerpt;
mod exposure;
mod file;
mod keys;
mod listen;
mod load;
mod networks;
mod origin;
mod secrets;
mod value;

use std::time::Duration;

use crate::sale::Terms;

pub use choice::LogFormat;
pub use config_error::ConfigError;
#[cfg(feature = "test-support")]
pub use file::set_all as read_text;
pub use keys::{Config, KEYS, Key};
pub use listen::Listen;
pub use load::{ENVIRONMENT_PREFIX, FILE_NAME, Flags, load, load_over};
pub use origin::Origin;
pub use secrets::{AdminToken, FeedToken, StripeSecret, WebhookSecret};

impl Config {
    pub fn terms(&self) -> Terms {
        Terms {
            hold_ttl_s: self.hold_ttl_s,
            order_ttl_s: (self.order_ttl_s > 0).then_some(self.order_ttl_s),
            late_payment: self.late_payment,
            failed_payment: self.failed_payment,
            parked_ttl_s: self.parked_ttl_s,
            parked_max: self.parked_max,
            idempotency_ttl_s: self.idempotency_ttl_s,
            currency: self.currency,
            events_ttl_s: self.events_ttl_s,
        }
    }

    pub fn wait_max(&self) -> Duration {
        Duration::from_millis(self.request_deadline_ms.into())
    }
}
