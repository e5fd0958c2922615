-- The whole schema of a fresh flashsale database, version 5.
--
-- Times are microseconds since 1970 UTC, money is cents. The rules of the sale live in the program; every promise that
-- can also be said as a constraint is said here again, and a constraint that fires is a bug in the program.
--
-- Which words a column may hold is spelled with `or`: for an `in` with more than two of them SQLite fills a table, at every
-- insert.

-- Figures that every batch of commands reads and writes: one row.
create table meta (
    one           integer not null primary key,
    next_product  integer not null,
    next_hold     integer not null,
    next_order    integer not null,
    next_payment  integer not null,
    next_replay   integer not null,
    parked        integer not null,   -- how many payment events wait for their orders
    last_now      integer not null,   -- the latest time that any transaction was judged at: time never runs back
    token_secret  blob    not null,   -- what bearer tokens are made from
    file_id       blob    not null,   -- of this file: a copy has another
    log_base      integer not null,   -- last_now of the file without its log, when the log that holds this row began
    copied_at     integer,            -- set in a copy that `backup` made, which is not served: last_now of what it copies
    reversals     integer not null default 0 constraint reversals_are_a_count check (reversals >= 0),
    currency      text constraint a_currency_is_a_code check (length(currency) = 3),  -- null: of no prices yet
    next_event    integer not null default 1 constraint event_ids_are_positive check (next_event > 0),
    events_since  integer not null default 0,    -- an order that was paid later has its event: none of later was forgotten
    constraint there_is_one_row check (one = 1),
    constraint ids_are_positive check
        (min(next_product, next_hold, next_order, next_payment, next_replay) > 0),
    constraint parked_is_a_count check (parked >= 0),
    constraint the_secret_is_long check (length(token_secret) = 32),
    constraint the_file_has_an_id check (length(file_id) = 16)
) strict;

-- Ids that are never given: a disk that was lost may have given them after the backup from which this file was restored.
create table gaps (
    ids    text    not null,               -- of which table
    first  integer not null,
    last   integer not null,
    primary key (ids, first),
    constraint a_gap_is_of_known_ids check
        (ids = 'holds' or ids = 'orders' or ids = 'payments' or ids = 'events'),
    constraint a_gap_has_ids check (0 < first and first <= last)
) strict, without rowid;

create table products (
    id                integer not null primary key,
    sku               text,                -- the shop's own name for it; null where nobody gave one
    name              text    not null,
    price             integer not null,    -- cents
    total             integer not null,
    available         integer not null,
    reserved          integer not null,    -- in live holds and pending orders
    sold              integer not null,    -- in paid orders
    version           integer not null,    -- counts the movements of this product's stock
    starts_at         integer,             -- null: on sale from the beginning
    ends_at           integer,             -- null: on sale without end
    max_per_hold      integer,             -- null: no limit
    max_per_customer  integer,             -- null: no limit
    paused            integer not null default 0,
    constraint one_product_a_sku unique (sku),
    constraint stock_is_conserved check (total = available + reserved + sold),
    constraint stock_is_never_negative check (available >= 0 and reserved >= 0 and sold >= 0),
    constraint stock_is_bounded check (total <= 2147483647),
    constraint the_price_is_bounded check (price between 0 and 1000000000),
    constraint the_window_is_open check (starts_at < ends_at),
    constraint limits_are_positive check (max_per_hold > 0 and max_per_customer > 0),
    constraint paused_is_yes_or_no check (paused in (0, 1))
) strict;

create table holds (
    id          integer not null primary key,
    product_id  integer not null references products (id),
    quantity    integer not null,
    unit_price  integer not null,          -- cents, as it was when the hold was placed
    customer    text,
    status      text    not null,
    expires_at  integer not null,
    constraint a_hold_keeps_something check (quantity > 0),
    constraint a_hold_has_a_known_status check
        (status = 'active' or status = 'ordered' or status = 'released' or status = 'expired')
) strict;

-- Which live holds are past their deadlines, and how many units of a product do they keep? (covering)
create index holds_by_deadline on holds (expires_at, product_id, quantity) where status = 'active';

-- How many units does a customer hold of a product? (covering)
create index holds_by_customer on holds (product_id, customer, expires_at, quantity)
    where status = 'active' and customer is not null;

create table orders (
    id              integer not null primary key,
    hold_id         integer not null references holds (id),
    product_id      integer not null references products (id),
    quantity        integer not null,
    unit_price      integer not null,      -- cents
    total_price     integer not null,      -- cents
    customer        text,
    status          text    not null,
    pay_by          integer,               -- null: waits for its payment for ever
    created_at      integer not null,
    paid_at         integer,
    transaction_id  text,                  -- of the payment that paid it, if it named one
    refunded_quantity  integer not null default 0  -- of its units, given back in all
        constraint units_given_back_were_bought check (refunded_quantity between 0 and quantity),
    refunded_amount  integer not null default 0,   -- cents, as its transaction's reversals say; and so the dispute
    dispute  text
        constraint a_dispute_has_a_known_state check (dispute is null or dispute = 'open' or dispute = 'won' or dispute = 'lost'),
    constraint one_order_a_hold unique (hold_id),
    constraint an_order_has_something check (quantity > 0),
    constraint the_total_is_exact check (total_price = unit_price * quantity),
    constraint an_order_has_a_known_status check
        (status = 'pending' or status = 'paid' or status = 'cancelled' or status = 'expired' or status = 'refunded'),
    constraint what_was_paid_has_its_time check ((paid_at is not null) = (status in ('paid', 'refunded')))
) strict;

-- Which pending orders are past their deadlines, and how many units of a product do they keep? (covering)
create index orders_by_deadline on orders (pay_by, product_id, quantity)
    where status = 'pending' and pay_by is not null;

-- How many units has a customer ordered or paid of a product? (covering)
create index orders_by_customer on orders (product_id, customer, status, pay_by, quantity, refunded_quantity)
    where status in ('pending', 'paid') and customer is not null;

-- Which orders did this transaction pay?
create index orders_by_transaction on orders (transaction_id) where transaction_id is not null;

-- Which orders are disputed?
create index orders_by_dispute on orders (dispute, id) where dispute is not null;

-- Of which orders' payments did money go back, while some of their units are still sold?
create index orders_by_money_back on orders (id) where refunded_amount > 0 and refunded_quantity < quantity;

-- What payment providers reported, and what came of it. On the wire an id here is a `webhook_id`.
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

-- Which events wait for this order, or for an order from this hold?
create index payments_parked_by_order on payments (named_order) where verdict = 'parked' and named_order is not null;
create index payments_parked_by_hold on payments (named_hold) where verdict = 'parked' and named_hold is not null;

-- Which events of this transaction wait?
create index payments_parked_by_transaction on payments (transaction_id)
    where verdict = 'parked' and transaction_id is not null;

-- Which parked events have waited long enough?
create index payments_parked_by_deadline on payments (parked_until) where verdict = 'parked';

-- Was a refund ever due for this transaction? And what is owed at all?
create index payments_refund_due on payments (transaction_id) where refund_due = 1;

-- What payment providers reported about money that came before. Ids and keys are in one room with those of payments.
create table reversals (
    id              integer not null primary key,
    key             text    not null,
    kind            text    not null,
    transaction_id  text    not null,
    amount          integer,               -- cents, in all so far; null: it was not said
    payload         text,                  -- raw JSON object, as it was sent
    verdict         text    not null,
    received_at     integer not null,
    refunded_amount integer not null,      -- cents: the largest amount of its transaction that went back, by now
    returned        integer,               -- cents that went back since the last refund that failed; null: nothing, the
                                           -- largest number: an amount that was not said
    dispute         text,                  -- of its transaction, by now
    constraint one_reversal_a_key unique (key),
    constraint a_reversal_is_of_a_known_kind check
        (kind = 'refunded' or kind = 'refund_failed' or kind = 'dispute_opened' or kind = 'dispute_won'
            or kind = 'dispute_lost'),
    constraint a_reported_dispute_has_a_known_state check
        (dispute is null or dispute = 'open' or dispute = 'won' or dispute = 'lost'),
    constraint a_reversal_has_a_known_verdict check (verdict = 'applied' or verdict = 'ignored')
) strict;

-- What was reported about this transaction last?
create index reversals_by_transaction on reversals (transaction_id);

-- The ledger: one row for every change of a product's stock, numbered by the product's version, never changed. Each row
-- refers to the one before it, so that a gap is a constraint violation.
create table movements (
    product_id  integer not null references products (id),
    version     integer not null,
    at          integer not null,
    kind        text    not null,
    available   integer not null,          -- by how much each counter changed
    reserved    integer not null,
    sold        integer not null,
    hold_id     integer,
    order_id    integer,
    reason      text,
    previous    integer generated always as (nullif(version - 1, 0)) virtual,
    primary key (product_id, version),
    constraint the_ledger_has_no_gap foreign key (product_id, previous) references movements (product_id, version)
) strict, without rowid;

create trigger the_ledger_is_append_only before update on movements
begin
    select raise(abort, 'the ledger is append-only');
end;

create trigger the_ledger_forgets_nothing before delete on movements
begin
    select raise(abort, 'the ledger is append-only');
end;

-- What the shop is told of, numbered in the order of the commits. A row never changes; after its time it is forgotten, the
-- oldest first. What is told of an event is in its row, since the rows that it names go on changing.
create table events (
    id                 integer not null primary key,
    at                 integer not null,
    kind               text    not null,
    order_id           integer,
    hold_id            integer,
    payment_id         integer,
    product_id         integer,
    quantity           integer,            -- units: ordered, or given back this time
    refunded_quantity  integer,            -- given back in all
    restocked          integer,
    unit_price         integer,            -- cents
    customer           text,
    pay_by             integer,
    transaction_id     text,
    verdict            text,
    amount             text,               -- raw JSON
    note               text,
    failed             integer,            -- whether the money did not go back after all
    outcome            text,               -- of a dispute
    sold               integer,           -- of a product, in all
    constraint an_event_is_of_a_known_kind check
        (kind = 'order.placed' or kind = 'order.paid' or kind = 'order.cancelled' or kind = 'order.expired'
            or kind = 'order.refunded' or kind = 'refund.due' or kind = 'refund.resolved' or kind = 'payment.refunded'
            or kind = 'dispute.opened' or kind = 'dispute.closed' or kind = 'product.sold_out'),
    constraint an_events_flags_are_yes_or_no check (restocked between 0 and 1 and failed between 0 and 1)
) strict;

create trigger an_event_never_changes before update on events
begin
    select raise(abort, 'an event never changes');
end;

-- What requests did that had an idempotency key, so that a repeated one gets the first answer. What else the answer said
-- stands in the hold or order that the request made, in columns that never change, or, of a product, here.
--
-- Rows are appended and leave from the front, which is why no key has an index here: keys come in no order, and an index of
-- them would have a page written for each. The program that serves finds a row by a map in its memory, and refuses to write
-- a key twice; `verify` looks for one that is. An id is never used again, so that a program learns from `meta.next_replay`
-- what others have appended.
create table replays (
    id          integer not null primary key,
    key         text    not null,
    done        text    not null,
    hold_id     integer references holds (id),
    order_id    integer references orders (id),
    product_id  integer references products (id),
    answer      text,                      -- JSON: the product as it was answered, since its row goes on changing
    status      text,                      -- that a placed order began with
    expires_at  integer not null,
    horizon     integer,                   -- when an earlier row expires last, where that is after expires_at
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
) strict;
