#!/usr/bin/env python3
"""The query server beside Redis, a bare epoll loop and PostGIS: cost, tail, correctness, memory, publishes and starts, in one run.

`make bench-serve` builds what it needs and runs it. Sizes come from the environment (see SIZES). The results go between the markers in
Docs/BENCHMARKS.md, with their plots beside it; --keep FOLDER keeps the figures of each single measurement.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from measure import (BENCH, OUTAGED, RESP, ROOT, Daemon, Server, bytes_written, cpu_ticks, forget_peak, load, machine, memory,
                     say, stolen_ticks, wait_until)
import postgis, report

SIZES = {name: type(value)(os.environ.get(name, value)) for name, value in {
    "SERVICE_POINTS": 1_000_000, "OUTAGES": 10_000, "CUSTOMERS": 100_000,
    # Seconds of one closed-loop measurement, and how often each has its turn.
    "CELL_SECONDS": 1.5, "REPETITIONS": 3,
    # Seconds of one open-loop run, and between refreshes in it.
    "TAIL_SECONDS": 12.0, "TAIL_REPETITIONS": 5, "REFRESH_SECONDS": 5.0,
    "POSTGIS_SECONDS": 5.0,
    # Answers under refresh, churn and takeover.
    "ANSWERS": 10_000_000, "TAKEOVERS": 3,
    "STORM_COMPRESSION": 450.0, "STORM_PEAK_FACTOR": 2.0,
}.items()}
STANDIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin.py")
CELLS = [(50, 1), (1000, 1), (50, 16), (200, 64)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--docs", default=os.path.join(ROOT, "Docs"), help="the folder of BENCHMARKS.md")
    arguments.add_argument("--keep", help="a folder that receives all single figures")
    arguments.add_argument("--only", help="steps to run, by name, separated by commas; the document is not written then")
    options = arguments.parse_args()
    folder = tempfile.mkdtemp(prefix="bench-serve-")
    os.chmod(folder, 0o755)
    bench = Bench(folder, options.keep)
    try:
        bench.run(options.only.split(",") if options.only else None)
        if not options.only:
            report.write(bench.results, options.docs, bench.plots)
            say(f"written to {options.docs}/BENCHMARKS.md")
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Bench:
    STEPS = ["cells", "profile", "postgis", "tail", "storm", "publishes", "restart", "answers"]

    def __init__(self, folder, keep):
        self.folder = folder
        self.keep = keep or folder
        os.makedirs(self.keep, exist_ok=True)
        self.results = {"sizes": SIZES, "machine": machine(), "date": time.strftime("%Y-%m-%d"),
                        "loadAtStart": os.getloadavg()[0], "niceness": os.nice(0)}
        self.plots = {}
        self.servers = []
        self.commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True,
                                     text=True).stdout.strip()
        self.results["commit"] = self.commit

    def run(self, only):
        started = time.time()
        self.prepare()
        for step in self.STEPS:
            if only is None or step in only:
                say(step)
                getattr(self, step)()
                with open(f"{self.keep}/results.json", "w") as file:
                    json.dump(self.results, file, indent=1, default=str)
        self.results["seconds"] = time.time() - started

    def stop(self):
        for server in self.servers:
            server.stop()

    def start(self, server):
        self.servers.append(server)
        return server

    def end(self, server):
        self.servers.remove(server)
        return server.stop()

    def load(self, name, socket_path, *arguments, **options):
        return load(socket_path, self.plan, f"{self.keep}/{name}", *arguments, **options)

    # Steps

    def prepare(self):
        say(f"data: {SIZES['SERVICE_POINTS']} service points, {SIZES['OUTAGES']} outages")
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.files = f"{self.folder}/files"
        self.data = f"{self.folder}/data"
        os.makedirs(self.data)
        subprocess.run([f"{BENCH}/outage-fixtures", "workload", "--out", self.files, "--now", now, "--service-points",
                        str(SIZES["SERVICE_POINTS"]), "--outages", str(SIZES["OUTAGES"])], check=True)
        self.layers = [f"{self.files}/layer-{name}.geojson" for name in "abc"]
        started = time.time()
        subprocess.run([OUTAGED, "import", "addresses", f"{self.files}/addresses.csv", "--data", self.data], check=True,
                       stdout=subprocess.DEVNULL)
        self.results["importSeconds"] = time.time() - started
        subprocess.run([OUTAGED, "publish", "outages", self.layers[0], "--data", self.data], check=True,
                       stdout=subprocess.DEVNULL)
        self.plan = f"{self.files}/plan.txt"
        subprocess.run([f"{BENCH}/outage-load", "plan", "--addresses", f"{self.files}/addresses.csv",
                        *[word for layer in self.layers for word in ("--layer", layer)], "--customers",
                        str(SIZES["CUSTOMERS"]), "--out", self.plan], check=True)

    def cells(self):
        """Server CPU a request, ours, bare loop and Redis in turns; then ours as it is shipped, with a loop a core."""
        daemon = self.start(Daemon(self.data, event_loops=1)).settled()
        first = self.load("probe", daemon.query, "--unchecked", "--already-published", "--mix", "account=1",
                          "--seconds", 1)
        length = round(first["replyBytesMean"]) - 8
        self.results["replyBytes"] = length
        bare = self.start(Server([f"{BENCH}/bare-epoll", f"{self.folder}/bare.sock", str(length)],
                                 f"{self.folder}/bare.log"))
        redis_socket = f"{self.folder}/redis.sock"
        redis = self.start(Server(["redis-server", "--port", "0", "--unixsocket", redis_socket, "--save", "",
                                   "--dir", self.folder, "--maxclients", "4000"], f"{self.folder}/redis.log"))
        wait_until(lambda: RESP(redis_socket).ask("PING"), "Redis")
        fill_redis(redis_socket, self.plan, length)
        wait_until(lambda: os.path.exists(f"{self.folder}/bare.sock"), "the bare loop")
        ways = {
            "ours": (daemon.query, ["--mix", "account=1", "--unchecked", "--already-published"]),
            "point": (daemon.query, ["--mix", "point=1", "--unchecked", "--already-published"]),
            "bare": (f"{self.folder}/bare.sock", ["--mix", "account=1", "--verb", "GET"]),
            "redis": (redis_socket, ["--mix", "account=1", "--verb", "GET"]),
        }
        self.results["cells"] = self.turns(ways, CELLS)
        for server in (bare, redis, daemon):
            self.end(server)
        daemon = self.start(Daemon(self.data)).settled()
        self.results["cellsAllLoops"] = self.turns({name: (daemon.query, ways[name][1]) for name in ("ours", "point")},
                                                   CELLS)
        self.end(daemon)

    def turns(self, ways, cells):
        cells_of = {}
        for connections, depth in cells:
            runs = {name: [] for name in ways}
            for _ in range(SIZES["REPETITIONS"]):
                for name, (path, arguments) in ways.items():
                    figures = self.load(f"cell-{name}-{connections}x{depth}", path, *arguments, "--connections",
                                        connections, "--depth", depth, "--seconds", SIZES["CELL_SECONDS"])
                    runs[name].append((figures["serverCPUMicrosecondsPerRequest"], figures["perSecond"],
                                       figures["latencyMicroseconds"]["p99"]))
            cells_of[f"{connections}x{depth}"] = {
                name: {"cpu": [cpu for cpu, _, _ in values], "perSecond": [rate for _, rate, _ in values],
                       "p99": [p99 for _, _, p99 in values]} for name, values in runs.items()}
            say(f"{connections} x {depth}: " + ", ".join(
                f"{name} {statistics.median(cpu for cpu, _, _ in values):.3f} us"
                f" ({statistics.median(rate for _, rate, _ in values):,.0f}/s)" for name, values in runs.items()))
        return cells_of

    def profile(self):
        """Where an event loop's time goes, by perf's samples of the CPU clock."""
        if not shutil.which("perf"):
            say("perf is not installed: skipped")
            return
        daemon = self.start(Daemon(self.data, event_loops=1)).settled()
        loop = next(task for task in os.listdir(f"/proc/{daemon.pid}/task")
                    if open(f"/proc/{daemon.pid}/task/{task}/comm").read().startswith("loop"))
        self.results["profile"] = {}
        for connections, depth, kind in ((50, 1, "account"), (200, 64, "account"), (200, 64, "point")):
            samples = f"{self.folder}/perf.data"
            recording = threading.Thread(target=lambda: (time.sleep(1.5), subprocess.run(
                ["perf", "record", "-F", "1999", "-e", "cpu-clock", "-t", loop, "-o", samples, "--", "sleep", "3"],
                capture_output=True)))
            recording.start()
            self.load(f"profile-{kind}-{connections}x{depth}", daemon.query, "--unchecked", "--already-published", "--mix",
                      f"{kind}=1", "--connections", connections, "--depth", depth, "--seconds", 5)
            recording.join()
            output = subprocess.run(["perf", "report", "-i", samples, "--no-children", "--sort", "sym", "--stdio", "-g",
                                     "none"], capture_output=True, text=True).stdout
            self.results["profile"][f"{kind.upper()}, {connections} x {depth}"] = shares(output)
        self.end(daemon)

    def postgis(self):
        if not postgis.binaries():
            say("PostgreSQL is not installed: skipped")
            return
        directory = f"{self.folder}/postgis"
        os.makedirs(directory)
        server = postgis.PostGIS(directory)
        try:
            server.load(self.layers[0])
            version = server.sql("SELECT split_part(version(), ' ', 2) || ', PostGIS ' || postgis_lib_version()").strip()
            measured = server.measure(f"{self.files}/addresses.csv", SIZES["POSTGIS_SECONDS"], SIZES["REPETITIONS"])
        finally:
            server.stop()
        self.results["postgis"] = measured | {"version": version, "clients": postgis.CLIENTS}
        say(f"PostGIS: {statistics.median(measured['perSecond']):,.0f}/s, "
            f"{statistics.median(measured['cpu']):.1f} us; {measured['share']:.0%} of points covered")

    def tail(self):
        """Open loop at half of what a closed loop reaches: without refreshes, with them, and beside stand-ins for their work, in turns."""
        daemon = self.start(Daemon(self.data)).settled()
        most = statistics.median(
            self.load(f"most-{turn}", daemon.query, "--already-published", "--seconds", SIZES["CELL_SECONDS"],
                      "--depth", 1)["perSecond"] for turn in range(3))
        rate = int(most / 2)
        weight = self.refresh_weight(daemon)
        # What a stand-in takes of a refresh's weight: its processor time, or what it writes.
        standins = {"processor": (weight[0], 0), "disk": (0, weight[1])}
        runs = {name: [] for name in ("quiet", "refresh", *standins)}
        for turn in range(SIZES["TAIL_REPETITIONS"]):
            for name in runs:
                # Each run begins alike: the first layer is served, and nothing is left to do of the publish before.
                daemon.publish(self.layers[0])
                daemon.settled() if name == "refresh" else daemon.rested()
                arguments = ["--rate", rate, "--seconds", SIZES["TAIL_SECONDS"], "--depth", 64, "--already-published",
                             "--admin-socket", daemon.admin, "--title",
                             f"{rate:,} requests/s on 50 connections"
                             + (f", a full refresh every {SIZES['REFRESH_SECONDS']:g} s" if name == "refresh" else ""),
                             "--svg", f"{self.keep}/tail-{name}.svg", "--hlog", f"{self.keep}/tail-{name}-{turn}.hlog"]
                if name == "refresh":
                    arguments += ["--publish-every", SIZES["REFRESH_SECONDS"]]
                standin = name in standins and subprocess.Popen(
                    [sys.executable, STANDIN, *map(str, (SIZES["TAIL_SECONDS"], SIZES["REFRESH_SECONDS"], *standins[name])),
                     f"{self.folder}/stand-in"])
                before = stolen_ticks()
                figures = self.load(f"tail-{name}-{turn}", daemon.query, *arguments)
                if standin:
                    standin.wait()
                figures["stolenShare"] = (stolen_ticks() - before) / os.sysconf("SC_CLK_TCK") / SIZES["TAIL_SECONDS"]
                runs[name].append(figures)
                if name not in standins:
                    self.plots[f"bench-serve-{name}.svg"] = f"{self.keep}/tail-{name}.svg"
        self.results["tail"] = {"rate": rate, "most": most, "weight": weight, "runs": {
            name: [{key: figures[key] for key in ("latencyMicroseconds", "sentLateMicroseconds", "wrong", "failed",
                                                  "answered", "publishes", "serverCPUSeconds", "stolenShare")} for figures in values]
            for name, values in runs.items()}}
        for name, values in runs.items():
            say(f"{name}: p99.9 " + ", ".join(f"{figures['latencyMicroseconds']['p99.9']:,.0f} us" for figures in values))
        self.end(daemon)

    def refresh_weight(self, daemon):
        """What one full publish costs with all that follows from it: seconds of processor time, and megabytes to the disk."""
        daemon.publish(self.layers[1])
        daemon.rested()
        ticks, written = cpu_ticks(daemon.pid), bytes_written(daemon.pid)
        daemon.publish(self.layers[0])
        daemon.rested()
        return [(cpu_ticks(daemon.pid) - ticks) / os.sysconf("SC_CLK_TCK"), (bytes_written(daemon.pid) - written) / 1e6]

    def storm(self):
        daemon = self.start(Daemon(self.data))
        figures = self.load(
            "storm", daemon.query, "--storm", "--compression", SIZES["STORM_COMPRESSION"], "--peak-factor",
            SIZES["STORM_PEAK_FACTOR"], "--zipf", 0.9, "--depth", 64, "--connections", 200, "--admin-socket",
            daemon.admin, "--publish-every", 60 * 10 / SIZES["STORM_COMPRESSION"] + 5, "--title",
            f"A storm of five hours in {5 * 3600 / SIZES['STORM_COMPRESSION']:.0f} s: 800 calls a day, 80,000 an hour, "
            f"{80_000 * SIZES['STORM_PEAK_FACTOR']:,.0f} an hour", "--svg", f"{self.keep}/storm.svg")
        self.results["storm"] = figures
        self.plots["bench-serve-storm.svg"] = f"{self.keep}/storm.svg"
        self.end(daemon)

    def publishes(self):
        """Full and one-percent publishes with nobody asking: the one before at rest, as when a layer comes each minute, or settled, or just done; and memory."""
        daemon = self.start(Daemon(self.data)).settled()
        self.results["memoryAtStart"] = memory(daemon.pid)
        rounds = {"full, at rest": [], "full": [], "one percent": [], "full, straight after another": []}
        phases = {}
        peaks = []
        daemon.publish(self.layers[0])
        for _ in range(SIZES["REPETITIONS"]):
            for kind, path in (("full, at rest", self.layers[1]), ("full, straight after another", self.layers[0]),
                               ("full", self.layers[1]), ("full", self.layers[0]), ("one percent", self.layers[2]),
                               ("one percent", self.layers[0])):
                if "rest" in kind:
                    daemon.rested()
                elif "straight" not in kind:
                    daemon.settled()
                before = memory(daemon.pid)["VmRSS"], territory_mebibytes(daemon)
                forget_peak(daemon.pid)
                outcome, milliseconds = daemon.publish(path)
                rounds[kind].append(milliseconds)
                if "full" in kind:
                    peaks.append({"kind": kind, "before": before[0], "peak": memory(daemon.pid)["VmHWM"], "old": before[1],
                                  "new": territory_mebibytes(daemon)})
                for timing in outcome["timings"]:
                    phases.setdefault(kind, {}).setdefault(timing["phase"], []).append(timing["milliseconds"])
        self.results["publishes"] = {"milliseconds": rounds, "phases": phases}
        self.results["memoryStraightAfter"] = memory(daemon.pid)
        daemon.rested()
        self.results["memory"] = {"territory": territory_mebibytes(daemon)} | memory(daemon.pid)
        self.results["memory"]["VmHWM"] = max(peak["peak"] for peak in peaks)
        self.results["fullPublishMemory"] = peaks
        say(", ".join(f"{kind}: {statistics.median(values):,.0f} ms" for kind, values in rounds.items())
            + f"; memory {self.results['memory']}; peaks of full publishes {peaks}")
        self.end(daemon)

    def restart(self):
        times = []
        for _ in range(SIZES["REPETITIONS"]):
            daemon = self.start(Daemon(self.data))
            times.append(daemon.ready_milliseconds)
            self.memory_after_restart = memory(daemon.pid)
            self.end(daemon)
        self.results["restart"] = {"milliseconds": times, "memory": self.memory_after_restart}
        say(f"ready after {statistics.median(times):.0f} ms")

    def answers(self):
        """Ten million answers, each checked, under refresh, connection churn and takeover."""
        daemon = self.start(Daemon(self.data))
        finished = threading.Event()
        takeovers = []

        def take_over():
            nonlocal daemon
            for _ in range(SIZES["TAKEOVERS"]):
                if finished.wait(6):
                    return
                started = time.monotonic()
                successor = Daemon(self.data, takeover=True)
                self.servers.append(successor)
                old, daemon = daemon, successor
                status = old.process.wait(60)
                self.servers.remove(old)
                takeovers.append({"seconds": time.monotonic() - started, "status": status})

        takes_over = SIZES["TAKEOVERS"] > 0 and "--takeover" in subprocess.run(
            [OUTAGED, "serve", "--help"], capture_output=True, text=True).stdout
        thread = threading.Thread(target=take_over)
        if takes_over:
            thread.start()
        try:
            figures = self.load(
                "answers", daemon.query, "--admin-socket", daemon.admin, "--depth", 16, "--connections", 50, "--seconds",
                900, "--requests", SIZES["ANSWERS"], "--publish-every", SIZES["REFRESH_SECONDS"], "--churn", 200,
                "--zipf", 0.9, "--svg", f"{self.keep}/answers.svg", may_fail=True)
        finally:
            finished.set()
            if takes_over:
                thread.join()
        self.results["answers"] = figures | {"takeovers": takeovers, "takesOver": takes_over}
        say(f"{figures['answered']:,} answers: {figures['wrong']} wrong, {figures['failed']} failed {figures['failures']}, "
            f"{len(figures['publishes'])} publishes, {figures['connects']} connections, {len(takeovers)} takeovers")
        self.end(daemon)


# Parts of the path, by what the names of its functions hold; the first that fits.
PARTS = [
    ("kernel: sockets, epoll, scheduling", ["[k]"]),
    ("parse: RESP and command", ["12WireProtocol"]),
    ("look-up: key, row, areas", ["9Territory", "13PointLocation"]),
    ("copy and compose", ["memmove", "12CallerAnswer", "11ByteBuffers", "Float64ToASCII"]),
    ("loop and system calls", ["7Reactor", "12OutageDaemon", "recv", "send", "read", "write", "epoll"]),
]


def shares(output):
    """Shares of the parts in perf's list of symbols."""
    found = {}
    for line in output.splitlines():
        fields = line.split(None, 1)
        if len(fields) != 2 or not fields[0].endswith("%"):
            continue
        part = next((name for name, marks in PARTS if any(mark in fields[1] for mark in marks)), "other: run-time library")
        found[part] = found.get(part, 0) + float(fields[0][:-1]) / 100
    return found


def territory_mebibytes(daemon):
    """What the Territory's arrays hold."""
    return int(daemon.info()["territory_bytes"]) / (1 << 20)


def fill_redis(path, plan, length):
    """A value as long as our replies for each account of the plan."""
    client = RESP(path)
    count = 0
    with open(plan) as file:
        for line in file:
            if line.startswith("A\t"):
                client.send("SET", line.split("\t", 2)[1], "x" * length)
                count += 1
                if count % 1000 == 0:
                    for _ in range(1000):
                        client.reply()
    for _ in range(count % 1000):
        client.reply()
    client.close()


main()
