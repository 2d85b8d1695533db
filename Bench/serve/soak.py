#!/usr/bin/env python3
"""A long run under load, refreshes and connection churn, whose memory has to stay flat: `make soak MINUTES=60`.

Ends with status 1 if an answer was wrong or failed, or if the daemon's memory has grown: behind the warm-up, the median of the last quarter may lie
above that of the first by 2 % or 4 MiB, whichever is more. A quarter has to take in a dozen publishes, since the old and the new layer stand side by
side for a moment; a shorter run says that it cannot tell. Writes the memory line as soak.svg into the folder that is given.
"""
import os, shutil, statistics, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from measure import BENCH, OUTAGED, Daemon, load, memory, say

MINUTES = float(os.environ.get("MINUTES", 60))
SERVICE_POINTS = int(os.environ.get("SERVICE_POINTS", 200_000))
OUTAGES = int(os.environ.get("OUTAGES", 2_000))
RATE = float(os.environ.get("RATE", 5_000))
REFRESH_SECONDS = float(os.environ.get("REFRESH_SECONDS", 10))
WARM_UP_SECONDS = float(os.environ.get("WARM_UP_SECONDS", 180))
SAMPLE_SECONDS = max(1, MINUTES * 60 / 720)


def main():
    folder = tempfile.mkdtemp(prefix="soak-")
    out = sys.argv[1] if len(sys.argv) > 1 else folder
    os.makedirs(out, exist_ok=True)
    files, data = f"{folder}/files", f"{folder}/data"
    os.makedirs(data)
    daemon = None
    try:
        subprocess.run([f"{BENCH}/outage-fixtures", "workload", "--out", files, "--service-points", str(SERVICE_POINTS),
                        "--outages", str(OUTAGES), "--now", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())], check=True)
        layers = [f"{files}/layer-{name}.geojson" for name in "abc"]
        subprocess.run([OUTAGED, "import", "addresses", f"{files}/addresses.csv", "--data", data], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([f"{BENCH}/outage-load", "plan", "--addresses", f"{files}/addresses.csv", "--out",
                        f"{files}/plan.txt", *[word for layer in layers for word in ("--layer", layer)]], check=True)
        daemon = Daemon(data)
        samples, finished = [], threading.Event()

        def watch():
            started = time.time()
            while not finished.wait(SAMPLE_SECONDS):
                samples.append((time.time() - started, memory(daemon.pid)["RssAnon"]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        say(f"{MINUTES:g} minutes, {RATE:,.0f} requests/s, a publish every {REFRESH_SECONDS:g} s, 20 reconnects a second")
        try:
            figures = load(daemon.query, f"{files}/plan.txt", f"{out}/soak-load", "--admin-socket", daemon.admin,
                           "--rate", RATE, "--seconds", MINUTES * 60, "--depth", 64, "--churn", 20, "--zipf", 0.9,
                           "--publish-every", REFRESH_SECONDS, "--publish", "0,1,2", "--interval",
                           SAMPLE_SECONDS, may_fail=True)
        finally:
            finished.set()
            watcher.join()
    finally:
        if daemon:
            daemon.stop()
        shutil.rmtree(files, ignore_errors=True)
        shutil.rmtree(data, ignore_errors=True)

    with open(f"{out}/soak.svg", "w") as file:
        file.write(plot(samples))
    failed_publishes = [publish["error"] for publish in figures["publishes"] if publish.get("error")]
    say(f"{figures['answered']:,} answers, {figures['wrong']} wrong, {figures['failed']} failed {figures['failures']}; "
        f"{len(figures['publishes'])} publishes, {len(failed_publishes)} failed; p99.9 {figures['latencyMicroseconds']['p99.9']:,.0f} us")
    grows = has_grown(samples)
    say(f"the memory line: {out}/soak.svg")
    if figures["wrong"] or figures["failed"] or failed_publishes or grows:
        sys.exit(1)


def has_grown(samples):
    settled = [size for second, size in samples if second >= WARM_UP_SECONDS]
    quarter = len(settled) // 4
    if quarter * SAMPLE_SECONDS < 12 * REFRESH_SECONDS:
        minutes = (WARM_UP_SECONDS + 4 * 12 * REFRESH_SECONDS) / 60
        say(f"too short to tell whether the memory is flat: that takes {minutes:.0f} minutes")
        return False
    before, after = statistics.median(settled[:quarter]), statistics.median(settled[-quarter:])
    allowed = max(4, before * 0.02)
    say(f"memory of its own behind {WARM_UP_SECONDS:g} s of warm-up: {before:.1f} MiB in the first quarter, {after:.1f} in the last: "
        f"{after - before:+.1f}, allowed {allowed:.1f}")
    return after - before > allowed


def plot(samples):
    width, height, left, top = 900, 300, 60, 30
    seconds = samples[-1][0]
    most = max(size for _, size in samples) * 1.1
    points = " ".join(f"{left + (width - left - 20) * second / seconds:.1f},{top + height * (1 - size / most):.1f}"
                      for second, size in samples)
    ticks = "".join(
        f'<text x="{left - 6}" y="{top + height * (1 - share) + 4:.0f}" text-anchor="end">{most * share:.0f}</text>'
        f'<line x1="{left}" x2="{width - 20}" y1="{top + height * (1 - share):.1f}" y2="{top + height * (1 - share):.1f}" stroke="#ddd"/>'
        for share in (0, 0.25, 0.5, 0.75, 1)) + "".join(
        f'<text x="{left + (width - left - 20) * share:.0f}" y="{top + height + 18}" text-anchor="middle">{seconds * share / 60:.1f} min</text>'
        for share in (0, 0.25, 0.5, 0.75, 1))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 60}" font-family="sans-serif" font-size="11">'
            f'<rect width="100%" height="100%" fill="#fff"/><text x="{left}" y="18" font-size="14">Memory of the daemon\'s own, MiB</text>'
            f'{ticks}<polyline points="{points}" fill="none" stroke="#3366cc" stroke-width="1.5"/></svg>\n')


main()
