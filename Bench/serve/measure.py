"""Processes, their sockets and their accounts: what the measurements of the query server share."""
import json, os, shutil, signal, socket, subprocess, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.path.join(ROOT, "Bench", ".build", "release")
OUTAGED = os.path.join(ROOT, ".build", "release", "outaged")


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


class RESP:
    """One blocking connection; replies as bytes, integers, lists, None, or RuntimeError for an error."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def send(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(parts))

    def reply(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("closed without a reply")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            return self.stream.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        raise ValueError(f"reply of type {kind}")

    def ask(self, *words):
        self.send(*words)
        return self.reply()

    def close(self):
        self.stream.close()
        self.socket.close()


def wait_until(condition, what, seconds=120):
    end = time.time() + seconds
    while time.time() < end:
        try:
            value = condition()
            if value:
                return value
        except (OSError, RuntimeError, EOFError):
            pass
        time.sleep(0.002)
    raise TimeoutError(f"waited {seconds} s for {what}")


class Server:
    """A process of ours: started here, ended here, by its id."""

    def __init__(self, command, log):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    @property
    def pid(self):
        return self.process.pid

    def stop(self, seconds=20):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        return self.process.returncode


class Daemon(Server):
    """`outaged serve` on a data directory."""

    def __init__(self, data, event_loops=None, takeover=False):
        self.data = data
        self.query = f"{data}/query.sock"
        self.admin = f"{data}/admin.sock"
        command = [OUTAGED, "serve", "--data", data, "--log-level", "warning"]
        if event_loops:
            path = f"{data}/loops-{event_loops}.json"
            with open(path, "w") as file:
                json.dump({"eventLoops": event_loops}, file)
            command += ["--config", path]
        if takeover:
            command.append("--takeover")
        started = time.monotonic()
        super().__init__(command, f"{data}/serve.log")
        if not takeover:
            wait_until(self.answers, "the daemon's first answer")
        self.ready_milliseconds = (time.monotonic() - started) * 1e3

    def settled(self):
        """Itself, once it has nothing left to do of its own: what follows is the requests' cost."""
        ticks = os.sysconf("SC_CLK_TCK")
        before = cpu_ticks(self.pid)
        for _ in range(240):
            time.sleep(0.25)
            now = cpu_ticks(self.pid)
            if now - before <= ticks * 0.25 * 0.04 and not os.path.exists(f"{self.data}/territory.snapshot.new"):
                break
            before = now
        return self

    def rested(self):
        """Itself, once the snapshot of what it serves is written, too: begun up to ten seconds after the publish, where another was shortly before."""
        time.sleep(11)
        return self.settled()

    def answers(self):
        """Whether a lookup is answered, and not with LOADING."""
        client = RESP(self.query)
        try:
            client.ask("OUTAGE.ACCOUNT", "000000000000")
            return True
        finally:
            client.close()

    def info(self):
        client = RESP(self.query)
        lines = client.ask("INFO").decode().splitlines()
        client.close()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def publish(self, path):
        """The reply, and the milliseconds until it came: then every event loop answers from the layer."""
        client = RESP(self.admin)
        started = time.monotonic()
        outcome = json.loads(client.ask("LAYER.PUBLISH", path))
        client.close()
        return outcome, (time.monotonic() - started) * 1e3


def bytes_written(pid):
    """To the disk, by the process."""
    with open(f"/proc/{pid}/io") as file:
        return int(next(line for line in file if line.startswith("write_bytes")).split()[1])


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def stolen_ticks():
    """What the machine's host has given to others of all processors' time, since the start."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[8])


def memory(pid):
    """Resident MiB of a process: all, at the peak, and its own (not of mapped files)."""
    fields = {}
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            fields[name] = value.split()[0] if value.split() else ""
    return {name: int(fields[name]) / 1024 for name in ("VmRSS", "VmHWM", "RssAnon", "RssFile")}


def forget_peak(pid):
    """Has `VmHWM` count from now on (proc(5), clear_refs)."""
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def load(socket_path, plan, out, *arguments, may_fail=False):
    """One run of outage-load; its figures. With `out`, its files go to out.json, out.svg and so on."""
    command = [f"{BENCH}/outage-load", "run", "--socket", socket_path, "--plan", plan, "--json", f"{out}.json",
               *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 and not (may_fail and os.path.exists(f"{out}.json")):
        raise RuntimeError(f"outage-load failed: {' '.join(command)}\n{done.stdout}{done.stderr}")
    with open(f"{out}.json") as file:
        return json.load(file)


def machine():
    """What it was measured on."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown CPU")
    with open("/proc/meminfo") as file:
        gibibytes = int(file.readline().split()[1]) / 1024 / 1024
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    swift = next((word for before, word in zip(swift.split(), swift.split()[1:]) if before == "version"), "?")
    redis = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout
    redis = next((word[2:] for word in redis.split() if word.startswith("v=")), "?")
    return (f"{model}, {os.cpu_count()} cores, {gibibytes:.0f} GiB, Linux {os.uname().release}, Swift {swift}, "
            f"Redis {redis}")
