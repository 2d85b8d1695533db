"""`make storm`: twelve hours of a storm in minutes, with everything failing at once, and proof that nothing was lost, wrong or late.

Layers grow and clear; callers ask and report at up to a hundred times the normal rate; a consumer reads changes and is killed and resumed; the feed
breaks twice; the daemon is killed twice. What everybody sent and received is written to raw files, from which `check.py` recomputes everything.
"""

import argparse
import csv
import datetime
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import check
import page
from resp import Connection, ErrorReply

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STEPS = 73  # ten minutes each: twelve hours
NORMAL_CALLS_PER_DAY = 800
STORM_FACTOR = 100
CALLERS = 12

# Shares of the run's length.
FEED_BREAKS = [("half a file", 0.18, 0.26), ("silent", 0.55, 0.63)]
DAEMON_KILLS = [0.36, 0.70]
CONSUMER_KILL = 0.45


def now_ms():
    return time.time_ns() // 1_000_000


class RawFile:
    """Lines of JSON, from any thread."""

    def __init__(self, path):
        self.file = open(path, "w", buffering=1 << 16)
        self.lock = threading.Lock()

    def write(self, **fields):
        line = json.dumps(fields, separators=(",", ":"))
        with self.lock:
            self.file.write(line + "\n")

    def close(self):
        self.file.close()


class Storm:
    def __init__(self, arguments):
        self.out = arguments.out
        self.seconds = arguments.seconds
        # Less than the feed is broken for, more than from one layer to the next.
        self.stale_after = max(2, int(self.seconds / 30))
        self.seed = arguments.seed
        self.outaged = arguments.outaged
        self.data = os.path.join(self.out, "data")
        self.scenario = os.path.join(self.out, "scenario")
        self.raw = os.path.join(self.out, "raw")
        # Where the OMS puts its layers, and the daemon looks for them.
        self.watched = os.path.join(self.out, "oms")
        for folder in [self.data, self.raw, self.watched]:
            os.makedirs(folder)
        self.query = os.path.join(self.data, "query.sock")
        self.admin = os.path.join(self.data, "admin.sock")
        self.feed = os.path.join(self.data, "feed.sock")
        self.config = os.path.join(self.out, "outaged.json")
        self.events = RawFile(os.path.join(self.raw, "events.jsonl"))
        self.calls = RawFile(os.path.join(self.raw, "calls.jsonl"))
        self.reports = RawFile(os.path.join(self.raw, "reports.jsonl"))
        self.landings = RawFile(os.path.join(self.raw, "landings.jsonl"))
        self.seen = RawFile(os.path.join(self.raw, "changes-seen.jsonl"))
        self.daemon = None
        self.consumer = None
        self.step = -1
        self.is_over = threading.Event()
        self.failures = []

    # The stage

    def prepare(self, generator, accounts, given):
        # All times of the layers lie in the past, so that the clock alone changes nothing between two layers.
        begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=14)
        if given:
            # Steps that `outage-fixtures storm-steps` has written before.
            shutil.copytree(given, self.scenario)
        else:
            subprocess.run(
                [
                    generator, "storm-steps", "--accounts", str(accounts), "--steps", str(STEPS), "--seed",
                    str(self.seed), "--now", begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "--out", self.scenario,
                ],
                check=True,
            )
        with open(self.config, "w") as file:
            json.dump(
                {
                    "staleAfterSeconds": self.stale_after, "keepLayers": 1000,
                    # The storm rises and falls within the guards' window of ten minutes.
                    "feeds": [{
                        "name": "oms", "directory": self.watched, "pattern": "*.geojson", "settleSeconds": 0.1,
                        "staleAfterSeconds": self.stale_after, "maxDrop": 1, "dropMinOutages": 1_000_000,
                    }],
                    # Every difference is to be told, so that the changes add up.
                    "changes": {"ertMinimumMoveSeconds": 0, "ertMinimumIntervalSeconds": 0, "ertSettleSeconds": 0},
                    "suspected": {"refreshSeconds": 1},
                }, file, indent=1,
            )
        subprocess.run(
            [
                self.outaged, "import", "addresses", f"{self.scenario}/service-points.csv", "--data", self.data,
                "--config", self.config,
            ],
            check=True, stdout=subprocess.DEVNULL,
        )
        with open(f"{self.scenario}/service-points.csv") as file:
            self.points = list(csv.DictReader(file))
        columns = {name.lower().replace("_", ""): name for name in self.points[0]}
        self.point_column = columns["servicepointid"]
        positions = [(float(point["LON"]), float(point["LAT"])) for point in self.points]
        print("  who is out at which step, by GEOS ...", flush=True)
        truth = check.LayerTruth(self.scenario, positions)
        self.out_at = [sorted(truth.out_points(f"step-{step:03d}.geojson")) for step in range(STEPS)]

    def start_daemon(self):
        log = open(os.path.join(self.out, "daemon.log"), "ab")
        self.daemon = subprocess.Popen(
            [self.outaged, "serve", "--data", self.data, "--config", self.config], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                connection = Connection(self.query)
                info = connection.ask("INFO", "outages")
                connection.close()
                if "loading:0" in info:
                    return
            except (OSError, ErrorReply):
                pass
            if self.daemon.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"the daemon does not serve; see {self.out}/daemon.log")

    def start_consumer(self):
        output = open(os.path.join(self.raw, "changes.jsonl"), "ab")
        # The killed one may have been in the middle of a line.
        output.write(b"\n")
        output.flush()
        self.consumer = subprocess.Popen(
            [
                self.outaged, "changes", "--follow", "--json", "--consumer", "notifier", "--data", self.data,
            ],
            stdout=output, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )

    def wait_until(self, share):
        """Returns at that share of the run, or at once if it is over."""
        self.is_over.wait(max(0, self.began + share * self.seconds - time.monotonic()))

    # Who plays in it

    def land(self, content, name):
        """Renames a file into the watched directory, as an OMS does; returns when it did."""
        hidden = os.path.join(self.watched, "." + name)
        with open(hidden, "wb") as file:
            file.write(content)
        os.utime(hidden)
        at = now_ms()
        os.rename(hidden, os.path.join(self.watched, name))
        return at

    def info(self, section):
        """The section's lines; none while no daemon answers."""
        try:
            connection = Connection(self.query, timeout=10)
            text = connection.ask("INFO", section)
            connection.close()
        except (OSError, ErrorReply):
            return {}
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def feed_layers(self):
        for step in range(STEPS):
            share = step / STEPS
            self.wait_until(share)
            self.step = step
            name = f"step-{step:03d}.geojson"
            with open(os.path.join(self.scenario, name), "rb") as file:
                content = file.read()
            broken = next((kind for kind, begin, end in FEED_BREAKS if begin <= share < end), None)
            if broken is None:
                self.landings.write(file=name, landedAt=self.land(content, name))
            elif broken == "half a file":
                self.land(content[: len(content) // 2], f"half-{step:03d}.geojson")
                # Two seconds at most, and not into the next step.
                for _ in range(20):
                    time.sleep(0.1)
                    held = self.info("feeds").get("feed_oms_held")
                    if held:
                        self.events.write(at=now_ms(), what="refused", text=held)
                        break
            # Silent: the OMS gives nothing at all.

    def wait_for_layer(self):
        """Until the daemon has published what landed last; the same content again confirms it, and is not published."""
        content = {}
        for step in range(STEPS):
            with open(os.path.join(self.scenario, f"step-{step:03d}.geojson"), "rb") as file:
                content[f"step-{step:03d}.geojson"] = file.read()
        last = content[f"step-{STEPS - 1:03d}.geojson"]
        for _ in range(600):
            connection = Connection(self.admin)
            layers = json.loads(connection.ask("LAYER.STATUS"))["layers"]
            connection.close()
            if layers and content.get(layers[0]["source"].split(": ")[-1]) == last:
                return
            time.sleep(0.1)
        self.failures.append("what landed last was not published in a minute")

    def arrivals(self):
        """Seconds from the beginning at which calls come: a quiet hour, two hours up to a hundredfold, four of that, three back, two quiet."""
        compression = 12 * 3600 / self.seconds
        normal = NORMAL_CALLS_PER_DAY / 86_400 * compression
        curve = [(0, 1), (1, 1), (3, STORM_FACTOR), (7, STORM_FACTOR), (10, 1), (12, 1)]
        at, due = 0.0, 0.5
        while at < self.seconds:
            hour = at / self.seconds * 12
            (h0, f0), (h1, f1) = next((a, b) for a, b in zip(curve, curve[1:]) if hour <= b[0])
            rate = normal * (f0 + (f1 - f0) * (hour - h0) / (h1 - h0))
            at += 1 / rate
            yield at

    def call(self, number):
        """A caller: draws calls, asks, reports; goes on until an answer has come, as a voice bot does."""
        draw = random.Random(self.seed * 1000 + number)
        connection = None
        for index, at in enumerate(self.arrivals()):
            if index % CALLERS != number:
                continue
            wait = self.began + at - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            point, kind = self.draw_caller(draw)
            record = self.points[point]
            call_id = f"call-{index}"
            while not self.is_over.is_set():
                try:
                    if connection is None:
                        connection = Connection(self.query, timeout=10)
                    began, clock = now_ms(), time.perf_counter()
                    reply = connection.ask("OUTAGE.SERVICEPOINT", record[self.point_column])
                    micros = int((time.perf_counter() - clock) * 1e6)
                    self.calls.write(
                        at=began, until=now_ms(), micros=micros, point=point, reply=json.loads(reply)
                    )
                    break
                except (OSError, ErrorReply, ValueError) as error:
                    if not isinstance(error, ErrorReply) and connection is not None:
                        connection.close()
                        connection = None
                    self.calls.write(at=now_ms(), point=point, failed=f"{type(error).__name__}: {error}")
                    time.sleep(0.1)
            if kind is None:
                continue
            # With its call's id a report may be sent again until it is acknowledged.
            while not self.is_over.is_set():
                try:
                    if connection is None:
                        connection = Connection(self.query, timeout=10)
                    clock = time.perf_counter()
                    reply = json.loads(
                        connection.ask(
                            "REPORT.ADD", "SERVICEPOINT", record[self.point_column], "KIND", kind, "CALL", call_id
                        )
                    )
                    self.reports.write(
                        at=now_ms(), micros=int((time.perf_counter() - clock) * 1e6), call=call_id, kind=kind,
                        servicePointId=record[self.point_column], sequence=reply["report"],
                        duplicate=reply["duplicate"],
                    )
                    break
                except (OSError, ErrorReply) as error:
                    if not isinstance(error, ErrorReply) and connection is not None:
                        connection.close()
                        connection = None
                    time.sleep(0.1)

    def draw_caller(self, draw):
        """The number of a service point, and what its caller reports, if anything."""
        step = max(0, self.step)
        luck = draw.random()
        known = self.out_at[step]
        coming = sorted(set(self.out_at[min(step + 2, STEPS - 1)]).difference(known))
        if luck < 0.4 and coming:
            # Power is gone, and the OMS does not know: neighbours call together.
            near = coming[: max(8, len(coming) // 4)]
            return draw.choice(near), "wireDown" if draw.random() < 0.01 else "out"
        if luck < 0.75 and known:
            return draw.choice(known), "stillOut" if draw.random() < 0.1 else None
        return draw.randrange(len(self.points)), "flickering" if draw.random() < 0.02 else None

    def watch_changes(self):
        """Reads changes beside the consumer, only to note when each could be read."""
        following, connection = "0", None
        while not self.is_over.is_set():
            try:
                if connection is None:
                    connection = Connection(self.feed, timeout=10)
                following_next, events = connection.ask("CHANGES.READ", following, "COUNT", "2000", "BLOCK", "500")
                at = now_ms()
                following = following_next
                for event in events:
                    change = json.loads(event)
                    self.seen.write(at=at, sequence=change["sequence"], layer=change.get("layerVersion"))
            except ErrorReply as error:
                self.failures.append(f"CHANGES.READ: {error}")
                time.sleep(0.2)
            except OSError:
                connection = None
                time.sleep(0.1)

    def kill_daemon(self):
        for share in DAEMON_KILLS:
            self.wait_until(share)
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait()
            self.events.write(at=now_ms(), what="daemon killed")
            time.sleep(0.5)
            self.start_daemon()
            self.events.write(at=now_ms(), what="daemon serves again")

    def kill_consumer(self):
        self.wait_until(CONSUMER_KILL)
        self.consumer.send_signal(signal.SIGKILL)
        self.consumer.wait()
        self.events.write(at=now_ms(), what="consumer killed")
        time.sleep(max(1.0, 0.02 * self.seconds))
        self.start_consumer()
        self.events.write(at=now_ms(), what="consumer resumed")

    # The play

    def run(self):
        self.start_daemon()
        self.start_consumer()
        self.began = time.monotonic()
        self.events.write(at=now_ms(), what="began", seconds=self.seconds, staleAfterSeconds=self.stale_after)
        watcher = threading.Thread(target=self.watch_changes)
        watcher.start()
        threads = [threading.Thread(target=self.guarded, args=(self.feed_layers,))]
        threads += [threading.Thread(target=self.guarded, args=(self.call, number)) for number in range(CALLERS)]
        threads += [threading.Thread(target=self.guarded, args=(part,)) for part in (self.kill_daemon, self.kill_consumer)]
        for thread in threads:
            thread.start()
        deadline = self.began + self.seconds + 120
        for thread in threads:
            thread.join(max(0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            self.failures.append("the storm does not end: callers or the feed wait for a daemon that does not answer")
            self.is_over.set()
        self.wait_for_layer()
        self.events.write(at=now_ms(), what="ended")
        self.collect()
        self.is_over.set()
        watcher.join()
        for process in (self.consumer, self.daemon):
            process.send_signal(signal.SIGTERM)
        self.consumer.wait(10)
        self.daemon.wait(20)
        if self.daemon.returncode != 0:
            self.failures.append(f"the daemon ended with status {self.daemon.returncode}")
        for file in (self.events, self.calls, self.reports, self.landings, self.seen):
            file.close()

    def guarded(self, part, *arguments):
        try:
            part(*arguments)
        except Exception as error:  # A part that fails fails the proof, and not silently.
            self.failures.append(f"{part.__name__}: {type(error).__name__}: {error}")

    def collect(self):
        """What the daemon holds at the end, and a consumer that has had the time to read all of it."""
        connection = Connection(self.feed, timeout=60)
        for command, name in [("REPORT.READ", "stored-reports"), ("CHANGES.READ", "stored-changes")]:
            with open(os.path.join(self.raw, name + ".jsonl"), "w") as file:
                following = "0"
                while True:
                    following, items = connection.ask(command, following, "COUNT", "1000")
                    if not items:
                        break
                    file.write("".join(item + "\n" for item in items))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            _, waiting = connection.ask("CHANGES.READ", ">", "CONSUMER", "notifier", "COUNT", "1")
            if not waiting:
                break
            time.sleep(0.2)
        connection.close()
        connection = Connection(self.admin, timeout=60)
        with open(os.path.join(self.raw, "status.json"), "w") as file:
            file.write(connection.ask("LAYER.STATUS"))
        connection.close()
        with open(os.path.join(self.raw, "info.txt"), "w") as file:
            query = Connection(self.query)
            file.write(query.ask("INFO"))
            query.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="how long the twelve hours last")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", default=os.path.join(ROOT, "var", "storm"), help="emptied first")
    parser.add_argument("--outaged", default=os.path.join(ROOT, ".build/release/outaged"))
    parser.add_argument("--generator", default=os.path.join(ROOT, "Bench/.build/release/outage-fixtures"))
    parser.add_argument("--scenario", help="a folder of steps to take in place of new ones")
    parser.add_argument("--check-only", action="store_true", help="check the raw files of an earlier run again")
    arguments = parser.parse_args()
    failures = []
    if not arguments.check_only:
        # Socket paths are short: a long folder would not do.
        if len(os.path.join(arguments.out, "data/query.sock")) > 100:
            raise SystemExit(f"--out {arguments.out} is too long for a socket's path")
        shutil.rmtree(arguments.out, ignore_errors=True)
        storm = Storm(arguments)
        print(f"Storm of 12 hours in {arguments.seconds:.0f} s, seed {arguments.seed}, in {arguments.out}", flush=True)
        storm.prepare(arguments.generator, arguments.accounts, arguments.scenario)
        print("  running ...", flush=True)
        try:
            storm.run()
        finally:
            for process in (storm.consumer, storm.daemon):
                if process and process.poll() is None:
                    process.kill()
        failures = storm.failures
    print("  checking ...", flush=True)
    result = check.check(arguments.out)
    result.failures[:0] = failures
    text = page.write(arguments.out, result)
    print(text)
    sys.exit(1 if result.failures else 0)


if __name__ == "__main__":
    main()
