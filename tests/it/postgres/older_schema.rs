//! A schema of the first version is migrated to what a new one is, with the sale that is in it.

use std::thread;

use flashsale::store::postgres::Step;
use flashsale::store::{self, Access, OpenError};

use super::Schema;

/// A product, a hold that is live, one that was ordered and paid, and one whose order was refunded.
const SALE: &str = "
    insert into turn values (1);
    insert into meta values (1, 1, 2, 4, 3, 2, 0, 5000000, decode(repeat('ab', 32), 'hex'));
    insert into products (id, name, price, total, available, reserved, sold, version) values (1, 'Tee', 500, 10, 8, 1, 1, 7);
    insert into holds values (1, 1, 1, 500, null, 'active', 9000000), (2, 1, 1, 500, null, 'ordered', 9000000),
        (3, 1, 1, 500, null, 'ordered', 9000000);
    insert into orders (id, hold_id, product_id, quantity, unit_price, total_price, status, created_at, paid_at) values
        (1, 2, 1, 1, 500, 500, 'paid', 2000000, 3000000), (2, 3, 1, 1, 500, 500, 'refunded', 2000000, 3000000);
    insert into payments (id, key, named_order, order_id, status, verdict, refund_due, received_at) values
        (1, 'k', 1, 1, 'success', 'applied', false, 3000000);
";

/// Columns, constraints and indexes: what is promised of every table.
const PROMISES: &str = "
    select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
            || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '') || a.attcollation::text as promise
        from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    union all
    select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
        where connamespace = current_schema()::regnamespace
    union all
    select tablename || ' ' || replace(indexdef, schemaname, '') from pg_indexes where schemaname = current_schema()
    order by promise";

fn promises(schema: &Schema) -> Vec<String> {
    let rows = schema.session().run(&[Step::new(PROMISES)]).unwrap();
    rows[0].iter().map(|row| row.get("promise")).collect()
}

fn of_version_1() -> Option<Schema> {
    let schema = Schema::new()?;
    let made = include_str!("schema_version_1.sql");
    schema.session().execute(made).unwrap();
    schema.session().execute(SALE).unwrap();
    Some(schema)
}

#[test]
fn a_schema_of_the_first_version_becomes_what_a_new_one_is() {
    let (Some(old), Some(new)) = (of_version_1(), Schema::new()) else {
        return;
    };
    let refused = store::open(&old.place(), Access::Existing).err();
    assert!(matches!(refused, Some(OpenError::Older)), "{refused:?}");
    store::open(&old.place(), Access::CreateOrMigrate).unwrap();
    store::open(&new.place(), Access::CreateOrMigrate).unwrap();
    assert_eq!(promises(&old), promises(&new));
    let given_back = Step::new("select refunded_quantity from orders order by id");
    let rows = old.session().run(&[given_back]).unwrap();
    let units: Vec<i64> = rows[0].iter().map(|row| row.get(0)).collect();
    assert_eq!(units, [0, 1]);
}

#[test]
fn servers_that_migrate_at_once_all_find_it_done() {
    let Some(schema) = of_version_1() else {
        return;
    };
    thread::scope(|scope| {
        let open = || store::open(&schema.place(), Access::CreateOrMigrate).map(|_| ());
        let opened: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        for opened in opened {
            assert!(opened.join().unwrap().is_ok());
        }
    });
}
