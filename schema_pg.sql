-- The whole schema of a fresh flashsale database on PostgreSQL, version 3: the tables, columns and promises of schema.sql, as
-- a server far away keeps them.
--
-- Times are microseconds since 1970 UTC, money is cents. Texts compare byte by byte, whatever the database's collation.
-- Only what PostgreSQL's relatives also have is used: no sequences, triggers, procedures or advisory locks.

-- The turn to write: every batch of every process locks this row first. It is never changed, and so it has one version.
create table turn (
    one  bigint not null primary key,
    constraint there_is_one_turn check (one = 1)
);

-- Figures that every batch of commands reads and writes: one row, always asked for by `one = 1`, so that its many versions
-- are never walked through.
create table meta (
    one             bigint not null primary key,
    schema_version  bigint not null,
    next_product    bigint not null,
    next_hold       bigint not null,
    next_order      bigint not null,
    next_payment    bigint not null,
    parked          bigint not null,   -- how many payment events wait for their orders
    last_now        bigint not null,   -- the latest time that any transaction was judged at: time never runs back
    token_secret    bytea  not null,   -- what bearer tokens are made from
    reversals       bigint not null default 0 constraint reversals_are_a_count check (reversals >= 0),
    currency        text collate "C" constraint a_currency_is_a_code check (length(currency) = 3),  -- null: of no prices yet
    next_event      bigint not null default 1 constraint event_ids_are_positive check (next_event > 0),
    events_since    bigint not null default 0,   -- an order that was paid later has its event: none of later was forgotten
    constraint there_is_one_row check (one = 1),
    constraint ids_are_positive check (next_product > 0 and next_hold > 0 and next_order > 0 and next_payment > 0),
    constraint parked_is_a_count check (parked >= 0),
    constraint the_secret_is_long check (length(token_secret) = 32)
) with (fillfactor = 10);

-- The processes that write, and each one's last batch: what became of a batch whose commit was not answered stands here.
create table writers (
    name   text collate "C" not null primary key,
    batch  bigint not null,
    at     bigint not null,            -- the time of that batch
    constraint a_batch_is_a_count check (batch >= 0)
) with (fillfactor = 10);

-- Ids that are never given: a database that was lost may have given them after the copy from which this one was made.
create table gaps (
    ids    text collate "C" not null,  -- of which table
    first  bigint not null,
    last   bigint not null,
    primary key (ids, first),
    constraint a_gap_is_of_known_ids check (ids in ('holds', 'orders', 'payments', 'events')),
    constraint a_gap_has_ids check (0 < first and first <= last)
);

create table products (
    id                bigint  not null primary key,
    sku               text collate "C",    -- the shop's own name for it; null where nobody gave one
    name              text collate "C" not null,
    price             bigint  not null,    -- cents
    total             bigint  not null,
    available         bigint  not null,
    reserved          bigint  not null,    -- in live holds and pending orders
    sold              bigint  not null,    -- in paid orders
    version           bigint  not null,    -- counts the movements of this product's stock
    starts_at         bigint,              -- null: on sale from the beginning
    ends_at           bigint,              -- null: on sale without end
    max_per_hold      bigint,              -- null: no limit
    max_per_customer  bigint,              -- null: no limit
    paused            boolean not null default false,
    constraint one_product_a_sku unique (sku),
    constraint stock_is_conserved check (total = available + reserved + sold),
    constraint stock_is_never_negative check (available >= 0 and reserved >= 0 and sold >= 0),
    constraint stock_is_bounded check (total <= 2147483647),
    constraint the_price_is_bounded check (price between 0 and 1000000000),
    constraint the_window_is_open check (starts_at < ends_at),
    constraint limits_are_positive check (max_per_hold > 0 and max_per_customer > 0)
) with (fillfactor = 50);

-- What a row names is there: a batch that places a hold changes its product, from the version that it saw; one that places an
-- order changes its hold; and nothing is ever deleted that has a name. Foreign keys would read it again, row by row;
-- `verify` asks for it.
create table holds (
    id          bigint not null primary key,
    product_id  bigint not null,
    quantity    bigint not null,
    unit_price  bigint not null,           -- cents, as it was when the hold was placed
    customer    text collate "C",
    status      text collate "C" not null,
    expires_at  bigint not null,
    constraint a_hold_keeps_something check (quantity > 0),
    constraint a_hold_has_a_known_status check (status in ('active', 'ordered', 'released', 'expired'))
);

-- Which live holds are past their deadlines, and how many units of a product do they keep? (covering)
create index holds_by_deadline on holds (expires_at, product_id, quantity, id) where status = 'active';

-- How many units does a customer hold of a product? (covering)
create index holds_by_customer on holds (product_id, customer, expires_at, quantity)
    where status = 'active' and customer is not null;

create table orders (
    id              bigint not null primary key,
    hold_id         bigint not null,
    product_id      bigint not null,
    quantity        bigint not null,
    unit_price      bigint not null,       -- cents
    total_price     bigint not null,       -- cents
    customer        text collate "C",
    status          text collate "C" not null,
    pay_by          bigint,                -- null: waits for its payment for ever
    created_at      bigint not null,
    paid_at         bigint,
    transaction_id  text collate "C",      -- of the payment that paid it, if it named one
    refunded_quantity  bigint not null default 0    -- of its units, given back in all
        constraint units_given_back_were_bought check (refunded_quantity between 0 and quantity),
    refunded_amount  bigint not null default 0,     -- cents, as its transaction's reversals say; and so the dispute
    dispute  text collate "C" constraint a_dispute_has_a_known_state check (dispute in ('open', 'won', 'lost')),
    constraint one_order_a_hold unique (hold_id),
    constraint an_order_has_something check (quantity > 0),
    constraint the_total_is_exact check (total_price = unit_price * quantity),
    constraint an_order_has_a_known_status check (status in ('pending', 'paid', 'cancelled', 'expired', 'refunded')),
    constraint what_was_paid_has_its_time check ((paid_at is not null) = (status in ('paid', 'refunded')))
);

-- Which pending orders are past their deadlines, and how many units of a product do they keep? (covering)
create index orders_by_deadline on orders (pay_by, product_id, quantity, id)
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
    id              bigint  not null primary key,
    key             text collate "C" not null,      -- the event's idempotency key
    named_order     bigint,                -- as the event named it; it may not exist yet, or lie in a gap
    named_hold      bigint,                -- it exists, or lies in a gap
    order_id        bigint,                -- what the name turned out to mean
    status          text collate "C" not null,
    amount          text collate "C",      -- raw JSON, as it was sent
    transaction_id  text collate "C",
    payload         text collate "C",      -- raw JSON object, as it was sent
    verdict         text collate "C" not null,
    parked_until    bigint,
    refund_due      boolean not null,      -- money that bought nothing
    received_at     bigint  not null,
    resolved_at     bigint,                -- when the refund was no longer due
    resolution      text collate "C",      -- and why
    note            text collate "C",
    constraint one_effect_a_key unique (key),
    constraint an_event_names_one_thing check ((named_order is null) <> (named_hold is null)),
    constraint an_event_has_a_known_status check (status in ('success', 'failure')),
    constraint an_event_has_a_known_verdict check
        (verdict in ('applied', 'ignored', 'parked', 'amount_mismatch', 'duplicate_payment', 'late_payment')),
    constraint what_is_parked_has_a_deadline check ((parked_until is not null) = (verdict = 'parked')),
    constraint a_refund_has_a_reason check
        (refund_due = (verdict in ('amount_mismatch', 'duplicate_payment', 'late_payment'))),
    constraint what_is_resolved_was_due check (resolved_at is null or refund_due),
    constraint what_is_resolved_has_a_known_resolution check
        ((resolved_at is not null) = (resolution is not null)
            and (resolution is null or resolution in ('paid_back', 'accepted', 'withdrawn', 'same_payment')))
);

-- Which events wait for this order, or for an order from this hold?
create index payments_parked_by_order on payments (named_order) where verdict = 'parked' and named_order is not null;
create index payments_parked_by_hold on payments (named_hold) where verdict = 'parked' and named_hold is not null;

-- Which events of this transaction wait?
create index payments_parked_by_transaction on payments (transaction_id)
    where verdict = 'parked' and transaction_id is not null;

-- Which parked events have waited long enough?
create index payments_parked_by_deadline on payments (parked_until, id) where verdict = 'parked';

-- Was a refund ever due for this transaction? And what is owed at all?
create index payments_refund_due on payments (transaction_id) where refund_due;

-- What payment providers reported about money that came before. Ids and keys are in one room with those of payments.
create table reversals (
    id              bigint not null primary key,
    key             text collate "C" not null,
    kind            text collate "C" not null,
    transaction_id  text collate "C" not null,
    amount          bigint,                -- cents, in all so far; null: it was not said
    payload         text collate "C",      -- raw JSON object, as it was sent
    verdict         text collate "C" not null,
    received_at     bigint not null,
    refunded_amount bigint not null,       -- cents: the largest amount of its transaction that went back, by now
    returned        bigint,                -- cents that went back since the last refund that failed; null: nothing, the
                                           -- largest number: an amount that was not said
    dispute         text collate "C",      -- of its transaction, by now
    constraint one_reversal_a_key unique (key),
    constraint a_reversal_is_of_a_known_kind check
        (kind in ('refunded', 'refund_failed', 'dispute_opened', 'dispute_won', 'dispute_lost')),
    constraint a_reported_dispute_has_a_known_state check (dispute in ('open', 'won', 'lost')),
    constraint a_reversal_has_a_known_verdict check (verdict in ('applied', 'ignored'))
);

-- What was reported about this transaction last?
create index reversals_by_transaction on reversals (transaction_id, id);

-- The ledger: one row for every change of a product's stock, numbered by the product's version, never changed. It has no gap
-- because a product's version counts on from the one that was seen; `verify` asks for it, and replays it. Take the right to
-- update and delete here from the role that serves: `revoke update, delete on movements`.
create table movements (
    product_id  bigint not null,
    version     bigint not null,
    at          bigint not null,
    kind        text collate "C" not null,
    available   bigint not null,           -- by how much each counter changed
    reserved    bigint not null,
    sold        bigint not null,
    hold_id     bigint,
    order_id    bigint,
    reason      text collate "C",
    primary key (product_id, version),
    constraint versions_begin_at_1 check (version > 0)
);

-- What the shop is told of, numbered in the order of the commits. A row never changes; after its time it is forgotten, the
-- oldest first. What is told of an event is in its row, since the rows that it names go on changing. Take the right to update
-- here from the role that serves: `revoke update on events`.
create table events (
    id                 bigint not null primary key,
    at                 bigint not null,
    kind               text collate "C" not null,
    order_id           bigint,
    hold_id            bigint,
    payment_id         bigint,
    product_id         bigint,
    quantity           bigint,             -- units: ordered, or given back this time
    refunded_quantity  bigint,             -- given back in all
    restocked          boolean,
    unit_price         bigint,             -- cents
    customer           text collate "C",
    pay_by             bigint,
    transaction_id     text collate "C",
    verdict            text collate "C",
    amount             text collate "C",   -- raw JSON
    note               text collate "C",
    failed             boolean,            -- whether the money did not go back after all
    outcome            text collate "C",   -- of a dispute
    sold               bigint,            -- of a product, in all
    constraint an_event_is_of_a_known_kind check
        (kind in ('order.placed', 'order.paid', 'order.cancelled', 'order.expired', 'order.refunded', 'refund.due',
            'refund.resolved', 'payment.refunded', 'dispute.opened', 'dispute.closed', 'product.sold_out'))
);

-- What requests did that had an idempotency key, so that a repeated one gets the first answer. What else the answer said
-- stands in the hold or order that the request made, in columns that never change, or, of a product, here.
create table replays (
    key         text collate "C" not null primary key,
    done        text collate "C" not null,
    hold_id     bigint,
    order_id    bigint,
    product_id  bigint,
    answer      text collate "C",          -- JSON: the product as it was answered, since its row goes on changing
    status      text collate "C",          -- that a placed order began with
    expires_at  bigint not null,
    constraint a_request_did_a_known_thing check
        (done in ('hold_placed', 'order_placed', 'order_cancelled', 'product_created', 'product_restocked')),
    constraint a_request_did_one_thing check
        ((done = 'hold_placed') = (hold_id is not null)
            and (done in ('order_placed', 'order_cancelled')) = (order_id is not null)
            and (done in ('product_created', 'product_restocked')) = (product_id is not null)
            and (product_id is not null) = (answer is not null)),
    constraint a_placed_order_began_somehow check
        ((done = 'order_placed') = (status is not null)
            and (status is null or status in ('pending', 'paid', 'cancelled')))
);

-- Which kept keys are past their time?
create index replays_by_deadline on replays (expires_at, key);
