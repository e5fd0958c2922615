//! The same sale on PostgreSQL. Without it, what is asked here is left out, and says so; with it, every test that tells of a
//! shop can be told on it too: `FLASHSALE_TEST_DB=postgres cargo test --features postgres --test it`.

mod across_nodes;
mod between_batches;
mod cluster;
mod copy;
mod crashed_primary;
pub mod drift;
mod failover;
mod feed;
mod guards;
mod newer_program;
mod nodes;
mod older_schema;
mod patience;
mod processes;
mod proxy;
mod rehearsal;
mod seen_rows;
mod tls;

use std::sync::atomic::{AtomicUsize, Ordering};

use flashsale::store::Place;
use flashsale::store::postgres::{Role, Session, Url};

use crate::shop::Hands;
use cluster::Cluster;

/// A schema of the shared cluster that no other test uses.
pub struct Schema {
    pub cluster: &'static Cluster,
    options: String,
}

impl Schema {
    pub fn new() -> Option<Schema> {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let cluster = Cluster::shared()?;
        let name = format!("shop_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let mut session = Session::connect(&cluster.server(""), Role::Read).unwrap();
        session.execute(&format!("create schema {name}")).unwrap();
        // The schema's own functions come before the server's.
        let options = format!("options=-csearch_path%3D{name},pg_catalog");
        Some(Schema { cluster, options })
    }

    pub fn url(&self) -> String {
        self.cluster.url(&self.options)
    }

    pub fn options(&self) -> &str {
        &self.options
    }

    pub fn place(&self) -> Place {
        Place::Server(Url::parse(&self.url()).unwrap())
    }

    pub fn session(&self) -> Session {
        Session::connect(&self.cluster.server(&self.options), Role::Read).unwrap()
    }

    /// Never gives the next `count` ids of holds, orders and payments, as `flashsale restore` says it in SQL.
    pub fn skip_ids(&self, count: i64) {
        let gap = |ids: &str, next: &str| {
            format!("insert into gaps select '{ids}', {next}, {next} + {count} - 1 from meta;")
        };
        let gaps = [
            gap("holds", "next_hold"),
            gap("orders", "next_order"),
            gap("payments", "next_payment"),
            gap("events", "next_event"),
        ];
        let skip = format!(
            "begin; {}
             update payments set parked_until = 0 where verdict = 'parked' and named_order between
                (select next_order from meta) and (select next_order + {count} - 1 from meta);
             update meta set next_hold = next_hold + {count}, next_order = next_order + {count},
                next_payment = next_payment + {count}, next_event = next_event + {count};
             commit",
            gaps.concat()
        );
        self.session().execute(&skip).unwrap();
    }

    /// From now on the server's clock shows what these hands show. It is as if a batch of another process had committed each
    /// time that they move on, unless one has the turn just then.
    pub fn set_clock_by(&self, hands: &Hands) {
        self.move_with(hands, |micros| format!("greatest(last_now, {micros})"));
    }

    /// The same, and the time of the sale is taken back where the hands are: they look into the future for a while.
    pub fn set_sale_by(&self, hands: &Hands) {
        self.move_with(hands, |micros| micros.to_string());
    }

    fn move_with(&self, hands: &Hands, last_now: impl Fn(i64) -> String + Send + 'static) {
        let mut session = self.session();
        session
            .execute(
                "create table hands (at bigint not null);
                 insert into hands values (0);
                 create function clock_timestamp() returns timestamptz language sql volatile as
                    'select timestamptz ''epoch'' + at * interval ''1 microsecond'' from hands'",
            )
            .unwrap();
        hands.also_move(move |micros| {
            let last_now = last_now(micros);
            let moved = format!(
                "begin;
                 do $$ begin
                    if to_regclass('turn') is not null then
                        perform one from turn for no key update skip locked;
                        if found then
                            update meta set last_now = {last_now};
                        end if;
                    end if;
                 end $$;
                 update hands set at = {micros};
                 commit"
            );
            session.execute(&moved).unwrap();
        });
    }
}

/// For a shop: `crate::database`.
pub fn place_of_shop(hands: &Hands) -> Place {
    let schema = Schema::new().expect("FLASHSALE_TEST_DB=postgres needs PostgreSQL");
    schema.set_clock_by(hands);
    schema.place()
}

/// How often something happens: the long version has it `FLASHSALE_TEST_ROUNDS` times as often.
pub fn rounds(short: usize) -> usize {
    short * number("FLASHSALE_TEST_ROUNDS", 1)
}

/// A test's size: from the environment for the long version, else short.
pub fn number<N: std::str::FromStr>(variable: &str, otherwise: N) -> N {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
