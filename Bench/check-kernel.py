#!/usr/bin/env python3
"""Shows that a point query counts no references, allocates nothing and takes no lock.

    Bench/check-kernel.py [BINARY]     default: .build/release/outaged

Disassembles the release build and follows every call from PolygonIndex.covering. All of them must stay in the module, or go to what the compiler has made of
an InlineArray for it; what a hit list does when an answer is longer than any before (HitList.grow) is the one exception. Exits 1 otherwise.
"""
import re
import subprocess
import sys

binary = sys.argv[1] if len(sys.argv) > 1 else ".build/release/outaged"
START = "$s13PointLocation12PolygonIndexC8covering1x1y4intoySd_SdAA7HitListVztF"
# Plain arithmetic and copying, and the guard of a stack frame.
PLAIN = {"fma@plt", "memmove@plt", "memcpy@plt", "memset@plt", "__stack_chk_fail@plt"}
FOLLOWED = ("$s13PointLocation", "$ss11InlineArrayV")
MAY_ALLOCATE = "$s13PointLocation7HitListV4grow"

listing = subprocess.run(
    ["objdump", "--disassemble", "--no-show-raw-insn", binary], capture_output=True, text=True, check=True
).stdout
functions = {}
name = None
for line in listing.splitlines():
    if head := re.match(r"[0-9a-f]+ <(.*)>:$", line):
        name = head.group(1)
        functions[name] = []
    elif name and line.startswith(" "):
        functions[name].append(line)

if START not in functions:
    sys.exit(f"{binary} has no {START}")

waiting, seen, faults, instructions, locked = [START], set(), [], 0, []
while waiting:
    function = waiting.pop()
    if function in seen:
        continue
    seen.add(function)
    if function.startswith(MAY_ALLOCATE):
        continue
    for line in functions.get(function, []):
        instructions += 1
        if re.search(r"\slock\s", line):
            faults.append(f"{function}: {line.strip()}")
        if re.search(r"\scall\s+\*", line):
            faults.append(f"{function}: an indirect call: {line.strip()}")
        # A jump out of a function is a call at its end.
        if target := re.search(r"\s(?:call|jmp)\s+[0-9a-f]+ <([^>+]+)>", line):
            target = target.group(1)
            if target == function or target in PLAIN:
                continue
            if target not in functions or not target.startswith(FOLLOWED):
                faults.append(f"{function} calls {target}")
            else:
                waiting.append(target)

print(f"{binary}: PolygonIndex.covering and all that it calls, {instructions} instructions:")
for function in sorted(seen):
    print(f"  {function}" + ("  (may allocate: the answer is longer than any before)" if function.startswith(MAY_ALLOCATE) else ""))
if faults:
    sys.exit("\n".join(["Not in a point query:"] + faults))
print("no call of swift_retain, swift_release or an allocator, no lock, no indirect call")
