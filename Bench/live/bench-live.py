#!/usr/bin/env python3
"""Changes and reports: from a layer's landing to the last change that can be read, and reports beside lookups.

`make bench-live` builds what it needs and runs it, in about two minutes; sizes come from the environment (see SIZES).
"""
import json, os, shutil, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from measure import BENCH, OUTAGED, RESP, Daemon, Server, bytes_written, load, machine, say, wait_until

SIZES = {name: type(value)(os.environ.get(name, value)) for name, value in {
    "SERVICE_POINTS": 1_000_000, "AFFECTED": 200_000, "OUTAGES": 200,
    "REPORTS_A_SECOND": 5000, "REPORT_CONNECTIONS": 500, "LOOKUPS_A_SECOND": 10_000, "LOOKUP_CONNECTIONS": 50,
    "SECONDS": 8.0, "REPETITIONS": 3,
}.items()}
STANDIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin.py")
# About the commits that the reports' journal makes; each is one sync.
SYNCS_A_SECOND = 500
WEST, SOUTH, STEP = -121.5, 38.0, 0.0005


def main():
    folder = tempfile.mkdtemp(prefix="bench-live-")
    daemon = None
    try:
        say(f"on {machine()}, load average {os.getloadavg()[0]:.1f}")
        data, files = f"{folder}/data", f"{folder}/files"
        os.makedirs(files)
        width = write_addresses(f"{files}/addresses.csv")
        rows = SIZES["AFFECTED"] // width
        # The first layer covers nobody, the next AFFECTED service points, then the same with other ERTs, then nobody again.
        write_layer(f"{files}/none.geojson", width, 0, 0)
        write_layer(f"{files}/storm.geojson", width, rows, 6)
        write_layer(f"{files}/later.geojson", width, rows, 9)
        subprocess.run([OUTAGED, "import", "addresses", f"{files}/addresses.csv", "--data", data], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([OUTAGED, "publish", "outages", f"{files}/none.geojson", "--data", data], check=True,
                       stdout=subprocess.DEVNULL)
        daemon = Undamped(data, f"{folder}/outaged.json")
        changes(daemon, data, files)
        reports(daemon, files)
    finally:
        if daemon:
            daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Undamped(Daemon):
    """A daemon that tells every move of an ERT."""

    def __init__(self, data, config):
        with open(config, "w") as file:
            json.dump({"changes": {"ertMinimumMoveSeconds": 0, "ertMinimumIntervalSeconds": 0}}, file)
        self.data, self.query, self.admin = data, f"{data}/query.sock", f"{data}/admin.sock"
        Server.__init__(self, [OUTAGED, "serve", "--data", data, "--config", config, "--log-level", "warning"],
                        f"{data}/serve.log")
        wait_until(self.answers, "the daemon's first answer")


def write_addresses(path):
    width = 1000
    with open(path, "w") as file:
        file.write("servicePointId,accountId,feederId,criticalCustomer,lon,lat\n")
        for number in range(SIZES["SERVICE_POINTS"]):
            y, x = divmod(number, width)
            file.write(f"SP-{number:09d},{number:012d},F-{number // 2000},{'Y' if number % 50 == 0 else 'N'},"
                       f"{WEST + x * STEP:.6f},{SOUTH + y * STEP:.6f}\n")
    return width


def write_layer(path, width, rows, hours):
    """OUTAGES strips over the first `rows` rows of the grid; one far away where there are none."""
    features = []
    count = SIZES["OUTAGES"] if rows else 1
    for number in range(count):
        west, south = (WEST + (number * width // count - 0.5) * STEP, SOUTH - STEP / 2) if rows else (10.0, 10.0)
        east, north = west + width / count * STEP, south + max(1, rows) * STEP
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        ert = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))
        features.append({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
                         "properties": {"outageId": f"OMS-{number}", "estimatedRestorationAt": ert}})
    with open(path, "w") as file:
        json.dump({"type": "FeatureCollection", "features": features}, file)


def changes(daemon, data, files):
    client = RESP(f"{data}/feed.sock")
    following = client.ask("CHANGES.READ", 0, "COUNT", 1, "KIND", "wireDown")[0]
    admin = RESP(daemon.admin)
    for name, kind in (("storm", "outageStarted"), ("later", "ertChanged"), ("none", "restored")):
        landed = f"{files}/landed.geojson"
        shutil.copy(f"{files}/{name}.geojson", landed)
        first = following
        started = time.monotonic()
        admin.send("LAYER.PUBLISH", landed)
        # Somebody who waits for changes, as the notifier does: read on until nothing comes any more.
        read, readable = 0, None
        while read < SIZES["AFFECTED"]:
            following, events = client.ask("CHANGES.READ", following, "COUNT", 10000, "BLOCK", 5000)
            readable = readable or time.monotonic()
            read += len(events)
            if not events:
                break
        done = time.monotonic()
        outcome = json.loads(admin.reply())
        last = json.loads(events[-1])
        assert last["kind"] == kind and last["sequence"] == following - 1, last
        say(f"{kind}: {read} changes; readable after {readable - started:.2f} s, all read {done - started:.2f} s "
            f"after the file's landing (publish: {sum(t['milliseconds'] for t in outcome['timings']):.0f} ms)")
    admin.close()
    client.close()


def reports(daemon, files):
    plan = f"{files}/plan.txt"
    subprocess.run([f"{BENCH}/outage-load", "plan", "--addresses", f"{files}/addresses.csv", "--layer",
                    f"{files}/none.geojson", "--customers", "20000", "--out", plan], check=True)
    # In this order: the stand-in writes as much as the reports before it have.
    figures = {"alone": [], "with reports": [], "beside a stand-in": []}
    lookups = ["--rate", SIZES["LOOKUPS_A_SECOND"], "--connections", SIZES["LOOKUP_CONNECTIONS"], "--seconds",
               SIZES["SECONDS"], "--mix", "account=80,point=20", "--unchecked", "--already-published", "--publish", "0"]
    for repetition in range(SIZES["REPETITIONS"]):
        for name in figures:
            reporter = None
            if name == "with reports":
                reporter = subprocess.Popen(
                    [f"{BENCH}/report-load", "--socket", daemon.query, "--rate", str(SIZES["REPORTS_A_SECOND"]),
                     "--connections", str(SIZES["REPORT_CONNECTIONS"]), "--seconds", str(SIZES["SECONDS"] + 1),
                     "--calls", f"R{repetition}"], stdout=subprocess.PIPE, text=True)
                time.sleep(0.5)
                written = bytes_written(daemon.pid)
            standin = name == "beside a stand-in" and subprocess.Popen(
                [sys.executable, STANDIN, str(SIZES["SECONDS"]), str(SYNCS_A_SECOND), str(bytes_a_second),
                 f"{files}/stand-in"])
            found = load(daemon.query, plan, f"{files}/lookups", *lookups)
            figures[name].append(found)
            say(f"lookups {name}: {describe(found)}")
            if standin:
                standin.wait()
            if reporter:
                bytes_a_second = (bytes_written(daemon.pid) - written) / SIZES["SECONDS"]
                say(f"written to the disk: {bytes_a_second / 1e6:.1f} MB a second")
                say(reporter.communicate()[0].strip())
                assert reporter.returncode == 0
    for other in ("alone", "beside a stand-in"):
        ratios = [p999(b) / p999(a) for a, b in zip(figures[other], figures["with reports"])]
        say(f"p99.9 of lookups with reports / {other}: {', '.join(f'{r:.2f}' for r in ratios)}; "
            f"median {statistics.median(ratios):.2f}")
    info = daemon.info()
    say(", ".join(f"{name} {info[name]}" for name in ("reports_stored", "reports_failed", "reports_last_sequence")))


def p999(found):
    return found["latencyMicroseconds"]["p99.9"]


def describe(found):
    latency = found["latencyMicroseconds"]
    return ", ".join(f"{name} {latency[name]:.0f} us" for name in ("p50", "p99", "p99.9"))


main()
