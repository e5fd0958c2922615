-- From version 1 to 2.

-- The same constraints in words that cost nothing; no row has to be looked at again.
pragma writable_schema = on;
update sqlite_schema set sql = replace(sql,
    '(status in (''active'', ''ordered'', ''released'', ''expired''))',
    '(status = ''active'' or status = ''ordered'' or status = ''released'' or status = ''expired'')')
    where name = 'holds';
update sqlite_schema set sql = replace(sql,
    '(status in (''pending'', ''paid'', ''cancelled'', ''expired'', ''refunded''))',
    '(status = ''pending'' or status = ''paid'' or status = ''cancelled'' or status = ''expired'' or status = ''refunded'')')
    where name = 'orders';
update sqlite_schema set sql = replace(replace(sql,
    '(verdict in' || char(10)
        || '        (''applied'', ''ignored'', ''parked'', ''amount_mismatch'', ''duplicate_payment'', ''late_payment''))',
    '(verdict = ''applied'' or verdict = ''ignored'' or verdict = ''parked'' or verdict = ''amount_mismatch'' '
        || 'or verdict = ''duplicate_payment'' or verdict = ''late_payment'')'),
    '(verdict in (''amount_mismatch'', ''duplicate_payment'', ''late_payment''))',
    '(verdict = ''amount_mismatch'' or verdict = ''duplicate_payment'' or verdict = ''late_payment'')')
    where name = 'payments';
pragma writable_schema = reset;

-- Refunds are listed, also those without a transaction.
drop index payments_refund_due;
create index payments_refund_due on payments (transaction_id) where refund_due = 1;

-- What a request did is kept by naming what it made, and no more.
create temp table kept as select * from replays;
drop table replays;
create table replays (
    key         text    not null primary key,
    done        text    not null,
    hold_id     integer references holds (id),
    order_id    integer references orders (id),
    status      text,                      -- that a placed order began with
    expires_at  integer not null,
    constraint a_request_did_a_known_thing check
        (done = 'hold_placed' or done = 'order_placed' or done = 'order_cancelled'),
    constraint a_request_did_one_thing check
        ((done = 'hold_placed') = (hold_id is not null) and (done <> 'hold_placed') = (order_id is not null)),
    constraint a_placed_order_began_somehow check
        ((done = 'order_placed') = (status is not null)
            and (status is null or status = 'pending' or status = 'paid' or status = 'cancelled'))
) strict, without rowid;
create index replays_by_deadline on replays (expires_at);
insert into replays
    select key, 'hold_placed', outcome ->> '$.HoldPlaced.id', null, null, expires_at
        from kept where outcome ->> '$.HoldPlaced' is not null
    union all select key, 'order_placed', null, outcome ->> '$.OrderPlaced.id', outcome ->> '$.OrderPlaced.status', expires_at
        from kept where outcome ->> '$.OrderPlaced' is not null
    union all select key, 'order_cancelled', null, outcome ->> '$.OrderCancelled.id', null, expires_at
        from kept where outcome ->> '$.OrderCancelled' is not null;
drop table kept;
