"""Proves that the checker sees what it is there for: spoils one thing in a finished storm's raw files at a time, and demands a failure.

    python3 Bench/storm/mutate.py var/storm
"""

import json
import os
import shutil
import sys
import tempfile

import check


def lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


def spoil(name, change):
    """A mutation of one raw file of JSON lines."""

    def apply(raw):
        path = os.path.join(raw, name)
        items = change(lines(path))
        with open(path, "w") as file:
            file.writelines(json.dumps(item) + "\n" for item in items)

    return apply


def both(change):
    """The same in what was delivered and in what is kept, so that only the replay can see it."""

    def apply(raw):
        for name in ("changes.jsonl", "stored-changes.jsonl"):
            spoil(name, change)(raw)

    return apply


def first(items, condition, change):
    for item in items:
        if condition(item):
            change(item)
            return items
    raise SystemExit("the storm has nothing to spoil: run a longer one")


def inside(call):
    reply = call.get("reply")
    return reply is not None and reply["match"] == "inside" and not reply["locations"][0]["outage"].get("suspected")


def outage(call):
    return call["reply"]["locations"][0]["outage"]


def without(items, condition):
    place = next(index for index, item in enumerate(items) if condition(item))
    return items[:place] + items[place + 1 :]


def swap(items, place):
    items[place], items[place + 1] = items[place + 1], items[place]
    return items


MUTATIONS = {
    "an answer names another outage": spoil(
        "calls.jsonl", lambda items: first(items, inside, lambda call: outage(call).update(outageId="OMS-0"))),
    "an answer comes from another layer": spoil(
        "calls.jsonl",
        lambda items: first(items[len(items) // 2 :], inside, lambda call: call["reply"].update(layerVersion=1))),
    "an answer gives another ERT": spoil(
        "calls.jsonl",
        lambda items: first(
            items, lambda call: inside(call) and "estimatedRestorationAt" in outage(call),
            lambda call: outage(call).update(estimatedRestorationAt="2031-01-01T00:00:00Z"))),
    "an answer hides that it is stale": spoil(
        "calls.jsonl",
        lambda items: first(
            items, lambda call: inside(call) and call["reply"]["stale"],
            lambda call: (call["reply"].update(stale=False), call.update(at=call["at"] + 3_600_000)))),
    "an answer is stale too early": spoil(
        "calls.jsonl", lambda items: first(items, lambda call: inside(call) and not call["reply"]["stale"],
                                           lambda call: call["reply"].update(stale=True))),
    "an acknowledged report is not stored": spoil("stored-reports.jsonl", lambda items: items[:-1]),
    "a report is stored twice": spoil("stored-reports.jsonl", lambda items: items + [dict(items[0], sequence=10**9)]),
    "a report is stored under another kind": spoil(
        "stored-reports.jsonl", lambda items: first(items, lambda r: r["kind"] == "out", lambda r: r.update(kind="partial"))),
    "a change is not delivered": spoil("changes.jsonl", lambda items: items[:100] + items[101:]),
    "the last change is not delivered": spoil("changes.jsonl", lambda items: items[:-1]),
    "two changes are delivered in the wrong order": spoil("changes.jsonl", lambda items: swap(items, 100)),
    "a change is told otherwise": spoil(
        "changes.jsonl", lambda items: first(items, lambda c: c["kind"] == "restored", lambda c: c.update(reason="x"))),
    "a restoration was never a change": spoil(
        "stored-changes.jsonl", lambda items: without(items, lambda c: c["kind"] == "restored")),
    "an ERT in the changes is another": both(
        lambda items: first(items, lambda c: c["kind"] == "ertChanged",
                            lambda c: c.update(estimatedRestorationAt="2031-01-01T00:00:00Z"))),
    "the changes have somebody restored who is not": both(
        lambda items: first(items, lambda c: c["kind"] == "restored",
                            lambda c: c.update(servicePointId="SP-000000000"))),
    "the layer that landed last is not the one that is served": spoil("landings.jsonl", lambda items: items + [items[0]]),
}


def main():
    out = sys.argv[1]
    clean = check.check(out)
    if clean.failures:
        raise SystemExit("the storm itself has failures; mend those first")
    missed = 0
    for name, apply in MUTATIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(os.path.abspath(os.path.join(out, "scenario")), os.path.join(folder, "scenario"))
            shutil.copytree(os.path.join(out, "raw"), os.path.join(folder, "raw"))
            apply(os.path.join(folder, "raw"))
            found = check.check(folder).failures
        print(f"{'seen  ' if found else 'MISSED'} {name}: {found[0][:120] if found else ''}", flush=True)
        missed += not found
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
