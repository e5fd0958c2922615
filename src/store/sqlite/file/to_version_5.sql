-- From version 4 to 5.

-- Units are given back in part, and money is reported that went back or is disputed.
alter table orders add column refunded_quantity integer not null default 0
    constraint units_given_back_were_bought check (refunded_quantity between 0 and quantity);
alter table orders add column refunded_amount integer not null default 0;
alter table orders add column dispute text
    constraint a_dispute_has_a_known_state check (dispute is null or dispute = 'open' or dispute = 'won' or dispute = 'lost');
update orders set refunded_quantity = quantity where status = 'refunded';

drop index orders_by_customer;
create index orders_by_customer on orders (product_id, customer, status, pay_by, quantity, refunded_quantity)
    where status in ('pending', 'paid') and customer is not null;
create index orders_by_transaction on orders (transaction_id) where transaction_id is not null;
create index orders_by_dispute on orders (dispute, id) where dispute is not null;
create index payments_parked_by_transaction on payments (transaction_id)
    where verdict = 'parked' and transaction_id is not null;
create index orders_by_money_back on orders (id) where refunded_amount > 0 and refunded_quantity < quantity;

alter table meta add column reversals integer not null default 0 constraint reversals_are_a_count check (reversals >= 0);
alter table meta add column currency text constraint a_currency_is_a_code check (length(currency) = 3);

create table reversals (
    id              integer not null primary key,
    key             text    not null,
    kind            text    not null,
    transaction_id  text    not null,
    amount          integer,
    payload         text,
    verdict         text    not null,
    received_at     integer not null,
    refunded_amount integer not null,
    returned        integer,
    dispute         text,
    constraint one_reversal_a_key unique (key),
    constraint a_reversal_is_of_a_known_kind check
        (kind = 'refunded' or kind = 'refund_failed' or kind = 'dispute_opened' or kind = 'dispute_won'
            or kind = 'dispute_lost'),
    constraint a_reported_dispute_has_a_known_state check
        (dispute is null or dispute = 'open' or dispute = 'won' or dispute = 'lost'),
    constraint a_reversal_has_a_known_verdict check (verdict = 'applied' or verdict = 'ignored')
) strict;
create index reversals_by_transaction on reversals (transaction_id);

alter table meta add column next_event integer not null default 1 constraint event_ids_are_positive check (next_event > 0);
alter table meta add column events_since integer not null default 0;
update meta set events_since = last_now;

alter table gaps rename to old_gaps;
create table gaps (
    ids    text    not null,
    first  integer not null,
    last   integer not null,
    primary key (ids, first),
    constraint a_gap_is_of_known_ids check
        (ids = 'holds' or ids = 'orders' or ids = 'payments' or ids = 'events'),
    constraint a_gap_has_ids check (0 < first and first <= last)
) strict, without rowid;
insert into gaps select ids, first, last from old_gaps;
drop table old_gaps;

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
