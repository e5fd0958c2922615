#!/usr/bin/env bash
# Requests a second over HTTP, all in one run and in turn, so that the ratios hold where the figures do not:
#
#   bare      the least that can answer: two event loops, examples/bare_loop.rs, without limits, time-outs, log or routes
#   healthz   GET /healthz
#   product   GET /api/products/{id}
#   overdue   the same with 500 holds past their deadlines that nobody has swept: another process has the write lock
#   refusal   POST /api/holds of a sold-out product
#   hold      POST /api/holds, durable before it is answered
#   formed    the same by a script that forms each request, as the next two do: their client is as slow
#   keyed     each with its own Idempotency-Key and for its own customer, of a product that is limited per customer; keys and
#             customers in order, as UUIDv7 are
#   random    the same with random keys and customers, each on a page of its own in two indexes; in a database of its own
#   beside    GET /healthz while 10 000 idle connections are open
#
# and what idle connections cost, and how long 500 connections opened at once wait for their answers. Needs `wrk` and
# `python3`. The server logs 200 requests a second, into a file, as it does by default. Load generator and server share the
# machine.
#
# SECONDS_EACH (default 3), CONNECTIONS (64), ROUNDS (9) and IDLE (10000) can be set in the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds_each=${SECONDS_EACH:-3} connections=${CONNECTIONS:-64} rounds=${ROUNDS:-9} idle=${IDLE:-10000}

command -v wrk > /dev/null || { echo "wrk is needed (Debian: apt-get install wrk)" >&2; exit 1; }
command -v python3 > /dev/null || { echo "python3 is needed" >&2; exit 1; }
cargo build --release --quiet --bin flashsale --example bare_loop
target=$PWD/target/release benches=$PWD/benches
folder=$(mktemp -d -p "$PWD")
touch "$folder/crowd.out" "$folder/idle.out"
started=()
trap 'kill "${started[@]}" 2> /dev/null; wait 2> /dev/null; rm -rf "$folder"' EXIT
ulimit -n "$(ulimit -H -n)"

cat > "$folder/products.csv" <<'CSV'
sku,name,price,total_stock,max_per_customer
sold-out,Sold out,1.00,0,
plenty,Plenty,1.00,2000000000,
limited,Limited,1.00,2000000000,4
CSV
cat > "$folder/hold.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"product_id":' .. os.getenv("PRODUCT") .. ',"quantity":1}'
LUA
cat > "$folder/formed.lua" <<'LUA'
local kind, run, count = os.getenv("KIND"), os.getenv("RUN"), 0
local keyed = kind ~= "formed"
local head = "POST /api/holds HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
    .. (keyed and "Idempotency-Key: " or "X-Request-Id: ")
local form = keyed and '{"product_id":3,"quantity":1,"customer":"%04x%08x@example.com"}'
    or '{"product_id":2,"quantity":1            %04.0s%08.0s                      }'
math.randomseed(os.time())
request = function()
    count = count + 1
    local number = kind == "random" and math.random(0, 0x7fffffff) or count
    local body = form:format(run, number)
    local first = kind == "random" and number or run
    return ("%s%08x-%08x-%04x-%08x\r\nContent-Length: %d\r\n\r\n%s"):format(head, first, count, run, number, #body, body)
end
LUA
cd "$folder"

# start NAME COMMAND…: runs it until the end of this script; its address is in NAME.address.
start() {
    local name=$1
    shift
    "$@" > "$name.out" 2> "$name.log" &
    started+=($!)
    echo $! > "$name.pid"
    until grep -q listening "$name.out"; do :; done
    sed 's/listening on //' "$name.out" > "$name.address"
}
for db in shop.db overdue.db random.db; do "$target/flashsale" seed --db "$db" products.csv > /dev/null; done
start bare "$target/examples/bare_loop" 127.0.0.1:0
start shop env FLASHSALE_IDLE_TIMEOUT_S=3600 "$target/flashsale" serve --db shop.db --listen 127.0.0.1:0
start random "$target/flashsale" serve --db random.db --listen 127.0.0.1:0
start overdue "$target/flashsale" serve --db overdue.db --hold-ttl-s 1 --listen 127.0.0.1:0
python3 "$benches/crowd.py" overdue "$(cat overdue.address)" overdue.db > crowd.out &
started+=($!)
until grep -q ready crowd.out; do :; done

measure() { wrk -t1 -c"$connections" -d"${seconds_each}s" --latency "$@"; }
rate() { awk '/Requests\/sec/ { print $2 }'; }
shop=$(cat shop.address)
idle_rss=$(awk '/VmRSS/ { print $2 }' "/proc/$(cat shop.pid)/status")

for round in $(seq "$rounds"); do
    measure "$(cat bare.address)/healthz" | rate >> bare
    measure "$shop/healthz" | rate >> healthz
    measure "$shop/api/products/2" | rate >> product
    measure "$(cat overdue.address)/api/products/2" | rate >> overdue
    PRODUCT=1 measure -s hold.lua "$shop/api/holds" | rate >> refusal
    PRODUCT=2 measure -s hold.lua "$shop/api/holds" | tee holds.txt | rate >> hold
    awk '/99%/ { print $2 }' holds.txt >> p99
    KIND=formed RUN=$round measure -s formed.lua "$shop/api/holds" | rate >> formed
    KIND=keyed RUN=$round measure -s formed.lua "$shop/api/holds" | rate >> keyed
    KIND=random RUN=$round measure -s formed.lua "$(cat random.address)/api/holds" | rate >> random
done
python3 "$benches/crowd.py" idle "$shop" "$(cat shop.pid)" "$idle" > idle.out &
started+=($!)
until grep -q ready idle.out; do :; done
for _ in $(seq "$rounds"); do
    measure "$shop/healthz" | rate >> beside
done
"$target/flashsale" verify --db shop.db --quick > /dev/null

median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }
echo "$connections connections, $rounds rounds of $seconds_each s each, durability full, $(nproc) cores"
printf '%-10s %10s %8s\n' request 'req/s' ratio
for name in bare healthz product overdue refusal hold formed keyed random beside; do
    printf '%-10s %10.0f %8.2f\n' "$name" "$(median "$name")" "$(echo "$(median "$name") $(median healthz)" | awk '{ print $1 / $2 }')"
done
for kind in keyed random; do
    echo "$kind, of formed: $(echo "$(median $kind) $(median formed)" | awk '{ printf "%.2f", $1 / $2 }')"
done
echo "p99 of durable holds: $(sort -h p99 | sed -n "$(((rounds + 1) / 2))p") (the books were verified afterwards)"
echo "resident before any request: $((idle_rss / 1024)) MiB"
grep -v ready idle.out
