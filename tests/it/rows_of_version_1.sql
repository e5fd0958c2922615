-- What version 1 wrote for a hold, its order and its cancellation, each under an idempotency key. Only the keys' time is
-- longer here. Never changed again.
pragma application_id = 0x464c5348;
pragma user_version = 1;
insert into meta values (1, 2, 2, 2, 1, 0, 1795385411654010, X'583C8B536E8D79A309AF69C59106CFD4CAD249F84E04D47ECB500295C8E47D9E');
insert into products values (1, 'tee', 'Tee', 9999, 10, 10, 0, 0, 3, null, null, null, null, 0);
insert into holds values (1, 1, 2, 9999, 'ada', 'ordered', 1795385531599866);
insert into orders values (1, 1, 1, 2, 9999, 19998, 'ada', 'cancelled', 1795386311627682, 1795385411627682, null, null);
insert into movements values (1, 1, 1795385410507712, 'stocked', 10, 0, 0, null, null, null);
insert into movements values (1, 2, 1795385411599866, 'hold_placed', -2, 2, 0, 1, null, null);
insert into movements values (1, 3, 1795385411654010, 'order_cancelled', 2, -2, 0, null, 1, null);
insert into replays values ('c', 'cancel order 1', '{"OrderCancelled":{"id":1,"hold":1,"product":1,"quantity":2,"unit_price":9999,"customer":"ada","status":"cancelled","pay_by":1795386311627682,"created_at":1795385411627682,"paid_at":null,"transaction_id":null}}', 253402300799000000);
insert into replays values ('h', 'hold 2 of 1 for ada', '{"HoldPlaced":{"id":1,"product":1,"quantity":2,"unit_price":9999,"customer":"ada","status":"active","expires_at":1795385531599866,"order":null}}', 253402300799000000);
insert into replays values ('o', 'order hold 1', '{"OrderPlaced":{"id":1,"hold":1,"product":1,"quantity":2,"unit_price":9999,"customer":"ada","status":"pending","pay_by":1795386311627682,"created_at":1795385411627682,"paid_at":null,"transaction_id":null}}', 253402300799000000);
