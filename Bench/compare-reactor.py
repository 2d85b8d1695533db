#!/usr/bin/env python3
"""Server CPU per request: the reactor, the bare epoll loop and Redis GET, replies of 300 bytes, one run, one client.

Needs redis-server, redis-benchmark and redis-cli, and a release build of the package Bench:
    swift build --package-path Bench -c release
    python3 Bench/compare-reactor.py [REPETITIONS]
CPU time is the scheduler's own (/proc/PID/task/*/schedstat). The three take turns; the median counts.
"""
import os, re, statistics, subprocess, sys, tempfile, time

BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), ".build", "release")
CELLS = [(50, 1, 150_000), (1000, 1, 150_000), (50, 16, 1_000_000), (200, 64, 3_000_000)]
REPETITIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 3


def cpu_microseconds(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e3


def main():
    with tempfile.TemporaryDirectory() as directory:
        servers = {
            "bare": ([f"{BUILD}/bare-epoll", f"{directory}/bare", "300"], "GET"),
            "reactor": ([f"{BUILD}/reactor-echo", f"{directory}/reactor", "1", "300"], "OUTAGE.ACCOUNT"),
            "redis": (
                ["redis-server", "--port", "0", "--unixsocket", f"{directory}/redis", "--save", ""], "GET"),
        }
        processes = {}
        try:
            for name, (command, _) in servers.items():
                processes[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=directory)
                while not os.path.exists(f"{directory}/{name}"):
                    time.sleep(0.02)
            values = "".join(f"SET {key:012} {'x' * 300}\n" for key in range(5000))
            subprocess.run(["redis-cli", "-s", f"{directory}/redis"], input=values, text=True,
                           stdout=subprocess.DEVNULL, check=True)
            print("| connections x pipeline | " + " | ".join(f"{name}, us (req/s)" for name in servers)
                  + " | reactor / bare | reactor / redis |")
            print("| --- |" + " --- |" * (len(servers) + 2))
            for connections, pipeline, count in CELLS:
                results = {name: [] for name in servers}
                for _ in range(REPETITIONS):
                    for name, (_, verb) in servers.items():
                        before = cpu_microseconds(processes[name].pid)
                        output = subprocess.run(
                            ["redis-benchmark", "-s", f"{directory}/{name}", "-n", str(count), "-c", str(connections),
                             "-P", str(pipeline), "-r", "5000", "-q", verb, "__rand_int__"],
                            capture_output=True, text=True, check=True).stdout
                        used = (cpu_microseconds(processes[name].pid) - before) / count
                        rate = float(re.findall(r"([\d.]+) requests per second", output)[-1])
                        results[name].append((used, rate))
                cost = {name: statistics.median(used for used, _ in runs) for name, runs in results.items()}
                rates = {name: statistics.median(rate for _, rate in runs) for name, runs in results.items()}
                print(f"| {connections} x {pipeline} | "
                      + " | ".join(f"{cost[name]:.3f} ({rates[name]:,.0f})" for name in servers)
                      + f" | {cost['reactor'] / cost['bare']:.2f} | {cost['reactor'] / cost['redis']:.2f} |", flush=True)
        finally:
            for process in processes.values():
                process.kill()
                process.wait()


main()
