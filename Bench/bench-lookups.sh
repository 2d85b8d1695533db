#!/usr/bin/env bash
# Lookups a second over the query socket, beside Redis GET of equally long values: the same load tool, taking turns.
# Settings: REQUESTS (of one run), CONNECTIONS, ROUNDS.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
outaged=.build/release/outaged
requests=${REQUESTS:-200000}
connections=${CONNECTIONS:-50}
rounds=${ROUNDS:-3}
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$work"' EXIT

$outaged import addresses GeoFixtures/territory/service-points.csv --data "$work" --config GeoFixtures/outaged.json >/dev/null
$outaged publish outages GeoFixtures/outages/outages.geojson --data "$work" --config GeoFixtures/outaged.json >/dev/null
$outaged serve --data "$work" --config GeoFixtures/outaged.json --log-level error &
ours=$!
pids+=("$ours")
redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --appendonly no --daemonize no >/dev/null &
redis=$!
pids+=("$redis")

# Until both answer: at most ten seconds.
for socket in query redis; do
  tries=0
  until [ "$(redis-cli -s "$work/$socket.sock" PING 2>/dev/null)" = PONG ] &&
    ! redis-cli -s "$work/$socket.sock" INFO | grep -q '^loading:1'; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "$socket.sock does not answer" >&2; exit 1; }
    sleep 0.1
  done
done

# For each account, a value in Redis of as many bytes as our answer has.
seq -f 'OUTAGE.ACCOUNT %012.0f' 0 4999 | redis-cli -s "$work/query.sock" >"$work/answers"
[ "$(wc -l <"$work/answers")" = 5000 ] && ! grep -qv '^{"match":' "$work/answers" || { echo "not 5000 answers" >&2; exit 1; }
awk '{ gsub(/./, "x"); print "SET", sprintf("%012d", NR - 1), $0 }' \
  "$work/answers" | redis-cli -s "$work/redis.sock" | grep -c OK >/dev/null
awk '{ bytes += length($0) } END { printf "5000 accounts, replies of %d bytes on average\n", bytes / NR }' "$work/answers"

# Clock ticks of a process so far.
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# SERVER PID SOCKET PIPELINE COMMAND...: prints "SERVER PIPELINE lookups-per-second CPU-microseconds-per-lookup".
run() {
  local server=$1 pid=$2 socket=$3 pipeline=$4 before rate
  shift 4
  before=$(ticks "$pid")
  rate=$(redis-benchmark -s "$socket" -c "$connections" -n "$requests" -P "$pipeline" -r 5000 --csv "$@" __rand_int__ |
    tail -n 1 | cut -d, -f2 | tr -d '"')
  awk -v server="$server" -v pipeline="$pipeline" -v rate="$rate" -v ticks=$(($(ticks "$pid") - before)) \
    -v hertz="$(getconf CLK_TCK)" -v requests="$requests" \
    'BEGIN { printf "%s %d %.0f %.2f\n", server, pipeline, rate, ticks / hertz / requests * 1e6 }'
}

for pipeline in 1 16; do
  for _ in $(seq "$rounds"); do
    run outaged "$ours" "$work/query.sock" "$pipeline" OUTAGE.ACCOUNT
    run redis "$redis" "$work/redis.sock" "$pipeline" GET
  done
done >"$work/runs"

echo "$connections connections, $requests requests a run, $rounds runs each, taking turns; the median:"
printf '%-10s %-28s %14s %22s\n' pipeline server lookups/s 'server CPU a lookup'
for pipeline in 1 16; do
  for server in outaged redis; do
    rate=$(awk -v s=$server -v p=$pipeline '$1 == s && $2 == p { print $3 }' "$work/runs" | sort -n | sed -n "$(((rounds + 1) / 2))p")
    cpu=$(awk -v s=$server -v p=$pipeline '$1 == s && $2 == p { print $4 }' "$work/runs" | sort -n | sed -n "$(((rounds + 1) / 2))p")
    name=$([ $server = outaged ] && echo 'outaged OUTAGE.ACCOUNT' || echo "Redis $(redis-server --version | sed 's/.*v=\([0-9.]*\).*/\1/') GET")
    printf '%-10s %-28s %14s %19s us\n' "$pipeline" "$name" "$rate" "$cpu"
  done
done
