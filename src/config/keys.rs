//! The keys, one definition each: what it is for, its name, its type, its default and its bounds. The struct, its defaults, how
//! a source sets a key, the flags of `flashsale serve` and `flash_sale.example.toml` all follow from these definitions.

use ipnet::IpNet;

use super::choice::LogFormat;
use super::listen::Listen;
use super::origin::Origin;
use super::secrets::{AdminToken, FeedToken, StripeSecret, WebhookSecret};
use super::value::{Setting, Value};
use crate::sale::{Currency, FailedPayment, LatePayment};
use crate::store::{Durability, Place};

/// A key, and what can be done with it without knowing its type.
pub struct Key {
    pub name: &'static str,
    /// The group of keys that it stands in.
    pub section: &'static str,
    /// What it is for: a summary, and further lines.
    pub about: &'static [&'static str],
    /// In TOML; `None` where nothing is set.
    pub default: Option<&'static str>,
    pub is_secret: bool,
    /// The values that are allowed, where they are few or bounded; else empty.
    pub allowed: fn() -> String,
    pub set: fn(&mut Config, Value<'_>) -> Result<(), String>,
}

impl Key {
    pub fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }
}

/// Names the key that was probably meant, or where all keys are listed.
pub fn unknown_key(name: &str) -> String {
    const LIKENESS_MIN: f64 = 0.8;
    let likeness = |key: &Key| strsim::jaro_winkler(name, key.name);
    let mut alike: Vec<&Key> = KEYS
        .iter()
        .filter(|key| likeness(key) >= LIKENESS_MIN)
        .collect();
    alike.sort_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match alike.last() {
        Some(key) => format!("there is no such key; did you mean {}?", key.name),
        None => "there is no such key; flash_sale.example.toml lists all".into(),
    }
}

macro_rules! keys {
    ($($section:literal {
        $($(#[doc = $about:literal])+ $name:ident: $type:ty $(= $default:tt)? $(=> $bounds:expr)?;)+
    })+) => {
        /// What is configured.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $($($(#[doc = $about])+ pub $name: $type,)+)+
        }

        impl Default for Config {
            fn default() -> Config {
                Config { $($($name: keys!(@default $(($default))? $(, $bounds)?),)+)+ }
            }
        }

        /// Every key, in the order of the example file.
        pub const KEYS: &[Key] = &[$($(Key {
            name: stringify!($name),
            section: $section,
            about: &[$($about),+],
            default: keys!(@text $($default)?),
            is_secret: <$type as Setting>::IS_SECRET,
            allowed: || keys!(@allowed $type $(, $bounds)?),
            set: |config, value| {
                config.$name = keys!(@read value $(, $bounds)?)?;
                Ok(())
            },
        },)+)+];
    };
    (@default) => { None };
    (@default ($default:tt) $(, $bounds:expr)?) => {{
        let value = stringify!($default).parse().expect("a default is TOML");
        keys!(@read (Value::Toml(&value)) $(, $bounds)?).expect("a default is allowed")
    }};
    (@text) => { None };
    (@text $default:tt) => { Some(stringify!($default)) };
    (@read $value:tt) => { Setting::read($value) };
    (@read $value:tt, $bounds:expr) => { $value.whole(&$bounds) };
    (@allowed $type:ty) => { <$type as Setting>::allowed() };
    (@allowed $type:ty, $bounds:expr) => { format!("{} to {}", $bounds.start(), $bounds.end()) };
}

keys! {
    "The server" {
        /// The database file, created readable by its owner alone; in the file and the environment, a PostgreSQL server's URL, too.
        /// A symbolic link, a file of two names, and one that is mounted apart from its folder are refused: its log would not
        /// be beside it. A URL is postgres://USER:PASSWORD@HOST/DATABASE; it stands in no flag, and a file with a password must be
        /// readable by its owner alone.
        db: Place = "flash_sale.db";

        /// Address and port, or unix:PATH; port 0 takes a free one.
        /// ":8000" and "localhost:8000" are 127.0.0.1:8000. An address that others can reach, and every Unix socket, needs
        /// webhook_secrets and require_tokens, or allow_open.
        listen: Listen = "127.0.0.1:8000";

        /// An address of its own for /metrics, as listen is one; by default they stand among the API's paths.
        /// Nothing else is there, and no token is asked for: an address that only the monitoring can reach.
        metrics_listen: Option<Listen>;
    }
    "The sale" {
        /// Seconds that a hold keeps its units.
        /// Long enough to check out, short enough for the next customer in the queue.
        hold_ttl_s: u32 = 120 => 1..=86_400;

        /// Seconds that an order waits for its payment, 0 for ever.
        /// The units of an order that was not paid in time are free again.
        order_ttl_s: u32 = 900 => 0..=31_536_000;

        /// What becomes of a payment after its order was cancelled or has expired.
        /// "refund" makes a refund due, "accept" takes the units again if they are still there.
        late_payment: LatePayment = "refund";

        /// What becomes of a pending order when /api/payments/webhook reports a failure.
        /// "cancel" ends it; "keep" changes nothing, for a provider that reports each attempt: an order that is never paid ends
        /// at its deadline.
        failed_payment: FailedPayment = "cancel";

        /// The currency of all prices, an ISO 4217 code with two decimals ("EUR"); products, holds and orders then name it.
        /// The first that a database is served with is kept in it, and the database is served with no other.
        currency: Option<Currency>;

        /// Seconds that a payment event waits for an order that does not exist yet.
        /// Some providers report a payment before the shop has its order.
        parked_ttl_s: u32 = 86400 => 1..=31_536_000;

        /// Payment events that may wait so.
        /// The bound on what a confused provider can pile up.
        parked_max: u32 = 10000 => 0..=1_000_000;

        /// Seconds that an answer is kept under its Idempotency-Key.
        /// Longer than any client goes on to try again.
        idempotency_ttl_s: u32 = 86400 => 1..=31_536_000;

        /// Seconds that an event stays in the feed.
        /// Longer than a shop's consumer of events is ever down; what is older is forgotten.
        events_ttl_s: u32 = 2592000 => 1..=31_536_000;
    }
    "Who may do what" {
        /// Secrets that payment webhooks are signed with (Standard Webhooks): whsec_ and 24 to 64 bytes in base64.
        /// `echo whsec_$(openssl rand -base64 32)` makes one; two while the provider changes from one to the other; [] checks
        /// no signatures. A file with a secret must be readable by its owner alone. The README's example is refused where
        /// others can reach the server.
        webhook_secrets: Vec<WebhookSecret> = [];

        /// The secrets of Stripe's webhook endpoint, as its dashboard shows them: whsec_ and more.
        /// /api/payments/stripe takes Stripe's own events with them, and needs currency; two while one is rolled. Without
        /// webhook_secrets beside them, /api/payments/webhook takes nothing. A file with a secret must be readable by its owner
        /// alone.
        stripe_secrets: Vec<StripeSecret> = [];

        /// Whether events of Stripe's test mode count, which are of no real money.
        stripe_test_mode: bool = false;

        /// Whether a request for a hold or an order must show its token.
        /// With false, every client that knows an id may use it.
        require_tokens: bool = false;

        /// The operator's token, 16 to 255 visible ASCII characters.
        /// Without one there is no operator's API.
        admin_token: Option<AdminToken>;

        /// The token of the shop's own programs that read the feed of events, 16 to 255 visible ASCII characters.
        /// Without one there is no feed. Not the operator's: a program that ships needs to change nothing here.
        feed_token: Option<FeedToken>;

        /// Origins of storefront pages that may call the API from a browser, exactly as browsers send them, or ["*"].
        /// A page whose origin is not listed is refused by the browser, and its writes by the server.
        cors_origins: Vec<Origin> = [];

        /// Addresses or networks ("10.0.0.0/8") of proxies whose X-Forwarded-For and X-Forwarded-Host are believed.
        /// A proxy brings requests from elsewhere, and so needs what a public address needs.
        trusted_proxies: Vec<IpNet> = [];

        /// Lets a server that others can reach serve without secrets and tokens.
        /// Every client may then pay, cancel and release what is not its own.
        allow_open: bool = false;
    }
    "The front" {
        /// Connections at once.
        /// At the limit the connection that has been idle for longest is closed. Lowered, with a warning, where the limit on
        /// descriptors cannot be raised to fit.
        max_connections: usize = 10000 => 1..=1_000_000;

        /// Connections at once from one address, 0 for no limit.
        /// Trusted proxies are not counted.
        max_connections_per_ip: usize = 0 => 0..=1_000_000;

        /// Event loops, 0 for as many as cores.
        /// Each is a thread that serves its share of the connections.
        http_threads: usize = 0 => 0..=256;

        /// Threads for requests that may take long, which are lists and figures.
        /// Each reads the database, and more than 16 at once read no faster: a value above 16 does what 16 does.
        threads_max: usize = 256 => 1..=4096;

        /// Seconds from the first byte of a request to the end of its head, in total.
        /// A client that sends a byte now and then keeps nothing open.
        head_timeout_s: u32 = 5 => 1..=3600;

        /// Seconds for the body of a request, in total.
        body_timeout_s: u32 = 5 => 1..=3600;

        /// Seconds that a connection may be idle between requests.
        /// Longer than a proxy or a pool of connections keeps one, which is mostly 60, so that it never sends a request into a
        /// connection that is being closed.
        idle_timeout_s: u32 = 75 => 1..=3600;

        /// Seconds for a client to take its answer, in total.
        write_timeout_s: u32 = 5 => 1..=3600;

        /// Requests that may wait for an event loop or a thread, and commands that may wait for the writer.
        /// Each further one is answered 503 at once.
        queue_max: usize = 4096 => 1..=1_000_000;

        /// Milliseconds that a request or a command may wait so.
        /// What has waited longer is not executed, and is answered 503.
        request_deadline_ms: u32 = 3000 => 1..=600_000;

        /// Seconds that requests have to end when the server is asked to stop.
        /// Readers of other processes have as long to let go of the log.
        drain_s: u32 = 5 => 0..=60;
    }
    "The store" {
        /// Commands in one transaction.
        /// One fsync serves them all.
        batch_max: usize = 512 => 1..=10_000;

        /// When an answer is durable.
        /// "full": it is on the disk before it is given. "normal" is faster and may lose the last commits on power loss, never
        /// consistency.
        durability: Durability = "full";
    }
    "The log" {
        /// Lines of text, or a JSON object a line. RUST_LOG sets the level.
        log_format: LogFormat = "text";

        /// Lines of answered requests in a second, so that a burst does not fill the disk.
        /// Beyond it, errors of ours (5xx) still have their lines, and one line counts the rest by route and status; with 0
        /// there are only lines of errors of ours.
        log_requests_per_s: u32 = 200 => 0..=1_000_000;
    }
}
