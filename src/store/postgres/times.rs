//! The time of a read. Every batch to come, of any process, is judged at the latest time that is committed, or later: L. What
//! is overdue is counted at L, so that nothing that a reader called expired is ever paid. Between L and the server's clock C
//! the sale may stand still, and then a read is judged at C; but if a deadline lies between the two, of a row that no sweep
//! has ended yet, it is judged just before that deadline: in between nothing falls due, and the answer is exact.

use super::tables::counters;
use crate::store::StoreError;

/// L and C, in the words of the module, and how a read is judged between them.
macro_rules! with_times {
    ($select:expr) => {
        concat!(
            "with clock as materialized (select last_now as l, greatest(last_now, ",
            $crate::store::postgres::tables::counters::clock!(),
            ") as c from meta where one = 1),
             times as materialized (select l, c, least(
                (select min(expires_at) from holds where status = 'active' and expires_at > (select l from clock)),
                (select min(pay_by) from orders
                    where status = 'pending' and pay_by is not null and pay_by > (select l from clock)),
                (select min(parked_until) from payments
                    where verdict = 'parked' and parked_until > (select l from clock))) as next from clock),
             judged as materialized (select l, c, case when next <= c then next - 1 else c end as at from times) ",
            $select
        )
    };
}
pub(super) use with_times;

/// L and C beside each row, or alone where there is none.
macro_rules! with_clock {
    ($select:expr, $columns:literal) => {
        concat!(
            "with clock as materialized (select last_now as l, greatest(last_now, ",
            $crate::store::postgres::tables::counters::clock!(),
            ") as c from meta where one = 1) select clock.l, clock.c, ",
            $columns,
            " from clock left join (",
            $select,
            ") r on true"
        )
    };
}
pub(super) use with_clock;

pub fn no_figures() -> StoreError {
    counters::no_row().before_commit()
}
