#!/usr/bin/env bash
# Requests a second over HTTP, all in one run: GET /healthz, a product, durable holds and sold-out refusals, in turn, nine
# rounds. Needs `wrk`. Prints the median of each and its ratio to /healthz: absolute figures belong to the machine, which
# the load generator shares.
#
# SECONDS_EACH (default 3), CONNECTIONS (default 64) and ROUNDS (default 9) can be set in the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds_each=${SECONDS_EACH:-3} connections=${CONNECTIONS:-64} rounds=${ROUNDS:-9}

command -v wrk > /dev/null || { echo "wrk is needed (Debian: apt-get install wrk)" >&2; exit 1; }
cargo build --release --quiet
flashsale=$PWD/target/release/flashsale
folder=$(mktemp -d -p "$PWD")
trap 'kill "$server" 2> /dev/null; wait "$server" 2> /dev/null; rm -rf "$folder"' EXIT

cat > "$folder/products.csv" <<'CSV'
sku,name,price,total_stock
sold-out,Sold out,1.00,0
plenty,Plenty,1.00,2000000000
CSV
cat > "$folder/hold.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"product_id":' .. os.getenv("PRODUCT") .. ',"quantity":1}'
LUA
cd "$folder"
"$flashsale" seed products.csv > /dev/null
"$flashsale" serve --listen 127.0.0.1:0 > listening 2> log &
server=$!
until grep -q listening listening; do :; done
base=$(sed 's/listening on //' listening)

measure() { wrk -t1 -c"$connections" -d"${seconds_each}s" --latency "$@"; }
rate() { awk '/Requests\/sec/ { print $2 }'; }

for _ in $(seq "$rounds"); do
    measure "$base/healthz" | rate >> healthz
    measure "$base/api/products/2" | rate >> product
    PRODUCT=2 measure -s hold.lua "$base/api/holds" | tee holds.txt | rate >> hold
    awk '/99%/ { print $2 }' holds.txt >> p99
    PRODUCT=1 measure -s hold.lua "$base/api/holds" | rate >> refusal
done
"$flashsale" verify --quick > /dev/null

median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }
echo "$connections connections, $rounds rounds of $seconds_each s each, durability full, $(nproc) cores"
printf '%-22s %10s %8s\n' request 'req/s' ratio
for name in healthz product hold refusal; do
    printf '%-22s %10.0f %8.2f\n' "$name" "$(median "$name")" "$(echo "$(median "$name") $(median healthz)" | awk '{ print $1 / $2 }')"
done
echo "p99 of durable holds: $(sort "p99" | sed -n "$(((rounds + 1) / 2))p") (the books were verified afterwards)"
