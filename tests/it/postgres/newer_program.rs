//! A newer program has migrated the schema beside servers: they end, and have written nothing after.

use std::thread;

use flashsale::store::postgres::{Session, Step};

use super::Schema;
use super::processes::{Acknowledged, seeded};
use crate::waiting::wait_until;

/// A newer program has migrated the schema beside a server: that one ends, and has written nothing after.
#[test]
fn a_server_ends_once_a_newer_program_has_migrated_the_schema() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = seeded(&schema, 10);
    let mut server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    schema
        .session()
        .execute("update meta set schema_version = schema_version + 1")
        .unwrap();
    let (status, refused) = server.hold(1);
    assert_eq!((status, &refused["outcome"]), (503, &"not_applied".into()));
    assert_eq!(server.wait().code(), Some(75));
    wait_until("the migration is told", || {
        server.log().contains("migrated by a newer flashsale")
    });
    let again = premises.run(&["serve", "--listen", "127.0.0.1:0"]);
    again.exited(65).complains("version");
    schema
        .session()
        .execute("update meta set schema_version = schema_version - 1")
        .unwrap();
    let exported = premises.run(&["export", "holds"]).succeeded();
    assert_eq!(exported.stdout().lines().count(), 2);
    premises.run(&["verify"]).succeeded();
}

/// The same under load, as a newer program does it: whatever had the turn before has ended, and nobody takes it after.
#[test]
fn servers_under_load_write_nothing_once_a_newer_program_has_migrated_the_schema() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = seeded(&schema, 2_000_000_000);
    let mut servers = [premises.serve(), premises.serve()];
    let sold = Acknowledged::default();
    let next_hold = thread::scope(|scope| {
        for server in &servers {
            for _ in 0..3 {
                scope.spawn(|| sold.buy_until_refused(server));
            }
        }
        wait_until("holds are acknowledged", || sold.count() > 300);
        migrate(&mut schema.session())
    });
    for server in &mut servers {
        assert_eq!(server.wait().code(), Some(75));
    }
    let kept = "select next_hold from meta where one = 1";
    assert_eq!(next_hold, one_number(&mut schema.session(), kept));
    schema
        .session()
        .execute("update meta set schema_version = schema_version - 1")
        .unwrap();
    sold.are_kept(&premises);
}

/// As a newer program does it; the id of the hold that would have been the next one.
fn migrate(session: &mut Session) -> i64 {
    // A turn is waited for as long as it takes.
    session
        .execute("set lock_timeout = 0; begin; lock table turn in access exclusive mode")
        .unwrap();
    let migrated =
        "update meta set schema_version = schema_version + 1 where one = 1 returning next_hold";
    let next_hold = one_number(session, migrated);
    session.execute("commit").unwrap();
    next_hold
}

fn one_number(session: &mut Session, sql: &'static str) -> i64 {
    session.run(&[Step::new(sql)]).unwrap()[0][0].get(0)
}
