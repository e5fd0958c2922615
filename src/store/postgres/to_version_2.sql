-- From version 1 to 2: units are given back in part, and money is reported that went back or is disputed.
alter table orders add column refunded_quantity bigint not null default 0
    constraint units_given_back_were_bought check (refunded_quantity between 0 and quantity);
alter table orders add column refunded_amount bigint not null default 0;
alter table orders add column dispute text collate "C"
    constraint a_dispute_has_a_known_state check (dispute in ('open', 'won', 'lost'));
update orders set refunded_quantity = quantity where status = 'refunded';

drop index orders_by_customer;
create index orders_by_customer on orders (product_id, customer, status, pay_by, quantity, refunded_quantity)
    where status in ('pending', 'paid') and customer is not null;
create index orders_by_transaction on orders (transaction_id) where transaction_id is not null;
create index orders_by_dispute on orders (dispute, id) where dispute is not null;
create index payments_parked_by_transaction on payments (transaction_id)
    where verdict = 'parked' and transaction_id is not null;
create index orders_by_money_back on orders (id) where refunded_amount > 0 and refunded_quantity < quantity;

alter table meta add column reversals bigint not null default 0 constraint reversals_are_a_count check (reversals >= 0);
alter table meta add column currency text collate "C" constraint a_currency_is_a_code check (length(currency) = 3);

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
    refunded_amount bigint not null,
    returned        bigint,
    dispute         text collate "C",
    constraint one_reversal_a_key unique (key),
    constraint a_reversal_is_of_a_known_kind check
        (kind in ('refunded', 'refund_failed', 'dispute_opened', 'dispute_won', 'dispute_lost')),
    constraint a_reported_dispute_has_a_known_state check (dispute in ('open', 'won', 'lost')),
    constraint a_reversal_has_a_known_verdict check (verdict in ('applied', 'ignored'))
);

-- What was reported about this transaction last?
create index reversals_by_transaction on reversals (transaction_id, id);

alter table meta add column next_event bigint not null default 1 constraint event_ids_are_positive check (next_event > 0);
alter table meta add column events_since bigint not null default 0;
update meta set events_since = last_now where one = 1;

alter table gaps drop constraint a_gap_is_of_known_ids;
alter table gaps add constraint a_gap_is_of_known_ids check (ids in ('holds', 'orders', 'payments', 'events'));

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
)
