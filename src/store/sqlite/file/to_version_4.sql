-- From version 3 to 4.

-- Kept keys are appended and leave from the front; their ids come from `meta`.
alter table replays rename to kept_replays;
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
insert into replays (key, done, hold_id, order_id, product_id, answer, status, expires_at)
    select key, done, hold_id, order_id, product_id, answer, status, expires_at from kept_replays order by expires_at, key;
drop table kept_replays;

create temp table kept_meta as select * from meta;
drop table meta;
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
    constraint there_is_one_row check (one = 1),
    constraint ids_are_positive check
        (min(next_product, next_hold, next_order, next_payment, next_replay) > 0),
    constraint parked_is_a_count check (parked >= 0),
    constraint the_secret_is_long check (length(token_secret) = 32),
    constraint the_file_has_an_id check (length(file_id) = 16)
) strict;
insert into meta (one, next_product, next_hold, next_order, next_payment, next_replay, parked, last_now, token_secret, file_id,
        log_base, copied_at)
    select one, next_product, next_hold, next_order, next_payment, (select coalesce(max(id), 0) + 1 from replays), parked,
        last_now, token_secret, file_id, log_base, copied_at
    from kept_meta;
drop table kept_meta;
