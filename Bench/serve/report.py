"""Turns the results into the section of Docs/BENCHMARKS.md between its markers, and copies the plots beside it."""
import os, shutil, statistics

BEGIN, END = "<!-- make bench-serve: begin -->", "<!-- make bench-serve: end -->"


def median(values):
    return statistics.median(values)


def spread(values, digits):
    """`2.93 (2.90 to 3.01)`."""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def write(results, folder, plots):
    path = os.path.join(folder, "BENCHMARKS.md")
    text = open(path).read() if os.path.exists(path) else "# Benchmarks\n"
    section = f"{BEGIN}\n{render(results, plots)}{END}\n"
    if BEGIN in text:
        before, rest = text.split(BEGIN, 1)
        after = rest.split(END, 1)[1].lstrip("\n")
        text = before + section + after
    else:
        text = text.rstrip("\n") + "\n\n" + section
    with open(path, "w") as file:
        file.write(text)
    for name, source in plots.items():
        shutil.copyfile(source, os.path.join(folder, name))
    with open(os.path.join(folder, "bench-serve-cpu.svg"), "w") as file:
        file.write(chart(results["cells"]))


def refresh_seconds(runs):
    return [publish["milliseconds"] / 1e3 for run in runs["refresh"] for publish in run["publishes"]]


def targets(results):
    """What, target, reached, met."""
    rows = []

    def row(what, target, value, limit, text=None, at_least=False, but=""):
        met = value >= limit if at_least else value <= limit
        rows.append((what, target, text or f"{value:.2f} x", f"met{but}" if met else "**not met**"))

    cells, point_cells = results["cells"], results["cells"]
    for name in ("50x1", "1000x1"):
        ours, bare, redis = (median(cells[name][key]["cpu"]) for key in ("ours", "bare", "redis"))
        row(f"server CPU a request, `OUTAGE.ACCOUNT`, {shown(name)}, of the bare epoll loop", "at most 1.15 x", ours / bare, 1.15)
        row(f"the same, of Redis `GET`", "at most 0.85 x", ours / redis, 0.85)
    for name in ("50x16", "200x64"):
        ours, redis = (median(cells[name][key]["cpu"]) for key in ("ours", "redis"))
        row(f"server CPU a request, `OUTAGE.ACCOUNT`, {shown(name)}, of Redis `GET`", "at most 0.7 x", ours / redis, 0.7)
    for name in ("50x1", "50x16"):
        ratio = median(point_cells[name]["point"]["cpu"]) / median(cells[name]["ours"]["cpu"])
        row(f"server CPU, `OUTAGE.POINT` on W1, {shown(name)}, of `OUTAGE.ACCOUNT`", "at most 1.3 x", ratio, 1.3)
    if "postgis" in results:
        found = results["postgis"]
        row("server CPU, `OUTAGE.POINT`, 50 x 1, of a PostGIS query", "at most 0.2 x",
            median(cells["50x1"]["point"]["cpu"]) / median(found["cpu"]), 0.2)
        row("throughput, `OUTAGE.POINT`, 50 x 16, of PostGIS", "at least 10 x",
            median(results["cellsAllLoops"]["50x16"]["point"]["perSecond"]) / median(found["perSecond"]), 10, at_least=True)
    tail = results["tail"]["runs"]
    interval, took = results["sizes"]["REFRESH_SECONDS"], median(refresh_seconds(tail))
    late = f" (each took {took:.1f} s, the next came straight after)" if took > interval else ""
    row(f"p99.9 at half load, a full refresh every {interval:g} s{late}, of that without", "at most 1.5 x",
        p999(tail["refresh"]) / p999(tail["quiet"]), 1.5, but=", but for the interval" if late else "")
    answers = results["answers"]
    bad = answers["wrong"] + answers["failed"]
    under = "refresh, churn and takeover" if answers["takesOver"] else "refresh and churn (takeover not measured)"
    row(f"wrong or failed answers in {answers['answered']:,} under {under}", "0", bad, 0, f"{bad}")
    megabytes = results["memory"]["VmRSS"] * 1.048576
    row("resident memory, serving", "at most 400 MB", megabytes, 400, f"{megabytes:,.0f} MB")
    for when, at_rest in (("the one before at rest, as with a layer a minute", True), ("the one before hardly done", False)):
        row(f"peak of resident memory during a full publish, {when}, of the old and the new Territory's arrays", "at most 1.2 x",
            max(publish["peak"] / (publish["old"] + publish["new"]) for publish in results["fullPublishMemory"]
                if ("rest" in publish["kind"]) == at_rest), 1.2)
    publishes = results["publishes"]["milliseconds"]
    row("publish of a full layer, unloaded", "under 2 s", median(publishes["full"]) / 1e3, 2,
        f"{median(publishes['full']) / 1e3:.2f} s")
    row("publish of a layer with 1 % changed", "under 200 ms", median(publishes["one percent"]), 200,
        f"{median(publishes['one percent']):.0f} ms")
    restart = median(results["restart"]["milliseconds"])
    row("from start to the first answer", "under 200 ms", restart, 200, f"{restart:.0f} ms")
    return rows


def p999(runs):
    """The median of the runs' 99.9th percentiles, in microseconds."""
    return median([run["latencyMicroseconds"]["p99.9"] for run in runs])


def niceness(results):
    """Said where others' work on the machine had to be held back."""
    return f", all processes at niceness {results['niceness']}" if results.get("niceness") else ""


def shown(cell):
    return cell.replace("x", " x ")


def render(results, plots):
    sizes = results["sizes"]
    lines = ["## The query server", "",
             f"`make bench-serve` repeats it. {sizes['SERVICE_POINTS']:,} service points and {sizes['OUTAGES']:,} outages: the storm W1, "
             f"half of the service points covered. Measured on {results['date']} at {results['commit']} on {results['machine']}, "
             f"load average {results['loadAtStart']:.1f} at the start{niceness(results)}, {results['seconds'] / 60:.1f} minutes in all. Client and servers share the "
             "machine's cores. Medians, with the least and the greatest in brackets.", "",
             "### Targets", "", "| what | target | reached | |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {target} | {reached} | {met} |" for what, target, reached, met in targets(results)]

    cells = results["cells"]
    lines += ["", "### Cost of a request", "", "![Server CPU a request](bench-serve-cpu.svg)", "",
              f"Server CPU a request in µs, from the scheduler's own account (`/proc/PID/task/*/schedstat`); `outage-load` as the client of all, a "
              f"closed loop, {sizes['REPETITIONS']} turns of {sizes['CELL_SECONDS']:g} s each, interleaved. The bare loop and Redis answer with "
              f"{results['replyBytes']} bytes, the mean of our replies. One event loop each: Redis and the bare loop have no more.", "",
              "| connections x pipeline | ours, ACCOUNT | ours, POINT | bare epoll loop | Redis GET |",
              "| --- | --- | --- | --- | --- |"]
    for name, values in cells.items():
        lines.append(f"| {shown(name)} | " + " | ".join(
            f"{spread(values[key]['cpu'], 3)}" for key in ("ours", "point", "bare", "redis")) + " |")
    lines += ["", "Requests a second:", "", "| connections x pipeline | ours, ACCOUNT | ours, POINT | bare epoll loop | Redis GET | "
              "ours, ACCOUNT, a loop a core | ours, POINT, a loop a core |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, values in cells.items():
        every = results["cellsAllLoops"][name]
        lines.append(f"| {shown(name)} | " + " | ".join(
            f"{median(values[key]['perSecond']):,.0f}" for key in ("ours", "point", "bare", "redis")) + " | "
            + " | ".join(f"{median(every[key]['perSecond']):,.0f} ({median(every[key]['cpu']):.3f} µs)" for key in ("ours", "point")) + " |")

    if "postgis" in results:
        found = results["postgis"]
        lines += ["", f"PostgreSQL {found['version']}, `ST_Covers` on the same layer with a GiST index, prepared statement, generic plan, all in "
                  f"memory, {found['clients']} connections of pgbench over its Unix socket: {spread(found['perSecond'], 0)} queries a second, "
                  f"{spread(found['cpu'], 1)} µs of server CPU each. {found['share']:.0%} of its points were covered by an outage; of ours, half."]
    if "profile" in results:
        lines += ["", "### Where the time goes", "",
                  "Share of the event loop's samples (`perf`, CPU clock), one loop:", "",
                  "| part | " + " | ".join(results["profile"]) + " |", "| --- |" + " --- |" * len(results["profile"])]
        parts = sorted({part for shares in results["profile"].values() for part in shares},
                       key=lambda part: -max(shares.get(part, 0) for shares in results["profile"].values()))
        for part in parts:
            lines.append(f"| {part} | " + " | ".join(
                f"{shares.get(part, 0):.1%}" for shares in results["profile"].values()) + " |")

    tail = results["tail"]
    lines += ["", "### The tail", "",
              f"Open loop: requests start at a constant {tail['rate']:,} a second, half of what a closed loop of 50 connections reached, and "
              "latency counts from the moment at which a request was due. Accounts, phones, points and unknown accounts, every answer checked. µs.", "",
              "| | p50 | p99 | p99.9 | p99.99 | max | sent late at worst | stolen by the machine's host |",
              "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, title in (("quiet", "no refresh"), ("refresh", f"a full refresh every {sizes['REFRESH_SECONDS']:g} s"),
                        ("processor", "no refresh, its processor time beside"), ("disk", "no refresh, its writing beside")):
        for run in tail["runs"][name]:
            latency = run["latencyMicroseconds"]
            lines.append(f"| {title} | " + " | ".join(f"{latency[key]:,.0f}" for key in ("p50", "p99", "p99.9", "p99.99", "max"))
                         + f" | {run['sentLateMicroseconds']:,.0f} | {run['stolenShare']:.1%} |")
    cpu_seconds, megabytes = tail["weight"]
    lines += ["", f"A refresh took {spread(refresh_seconds(tail['runs']), 1)} s from its command to the reply; one that is due while another is on its way begins when that has ended.",
              "", f"Processor time and writing beside are another process's, which touches nothing of ours, and as much every {sizes['REFRESH_SECONDS']:g} s as "
              f"of a refresh with all that follows from it: {cpu_seconds:.1f} s at niceness 5, and {megabytes:.0f} MB that are synced. Median p99.9: " + ", ".join(
                  f"{title} {p999(tail['runs'][name]) / 1e3:.1f} ms"
                  for name, title in (("quiet", "no refresh"), ("processor", "processor"), ("disk", "writing"), ("refresh", "refresh"))) + "."]
    for name in ("bench-serve-quiet.svg", "bench-serve-refresh.svg"):
        if name in plots:
            lines += ["", f"![Latency over time]({name})"]

    if "storm" in results:
        storm = results["storm"]
        latency = storm["latencyMicroseconds"]
        lines += ["", "### A storm's calls", "",
                  f"`outage-load run --storm`: {storm['title'][0].lower()}{storm['title'][1:]}; bots ask 3 to 6 times a call; some customers call far more often "
                  f"than others (Zipf, 0.9); a layer every few seconds. {storm['answered']:,} answers, {storm['wrong']} wrong, {storm['failed']} failed; "
                  f"p50 {latency['p50']:,.0f} µs, p99 {latency['p99']:,.0f}, p99.9 {latency['p99.9']:,.0f}, max {latency['max']:,.0f}.", "",
                  "![Latency and rate over a storm](bench-serve-storm.svg)"]

    publishes = results["publishes"]
    lines += ["", "### Publishes, memory, starts", "", "| | milliseconds | phases (medians) |", "| --- | --- | --- |"]
    for kind in publishes["milliseconds"]:
        phases = ", ".join(f"{phase} {median(values):.0f}" for phase, values in publishes["phases"].get(kind, {}).items())
        lines.append(f"| publish, {kind} | {spread(publishes['milliseconds'][kind], 0)} | {phases} |")
    lines.append(f"| start to first answer | {spread(results['restart']['milliseconds'], 0)} | |")
    at_start, now, restarted = results["memoryAtStart"], results["memory"], results["restart"]["memory"]
    lines += ["", f"Resident memory in MiB: {restarted['VmRSS']:.0f} after a start (its own {restarted['RssAnon']:.0f}, mapped files "
              f"{restarted['RssFile']:.0f}), {now['VmRSS']:.0f} when {6 * sizes['REPETITIONS'] + 1} publishes have settled (own {now['RssAnon']:.0f}, mapped "
              f"{now['RssFile']:.0f}; {results['memoryStraightAfter']['VmRSS']:.0f} straight after the last), {now['VmHWM']:.0f} at the peak of a publish. The Territory's arrays: {now['territory']:.0f}. "
              f"A full publish added at most "
              f"{max(publish['peak'] - publish['before'] for publish in results['fullPublishMemory']):.0f} at its peak to what was resident before. "
              f"The import of the addresses took {results['importSeconds']:.1f} s.", "", "### Answers", ""]
    answers = results["answers"]
    lines.append(
        f"{answers['answered']:,} answers, each held against what GEOS says of the files ({answers['null']:,} of unknown accounts): "
        f"{answers['wrong']} wrong, {answers['failed']} failed{' ' + str(answers['failures']) if answers['failures'] else ''}. Meanwhile "
        f"{len(answers['publishes'])} full layers were published, {answers['connects']:,} connections opened, and the daemon was replaced "
        f"{len(answers['takeovers'])} times by `outaged serve --takeover`; {answers['sentAgain']:,} requests that a draining daemon's connection "
        "did not take any more (the client's send fails, so it knows) went out on a new one.")
    return "\n".join(lines) + "\n"


def chart(cells):
    """Bars of the medians, a panel a cell, each scaled to its own greatest."""
    colours = {"ours": "#3366cc", "point": "#7a9be0", "bare": "#2a7f62", "redis": "#b3261e"}
    names = {"ours": "ours, ACCOUNT", "point": "ours, POINT", "bare": "bare epoll loop", "redis": "Redis GET"}
    parts, left = [], 20
    for cell, values in cells.items():
        medians = {key: median(values[key]["cpu"]) for key in colours}
        top = max(medians.values())
        parts.append(f'<text x="{left + 90}" y="36" text-anchor="middle" font-weight="bold">{shown(cell)}</text>')
        for index, (key, value) in enumerate(medians.items()):
            height = 180 * value / top
            x = left + 10 + index * 42
            parts.append(f'<rect x="{x}" y="{230 - height:.1f}" width="34" height="{height:.1f}" fill="{colours[key]}"/>'
                         f'<text x="{x + 17}" y="{224 - height:.1f}" text-anchor="middle">{value:.2f}</text>')
        parts.append(f'<line x1="{left}" x2="{left + 180}" y1="230" y2="230" stroke="#999"/>')
        left += 205
    for index, key in enumerate(colours):
        parts.append(f'<rect x="{30 + index * 150}" y="246" width="12" height="12" fill="{colours[key]}"/>'
                     f'<text x="{48 + index * 150}" y="256">{names[key]}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left} 270" font-family="sans-serif" font-size="11">\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n<text x="20" y="18" font-size="14">Server CPU a request, µs, by connections x '
            f'pipeline</text>\n' + "\n".join(parts) + "\n</svg>\n")
