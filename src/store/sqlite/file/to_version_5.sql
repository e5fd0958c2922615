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
    constraint one_reversal_a_key unique (key),
    constraint a_reversal_is_of_a_known_kind check
        (kind = 'refunded' or kind = 'refund_failed' or kind = 'dispute_opened' or kind = 'dispute_won'
            or kind = 'dispute_lost'),
    constraint a_reversal_has_a_known_verdict check (verdict = 'applied' or verdict = 'ignored')
) strict;
create index reversals_by_transaction on reversals (transaction_id);
