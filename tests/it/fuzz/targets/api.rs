//! The program but its sockets, on an empty file: it understands requests, and nothing asks its writer.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use flashsale::api::Api;
use flashsale::clock::{Clock, TimeSource};
use flashsale::config::{AdminToken, Config, FeedToken};
use flashsale::http::Request;
use flashsale::sale::{Command, Timestamp};
use flashsale::store::{self, Access, Durability, Place, Reader};
use flashsale::writer::{self, Writer};
use tempfile::TempDir;

const ADMIN_TOKEN: &str = "correct-horse-battery";
const FEED_TOKEN: &str = "a-feed-for-the-targets";
/// 2024-01-01T12:00:00Z.
pub const NOW_S: i64 = 1_704_110_400;

pub struct Front {
    api: Api,
    _folder: TempDir,
}

/// One that takes whoever knows an id, and one that asks for tokens.
pub static OPEN: LazyLock<Front> = LazyLock::new(|| Front::new(false));
pub static GUARDED: LazyLock<Front> = LazyLock::new(|| Front::new(true));

impl Front {
    fn new(require_tokens: bool) -> Front {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("shop.db"));
        let config = Config {
            require_tokens,
            admin_token: Some(AdminToken::parse(ADMIN_TOKEN).unwrap()),
            feed_token: Some(FeedToken::parse(FEED_TOKEN).unwrap()),
            ..Config::default()
        };
        let database = store::open(&place, Access::CreateOrMigrate).unwrap();
        let clock = Arc::new(Clock::new(Noon));
        let store = database.store(Durability::Normal).unwrap();
        let secret = store.secret().clone();
        let limits = writer::Limits {
            queue_max: config.queue_max,
            batch_max: config.batch_max,
            wait_max: config.wait_max(),
        };
        let (terms, shared) = (config.terms(), clock.clone());
        let (writer, _) = Writer::start(store, shared, terms, limits, |send| send()).unwrap();
        let reader: Arc<dyn Reader> = database.reader(clock.clone(), 1).unwrap().into();
        Front {
            api: Api::new(&config, secret, clock, writer, reader).unwrap(),
            _folder: folder,
        }
    }

    /// Of whoever has every right. A refusal is one of these statuses, and has a code.
    pub fn meaning_of(&self, request: Request) -> Meaning {
        let token = if request.path.starts_with("/admin") {
            ADMIN_TOKEN
        } else {
            FEED_TOKEN
        };
        let request = request.with_header("Authorization", &format!("Bearer {token}"));
        match self.api.command_of(&request) {
            Ok(Some(command)) => Meaning::Command(command),
            Ok(None) => Meaning::Waits,
            Err(response) if response.status.0 == 200 => Meaning::Answered,
            Err(response) => {
                let code = response.code.expect("a refusal has a code");
                let status = response.status.0;
                assert!([400, 404, 410, 422].contains(&status), "{status} {code}");
                Meaning::Refused(code)
            }
        }
    }
}

/// What a request comes to.
#[derive(Debug)]
pub enum Meaning {
    Command(Command),
    Waits,
    Answered,
    /// By its code.
    Refused(&'static str),
}

struct Noon;

impl TimeSource for Noon {
    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(NOW_S * 1_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}
