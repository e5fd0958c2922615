//! A rehearsal beside a sale on a server: in a schema of its own, which goes.

use std::process::Stdio;

use flashsale::store::postgres::Step;

use super::Schema;
use super::processes::seeded;
use crate::server::send_signal;
use crate::waiting::wait_until;

/// Schemas of rehearsals that are on the server. Tests run at once: the caller is the only one who makes some.
fn rehearsals(schema: &Schema) -> usize {
    let asked = "select nspname from pg_namespace where nspname like 'flashsale\\_rehearsal\\_%'";
    let answers = schema.session().run(&[Step::new(asked)]).unwrap();
    answers[0].len()
}

#[test]
fn a_rehearsal_on_a_server_sells_in_a_schema_of_its_own_and_leaves_nothing() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = seeded(&schema, 60);
    let server = premises.serve();
    let arguments = ["rehearse", "--buyers", "200", "--format", "json"];
    let figures = premises.run(&arguments).succeeded().json();
    assert_eq!(figures["catalogue"], "database");
    assert_eq!(figures["file_system"], "postgresql");
    assert_eq!(figures["stock_units"], 60);
    for wrong in [
        "oversold_units",
        "missing_writes",
        "books_broken",
        "errors_5xx",
    ] {
        assert_eq!(figures[wrong], 0, "{figures}");
    }
    for some in ["units_sold", "commits", "bytes_written"] {
        assert!(figures[some].as_u64().unwrap() > 0, "{some}: {figures}");
    }
    assert_eq!(server.get("/api/products/1").1["available_stock"], 60);
    assert_eq!(rehearsals(&schema), 0);

    // A rehearsal that is broken off.
    let mut begun = premises
        .command(&[
            "rehearse",
            "--buyers",
            "300",
            "--arrivals",
            "poisson",
            "--over",
            "300",
        ])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("a rehearsal begins", || rehearsals(&schema) > 0);
    send_signal(begun.id(), "-TERM");
    assert_eq!(begun.wait().unwrap().code(), Some(143));
    assert_eq!(rehearsals(&schema), 0);
    server.stop();
}
