"""Recomputes from the raw files of a storm what should have been answered, told and stored, and compares."""

import csv
import datetime
import json
import math
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import geos

# A sheet is rendered by a timer on a busy machine: so much later than due it may be taken, and no answer may be earlier.
STALE_SLACK_MS = 2_000
# A layer's time is given in whole seconds.
AS_OF_SLACK_MS = 1_500
OVER = {"restored", "closed", "cancelled"}
RANK = {"publicSafetyShutoff": 1, "planned": 2}


def milliseconds(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def read_lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


@dataclass
class Result:
    failures: list = field(default_factory=list)
    facts: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    events: list = field(default_factory=list)
    reports: list = field(default_factory=list)
    # (landed at, seconds until the last change of the layer could be read)
    delays: list = field(default_factory=list)
    began: int = 0
    ended: int = 0

    def expect(self, condition, text):
        """Notes a failure; of one kind, the first ten in full."""
        if condition:
            return
        kind = text.split(":")[0]
        self.kinds = getattr(self, "kinds", Counter())
        self.kinds[kind] += 1
        if self.kinds[kind] <= 10:
            self.failures.append(text)


class LayerTruth:
    """What a layer's file says, joined to the service points by GEOS."""

    def __init__(self, folder, positions):
        self.folder = folder
        self.points = geos.Points(positions)
        self.cosine = math.cos(math.radians(sum(p[1] for p in positions) / len(positions)))
        self.layers = {}

    def layer(self, name):
        """The layer's outages in the order in which they are listed, with the outages (places in the list) that cover each point."""
        if name not in self.layers:
            with open(os.path.join(self.folder, name)) as file:
                features = json.load(file)["features"]
            covering = defaultdict(list)
            outages = []
            for feature in features:
                properties = {key.replace("_", "").lower(): value for key, value in feature["properties"].items()}
                points, area = self.points.covered(feature["geometry"])
                for point in points:
                    covering[point].append(len(outages))
                outages.append(
                    {
                        "id": properties["outageid"], "kind": properties.get("kind", "unplanned"),
                        "isOver": properties.get("status") in OVER, "area": area,
                        "start": milliseconds(properties["startedat"]) if properties.get("startedat") else 0,
                        "ert": properties.get("estimatedrestorationat"), "crew": properties.get("crewstatus"),
                    }
                )
            self.layers[name] = outages, covering
        return self.layers[name]

    def out_points(self, name):
        """The points in an outage in force."""
        outages, covering = self.layer(name)
        return {point for point, numbers in covering.items() if any(not outages[n]["isOver"] for n in numbers)}

    def primaries(self, name, point):
        """The outages that may be told first: one, or those whose areas are too alike to tell which is smaller; in force before over."""
        outages, covering = self.layer(name)
        found = [outages[n] for n in covering.get(point, [])]
        if not found:
            return []
        best = min((o["isOver"], RANK.get(o["kind"], 0)) for o in found)
        found = [o for o in found if (o["isOver"], RANK.get(o["kind"], 0)) == best]
        least = min(o["area"] for o in found)
        return [o for o in found if o["area"] <= least * 1.02]


def check(out):
    result = Result()
    raw = os.path.join(out, "raw")
    with open(os.path.join(out, "scenario", "service-points.csv")) as file:
        rows = list(csv.DictReader(file))
    columns = {name.lower().replace("_", ""): name for name in rows[0]}
    ids = [row[columns["servicepointid"]] for row in rows]
    number_of_id = {id: number for number, id in enumerate(ids)}
    truth = LayerTruth(os.path.join(out, "scenario"), [(float(row["LON"]), float(row["LAT"])) for row in rows])
    with open(os.path.join(raw, "status.json")) as file:
        versions = {layer["number"]: layer for layer in json.load(file)["layers"]}
    for layer in versions.values():
        # `oms: step-012.geojson`
        layer["source"] = layer["source"].split(": ")[-1]
    result.events = read_lines(os.path.join(raw, "events.jsonl"))
    beginning = next(event for event in result.events if event["what"] == "began")
    result.began, stale_after_seconds = beginning["at"], beginning["staleAfterSeconds"]
    result.ended = next(event["at"] for event in result.events if event["what"] == "ended")
    landings = read_lines(os.path.join(raw, "landings.jsonl"))
    check_layers(result, versions, landings, os.path.join(out, "scenario"))
    check_answers(result, raw, versions, truth, ids, stale_after_seconds, [l["landedAt"] for l in landings])
    check_reports(result, raw)
    check_changes(result, raw, versions, truth, number_of_id)
    check_delays(result, raw, versions, landings)
    return result


def check_layers(result, versions, landings, scenario):
    # What is the same as what is served confirms it, and is not published: files of one content go by the first one's name.
    first_name = {}
    name_of_file = {}
    for landing in landings:
        with open(os.path.join(scenario, landing["file"]), "rb") as file:
            name_of_file[landing["file"]] = first_name.setdefault(file.read(), landing["file"])
    sources = [name_of_file.get(versions[number]["source"]) for number in sorted(versions)]
    names = [name_of_file[landing["file"]] for landing in landings]
    landed = [name for place, name in enumerate(names) if place == 0 or name != names[place - 1]]
    # Of files that land while the daemon is down, or while it reads another, the last one counts.
    rest = iter(landed)
    result.expect(all(name in rest for name in sources), f"layers: the store has {sources}, in this order landed {landed}")
    result.expect(sources[-1] == landed[-1], f"layers: {landed[-1]} landed last, and {sources[-1]} is served")
    result.expect(len(sources) * 2 >= len(landed), f"layers: {len(landed)} landed, {len(sources)} were published")
    holds = [event["text"] for event in result.events if event["what"] == "refused"]
    refused, held = len(holds), holds[0][:60] if holds else "none"
    result.expect(all(hold.startswith("halfFile") for hold in holds), f"layers: held for another reason: {holds}")
    result.expect(refused > 0, "layers: no broken file was refused")
    result.facts.append(
        f"{len(landings)} layers landed in the watched directory, {len(landed)} of them other than the one before; {len(sources)} published (of those that land while the daemon is down the last one counts); {refused} broken files held: {held}"
    )


def check_answers(result, raw, versions, truth, ids, stale_after_seconds, landed):
    result.calls = read_lines(os.path.join(raw, "calls.jsonl"))
    mix, latest_stale, wrong = Counter(), 0, 0
    before = len(result.failures)
    for call in result.calls:
        if "failed" in call:
            mix["failed"] += 1
            continue
        reply, point = call["reply"], call["point"]
        version = reply["layerVersion"]
        if version == 0:
            result.expect(reply["stale"], f"answers: no layer, and not stale: {reply}")
            continue
        layer = versions.get(version)
        if layer is None:
            result.expect(False, f"answers: layer version {version} was never stored")
            continue
        outages, covering = truth.layer(layer["source"])
        expected = {outages[n]["id"] for n in covering.get(point, [])}
        location = reply["locations"][0]
        told = location["outage"] if location["match"] == "inside" else None
        found = ([told["outageId"]] if told else []) + location["alsoIn"]
        known = {id for id in found if not id.startswith("SUSPECTED-")}
        place = f"{ids[point]} in layer {version} ({layer['source']})"
        result.expect(
            location["servicePointId"] == ids[point], f"answers: {place}: the answer is for {location['servicePointId']}"
        )
        result.expect(known == expected, f"answers: {place}: in {sorted(known)}, by GEOS in {sorted(expected)}")
        result.expect(len(found) == len(set(found)), f"answers: {place}: an outage twice: {found}")
        result.expect((location["match"] == "inside") == bool(found), f"answers: {place}: {location['match']}, in {found}")
        if told and not told.get("suspected"):
            firsts = truth.primaries(layer["source"], point)
            first = next((o for o in firsts if o["id"] == told["outageId"]), None)
            result.expect(first is not None, f"answers: {place}: told {told['outageId']} of {[o['id'] for o in firsts]}")
            if first:
                ert = first["ert"]
                result.expect(
                    told.get("estimatedRestorationAt") == ert, f"answers: {place}: ERT {told.get('estimatedRestorationAt')}, in the file {ert}"
                )
        if told and told.get("suspected"):
            in_force = [outages[n]["id"] for n in covering.get(point, []) if not outages[n]["isOver"]]
            result.expect(not in_force, f"answers: {place}: told {told['outageId']}, while {in_force} are in force")
        as_of = milliseconds(reply["asOf"])
        # A layer is as old as the file that it came with, or the same one that came after it.
        gap = min(abs(as_of - at) for at in landed)
        result.expect(gap <= AS_OF_SLACK_MS, f"staleness: {place}: as of {reply['asOf']}, when nothing landed")
        stale_at = as_of + stale_after_seconds * 1000
        if reply["stale"]:
            result.expect(call["until"] >= stale_at, f"staleness: {place}: stale {stale_at - call['until']} ms too early")
        else:
            latest_stale = max(latest_stale, call["at"] - stale_at)
            result.expect(
                call["at"] <= stale_at + STALE_SLACK_MS, f"staleness: {place}: not told {call['at'] - stale_at} ms after its time"
            )
        kind = "stale" if reply["stale"] else "suspected" if told and told.get("suspected") else location["match"]
        call["kind"] = kind
        mix[kind] += 1
    answered = sum(count for kind, count in mix.items() if kind != "failed")
    result.expect(answered > 0, "answers: none")
    for kind in ("inside", "none", "stale", "suspected"):
        result.expect(mix[kind] > 0, f"answers: none was '{kind}', so that this was not put to the test")
    parts = ", ".join(f"{mix[kind]} {kind}" for kind in ("inside", "suspected", "none", "stale"))
    result.facts.append(
        f"{answered} answers ({parts}), each compared with GEOS for its layer version: {len(result.failures) - before} failures; "
        f"{mix['failed']} attempts met a killed or loading daemon, and were answered when made again"
    )
    result.facts.append(f"staleness was told {max(0, latest_stale)} ms after its time at the latest")


def check_reports(result, raw):
    result.reports = read_lines(os.path.join(raw, "reports.jsonl"))
    stored = read_lines(os.path.join(raw, "stored-reports.jsonl"))
    by_call = Counter(report["callId"] for report in stored)
    for call, count in by_call.items():
        result.expect(count == 1, f"reports: {call} is stored {count} times")
    sequences = [report["sequence"] for report in stored]
    result.expect(sequences == sorted(set(sequences)), "reports: numbers that do not ascend")
    at = {report["callId"]: report for report in stored}
    for report in result.reports:
        found = at.get(report["call"])
        result.expect(found is not None, f"reports: {report['call']} was acknowledged and is not stored")
        if found:
            same = all(found[key] == report[key] for key in ("sequence", "kind", "servicePointId"))
            result.expect(same, f"reports: {report['call']} was acknowledged as {report}, and is stored as {found}")
    acknowledged = {report["call"] for report in result.reports}
    result.expect(len(acknowledged) > 0, "reports: none")
    matched = sum("matchedOutageId" in report and report["matchDelaySeconds"] > 0 for report in stored)
    again = sum(report["duplicate"] for report in result.reports)
    result.facts.append(
        f"{len(acknowledged)} reports acknowledged, {len(stored)} stored, each once; {again} were sent again after a kill and known; {matched} were matched by a later layer"
    )


def check_changes(result, raw, versions, truth, number_of_id):
    stored = read_lines(os.path.join(raw, "stored-changes.jsonl"))
    result.expect(len(stored) > 0, "changes: none")
    for earlier, later in zip(stored, stored[1:]):
        result.expect(
            later["sequence"] == earlier["sequence"] + 1, f"changes: {later['sequence']} follows {earlier['sequence']}"
        )
    # What the killed and resumed consumer has printed; a line that the kill cut off was not acknowledged.
    delivered, cut = [], 0
    with open(os.path.join(raw, "changes.jsonl"), errors="replace") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                delivered.append(json.loads(line))
            except ValueError:
                cut += 1
    result.expect(cut <= 1, f"changes: {cut} lines were cut off by one kill")
    at = {change["sequence"]: change for change in stored}
    last, repeated = (stored[0]["sequence"] if stored else 1) - 1, 0
    for change in delivered:
        sequence = change["sequence"]
        result.expect(sequence <= last + 1, f"changes: {sequence} was delivered after {last}")
        result.expect(at.get(sequence) == change, f"changes: {sequence} was delivered otherwise than it is stored")
        if sequence <= last:
            repeated += 1
        last = max(last, sequence)
    result.expect(not stored or last == stored[-1]["sequence"], f"changes: delivered up to {last}, stored up to {stored[-1]['sequence']}")
    replay(result, stored, versions, truth, number_of_id)
    kinds = Counter(change["kind"] for change in stored)
    result.facts.append(
        f"{len(stored)} changes ({', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}); the killed consumer got each of them, in order, {repeated} of them twice"
    )


def replay(result, changes, versions, truth, number_of_id):
    """Whoever has followed all changes up to a layer knows what is in force for every service point of it."""
    state, checked = {}, 0
    layer_changes = [change for change in changes if change["kind"] != "wireDown"]
    for place, change in enumerate(layer_changes):
        kind, point = change["kind"], number_of_id[change["servicePointId"]]
        told = state.get(point)
        text = f"changes: {change['sequence']} ({kind} of {change['servicePointId']})"
        if kind == "outageStarted":
            result.expect(told is None, f"{text}: {told} was in force already")
            state[point] = {"id": change["outageId"], "ert": change.get("estimatedRestorationAt")}
        elif kind == "restored":
            result.expect(told is not None, f"{text}: nothing was in force")
            state.pop(point, None)
        elif told is None:
            result.expect(False, f"{text}: nothing was in force")
        elif kind == "ertChanged":
            result.expect(told["ert"] == change["previousEstimatedRestorationAt"], f"{text}: the ERT was {told['ert']}")
            told["ert"] = change["estimatedRestorationAt"]
        elif kind != "crewChanged":
            result.expect(told["id"] == change["previousOutageId"], f"{text}: {told['id']} was in force")
            told["id"] = change["outageId"]
        version = change["layerVersion"]
        if place + 1 == len(layer_changes) or layer_changes[place + 1]["layerVersion"] != version:
            name = versions[version]["source"]
            checked += 1
            result.expect(state.keys() == truth.out_points(name), f"changes: after layer {version} others are out than in {name}")
            for point, told in state.items():
                firsts = truth.primaries(name, point)
                same = any(told["id"] == o["id"] and told["ert"] == o["ert"] for o in firsts)
                result.expect(same, f"changes: after layer {version} {point} was told {told}, and is in {firsts}")
    newest = versions[max(versions)]["source"]
    result.expect(state.keys() == truth.out_points(newest), f"changes: they do not add up to the last layer, {newest}")
    result.facts.append(
        f"the changes, replayed, give what GEOS finds out in each of {checked} layers, with its outage and its ERT"
    )


def check_delays(result, raw, versions, landings):
    last_seen = {}
    for change in read_lines(os.path.join(raw, "changes-seen.jsonl")):
        if change.get("layer") is not None:
            last_seen[change["layer"]] = max(last_seen.get(change["layer"], 0), change["at"])
    landed = {landing["file"]: landing["landedAt"] for landing in landings}
    for version, at in sorted(last_seen.items()):
        source = versions[version]["source"]
        if source in landed:
            result.delays.append((landed[source], max(0, at - landed[source]) / 1000))
