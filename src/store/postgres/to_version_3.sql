-- From version 2 to 3: that a row's owner is there is known before the row is written, and `verify` asks for it.
alter table orders drop constraint orders_hold_id_fkey;
alter table payments drop constraint payments_order_id_fkey;
