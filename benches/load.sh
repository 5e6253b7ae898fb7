#!/usr/bin/env bash
# Reviews a second over TLS: the server on one core, wrk on another, 16 kept connections. Prints what
# the same server does with a GET that has no body and one word for an answer, by turns in one run:
# what is between the two is the review. Needs wrk and taskset.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in wrk taskset curl; do
    command -v "$tool" >/dev/null || { echo "load.sh needs $tool" >&2; exit 1; }
done
cargo build --locked --release --quiet
cargo bench --locked --quiet --bench allocations -- --write-reviews >/dev/null
folder=$(mktemp -d)
taskset -c 0 target/release/pod-identity-webhook --bind-address=127.0.0.1 --port=18443 --metrics-port=18444 \
    --manifests=examples --tls-ca-out="$folder/ca.crt" --shutdown-delay=0 --aws-default-region=eu-west-1 \
    2>"$folder/log" &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$folder"' EXIT
curl --silent --fail --retry 50 --retry-delay 0 --retry-all-errors --retry-max-time 10 --output /dev/null \
    http://127.0.0.1:18444/readyz
cat >"$folder/post.lua" <<LUA
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("target/reviews/7.5KB.json", "rb")
wrk.body = file:read("a")
LUA
measure() { taskset -c 1 wrk -t1 -c16 -d"${SECONDS_EACH:-5}s" "$@" | awk '/Requests\/sec/ { print $2 } /Non-2xx/ { exit 1 }'; }
for round in 1 2 3; do
    review=$(measure -s "$folder/post.lua" https://127.0.0.1:18443/mutate)
    get=$(measure https://127.0.0.1:18443/healthz)
    awk -v r="$review" -v g="$get" 'BEGIN { printf "reviews of 7.4 KB: %d/s, GET: %d/s, ratio %.2f\n", r, g, r / g }'
done
