"""The one page that a storm ends with: what was proved, and plots of it."""

import html
import os
from collections import Counter, defaultdict

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 900, 180, 60, 24, 26
COLOURS = {"inside": "#c0392b", "suspected": "#e67e22", "near": "#f1c40f", "none": "#2e86c1", "stale": "#7f8c8d", "failed": "#000000"}


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


class Plot:
    """An SVG plot over the time of the run."""

    def __init__(self, title, result, highest):
        self.result, self.highest = result, highest or 1
        self.seconds = (result.ended - result.began) / 1000
        self.parts = [
            f'<text x="{LEFT}" y="16" font-weight="bold">{html.escape(title)}</text>',
            f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - 10}" height="{HEIGHT - TOP - BOTTOM}" fill="none" stroke="#bbb"/>',
        ]
        for share in (0, 0.5, 1):
            self.parts.append(
                f'<text x="{LEFT - 6}" y="{self.y(share * self.highest) + 4:.1f}" text-anchor="end">{share * self.highest:.3g}</text>'
            )
        for hour in range(0, 13, 2):
            self.parts.append(
                f'<text x="{self.x(hour / 12 * self.seconds):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{hour} h</text>'
            )
        for event in result.events:
            colour = {"daemon killed": "#c0392b", "consumer killed": "#8e44ad", "refused": "#b7950b"}.get(event["what"])
            if colour:
                x = self.x((event["at"] - result.began) / 1000)
                self.parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{colour}" stroke-dasharray="3 3"/>')

    def x(self, seconds):
        return LEFT + (WIDTH - LEFT - 10) * min(1, max(0, seconds / self.seconds))

    def y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(1, value / self.highest)

    def line(self, points, colour, name=None):
        path = " ".join(f"{self.x(t):.1f},{self.y(v):.1f}" for t, v in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if name:
            self.legend(name, colour)

    def bar(self, begin, end, low, high, colour):
        x, width = self.x(begin), self.x(end) - self.x(begin)
        self.parts.append(
            f'<rect x="{x:.1f}" y="{self.y(high):.1f}" width="{width:.2f}" height="{max(0, self.y(low) - self.y(high)):.1f}" fill="{colour}"/>'
        )

    def legend(self, name, colour):
        place = sum(part.startswith("<text class") for part in self.parts)
        self.parts.append(f'<text class="legend" x="{WIDTH - 20 - 90 * place}" y="16" text-anchor="end" fill="{colour}">{name}</text>')

    def svg(self):
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">'
            + "".join(self.parts) + "</svg>"
        )


def plots(result):
    bin_seconds = max(1.0, (result.ended - result.began) / 1000 / 120)
    mixes, latencies = defaultdict(Counter), defaultdict(list)
    for call in result.calls:
        place = int((call["at"] - result.began) / 1000 / bin_seconds)
        mixes[place][call.get("kind", "failed")] += 1
        if "micros" in call:
            latencies[place].append(call["micros"] / 1000)
    reports = Counter(int((report["at"] - result.began) / 1000 / bin_seconds) for report in result.reports)
    places = range(max(mixes, default=0) + 1)

    rates = Plot("Calls and reports a second", result, max((sum(mix.values()) for mix in mixes.values()), default=1) / bin_seconds)
    rates.line([((p + 0.5) * bin_seconds, sum(mixes[p].values()) / bin_seconds) for p in places], "#2e86c1", "calls")
    rates.line([((p + 0.5) * bin_seconds, reports[p] / bin_seconds) for p in places], "#c0392b", "reports")

    shares = Plot("Answer mix, %", result, 100)
    for place in places:
        low, whole = 0.0, sum(mixes[place].values())
        for kind, colour in COLOURS.items():
            high = low + 100 * mixes[place][kind] / whole if whole else low
            shares.bar(place * bin_seconds, (place + 1) * bin_seconds, low, high, colour)
            low = high
    for kind, colour in COLOURS.items():
        shares.legend(kind, colour)

    delays = Plot("From a layer's landing to its last change readable, s", result, max((d for _, d in result.delays), default=1))
    for landed, delay in result.delays:
        second = (landed - result.began) / 1000
        delays.bar(second, second + bin_seconds, 0, delay, "#27ae60")

    highest = max((quantile(values, 0.999) for values in latencies.values()), default=1)
    times = Plot("Latency of an answer, ms", result, highest)
    for share, colour, name in [(0.5, "#27ae60", "median"), (0.99, "#e67e22", "99 %"), (0.999, "#c0392b", "99.9 %")]:
        times.line([((p + 0.5) * bin_seconds, quantile(latencies[p], share)) for p in places if latencies[p]], colour, name)
    return [("calls", rates), ("mix", shares), ("delays", delays), ("latency", times)]


def write(out, result):
    """Writes `report.html` and its plots as files of their own; returns the report as text."""
    micros = [call["micros"] / 1000 for call in result.calls if "micros" in call]
    report_micros = [report["micros"] / 1000 for report in result.reports]
    delays = [delay for _, delay in result.delays]
    seconds = (result.ended - result.began) / 1000
    lines = [f"12 hours in {seconds:.0f} s"] + result.facts + [
        f"latency of an answer: median {quantile(micros, 0.5):.2f} ms, 99 % {quantile(micros, 0.99):.2f} ms, 99.9 % {quantile(micros, 0.999):.1f} ms",
        f"latency of a report, on the disk: median {quantile(report_micros, 0.5):.1f} ms, 99 % {quantile(report_micros, 0.99):.1f} ms",
        f"from a layer's landing to its last change readable: median {quantile(delays, 0.5):.2f} s, at most {max(delays, default=0):.2f} s (a killed daemon included)",
    ]
    kills = [event["what"] for event in result.events]
    lines.append(
        f"daemon killed {kills.count('daemon killed')} times, consumer {kills.count('consumer killed')} times"
    )
    verdict = "PROVED" if not result.failures else f"FAILED: {len(result.failures)} failures"
    drawn = plots(result)
    for name, plot in drawn:
        with open(os.path.join(out, name + ".svg"), "w") as file:
            file.write(plot.svg())
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    failures = "".join(f"<li>{html.escape(failure)}</li>" for failure in result.failures)
    with open(os.path.join(out, "report.html"), "w") as file:
        file.write(
            "<!doctype html><meta charset='utf-8'><title>Storm</title>"
            "<style>body{font:14px sans-serif;max-width:60em;margin:2em auto}svg{width:100%}</style>"
            f"<h1>Storm: {html.escape(verdict)}</h1><ul>{items}</ul>"
            + (f"<h2>Failures</h2><ul>{failures}</ul>" if failures else "")
            + "".join(plot.svg() for _, plot in drawn)
            + "<p>Dashed: red, the daemon was killed; purple, the consumer was killed; yellow, a broken file was refused.</p>"
        )
    text = [f"\nStorm: {verdict}"] + [f"  - {line}" for line in lines]
    text += [f"  ! {failure}" for failure in result.failures[:40]]
    text.append(f"  The page with plots: {out}/report.html")
    return "\n".join(text)
