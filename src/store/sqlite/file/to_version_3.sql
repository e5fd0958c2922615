-- From version 2 to 3.

-- The file knows itself, its log and whether it is a copy.
create temp table kept_meta as select * from meta;
drop table meta;
create table meta (
    one           integer not null primary key,
    next_product  integer not null,
    next_hold     integer not null,
    next_order    integer not null,
    next_payment  integer not null,
    parked        integer not null,   -- how many payment events wait for their orders
    last_now      integer not null,   -- the latest time that any transaction was judged at: time never runs back
    token_secret  blob    not null,   -- what bearer tokens are made from
    file_id       blob    not null,   -- of this file: a copy has another
    log_base      integer not null,   -- last_now of the file without its log, when the log that holds this row began
    copied_at     integer,            -- set in a copy that `backup` made, which is not served: last_now of what it copies
    constraint there_is_one_row check (one = 1),
    constraint ids_are_positive check (min(next_product, next_hold, next_order, next_payment) > 0),
    constraint parked_is_a_count check (parked >= 0),
    constraint the_secret_is_long check (length(token_secret) = 32),
    constraint the_file_has_an_id check (length(file_id) = 16)
) strict;
insert into meta (one, next_product, next_hold, next_order, next_payment, parked, last_now, token_secret, file_id, log_base)
    select one, next_product, next_hold, next_order, next_payment, parked, last_now, token_secret, randomblob(16), last_now
    from kept_meta;
drop table kept_meta;

create table gaps (
    ids    text    not null,               -- of which table
    first  integer not null,
    last   integer not null,
    primary key (ids, first),
    constraint a_gap_is_of_known_ids check (ids = 'holds' or ids = 'orders' or ids = 'payments'),
    constraint a_gap_has_ids check (0 < first and first <= last)
) strict, without rowid;

-- An event may name a hold that a lost disk had. A refund says how it was resolved; one that names the transaction that paid
-- its order was never due.
create temp table kept_payments as select * from payments;
drop table payments;
create table payments (
    id              integer not null primary key,
    key             text    not null,      -- the event's idempotency key
    named_order     integer,               -- as the event named it; it may not exist yet, or lie in a gap
    named_hold      integer,               -- it exists, or lies in a gap
    order_id        integer references orders (id),  -- what the name turned out to mean
    status          text    not null,
    amount          text,                  -- raw JSON, as it was sent
    transaction_id  text,
    payload         text,                  -- raw JSON object, as it was sent
    verdict         text    not null,
    parked_until    integer,
    refund_due      integer not null,      -- money that bought nothing
    received_at     integer not null,
    resolved_at     integer,               -- when the refund was no longer due
    resolution      text,                  -- and why
    note            text,
    constraint one_effect_a_key unique (key),
    constraint an_event_names_one_thing check ((named_order is null) <> (named_hold is null)),
    constraint an_event_has_a_known_status check (status in ('success', 'failure')),
    constraint an_event_has_a_known_verdict check
        (verdict = 'applied' or verdict = 'ignored' or verdict = 'parked' or verdict = 'amount_mismatch'
            or verdict = 'duplicate_payment' or verdict = 'late_payment'),
    constraint what_is_parked_has_a_deadline check ((parked_until is not null) = (verdict = 'parked')),
    constraint a_refund_has_a_reason check
        (refund_due = (verdict = 'amount_mismatch' or verdict = 'duplicate_payment' or verdict = 'late_payment')),
    constraint what_is_resolved_was_due check (resolved_at is null or refund_due = 1),
    constraint what_is_resolved_has_a_known_resolution check
        ((resolved_at is not null) = (resolution is not null)
            and (resolution is null or resolution = 'paid_back' or resolution = 'accepted' or resolution = 'withdrawn'
                or resolution = 'same_payment'))
) strict;
create index payments_parked_by_order on payments (named_order) where verdict = 'parked' and named_order is not null;
create index payments_parked_by_hold on payments (named_hold) where verdict = 'parked' and named_hold is not null;
create index payments_parked_by_deadline on payments (parked_until) where verdict = 'parked';
create index payments_refund_due on payments (transaction_id) where refund_due = 1;
insert into payments (id, key, named_order, named_hold, order_id, status, amount, transaction_id, payload, verdict,
        parked_until, refund_due, received_at, resolved_at, resolution, note)
    select id, key, named_order, named_hold, order_id, status, amount, transaction_id, payload, verdict,
        parked_until, refund_due, received_at, resolved_at, iif(resolved_at is null, null, 'paid_back'), note
    from kept_payments;
drop table kept_payments;
update payments set resolved_at = (select last_now from meta), resolution = 'withdrawn', note = 'paid its order after all'
    where refund_due = 1 and resolved_at is null and transaction_id is not null and exists (
        select 1 from orders where orders.transaction_id = payments.transaction_id and paid_at is not null
            and (orders.id = payments.order_id or orders.id = payments.named_order or orders.hold_id = payments.named_hold));

-- A product's creation and restocking are kept under their keys too.
create temp table kept_replays as select * from replays;
drop table replays;
create table replays (
    key         text    not null primary key,
    done        text    not null,
    hold_id     integer references holds (id),
    order_id    integer references orders (id),
    product_id  integer references products (id),
    answer      text,                      -- JSON: the product as it was answered, since its row goes on changing
    status      text,                      -- that a placed order began with
    expires_at  integer not null,
    constraint a_request_did_a_known_thing check
        (done = 'hold_placed' or done = 'order_placed' or done = 'order_cancelled' or done = 'product_created'
            or done = 'product_restocked'),
    constraint a_request_did_one_thing check
        ((done = 'hold_placed') = (hold_id is not null)
            and (done = 'order_placed' or done = 'order_cancelled') = (order_id is not null)
            and (done = 'product_created' or done = 'product_restocked') = (product_id is not null)
            and (product_id is not null) = (answer is not null)),
    constraint a_placed_order_began_somehow check
        ((done = 'order_placed') = (status is not null)
            and (status is null or status = 'pending' or status = 'paid' or status = 'cancelled'))
) strict, without rowid;
create index replays_by_deadline on replays (expires_at);
insert into replays (key, done, hold_id, order_id, status, expires_at)
    select key, done, hold_id, order_id, status, expires_at from kept_replays;
drop table kept_replays;
