"""PostgreSQL with PostGIS on the same layer: a cluster of its own in a temporary directory, asked by pgbench over its Unix socket."""
import csv, glob, json, os, random, re, shutil, statistics, subprocess, time

from measure import say

CLIENTS = 8


def binaries():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))
    return os.path.dirname(found[-1]) if found else None


class PostGIS:
    def __init__(self, directory):
        self.bin = binaries()
        self.directory = directory
        self.data = f"{directory}/cluster"
        os.makedirs(self.data)
        # PostgreSQL refuses to run as root.
        self.prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self.prefix:
            shutil.chown(directory, "postgres")
            shutil.chown(self.data, "postgres")
        self.run(f"{self.bin}/initdb", "-D", self.data, "-A", "trust", "-U", "bench", "--no-sync")
        with open(f"{self.data}/postgresql.conf", "a") as file:
            file.write(f"""
listen_addresses = ''
unix_socket_directories = '{directory}'
shared_buffers = 512MB
work_mem = 64MB
jit = off
fsync = off
autovacuum = off
plan_cache_mode = force_generic_plan
""")
        self.process = subprocess.Popen([*self.prefix, f"{self.bin}/postgres", "-D", self.data],
                                        stdout=subprocess.DEVNULL, stderr=open(f"{directory}/postgres.log", "ab"))
        for _ in range(200):
            if subprocess.run([f"{self.bin}/pg_isready", "-h", directory, "-q"]).returncode == 0:
                break
            time.sleep(0.1)
        with open(f"{self.data}/postmaster.pid") as file:
            self.postmaster = int(file.readline())

    def run(self, *command, **options):
        done = subprocess.run([*self.prefix, *command], capture_output=True, text=True, cwd=self.directory, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr}")
        return done.stdout

    def sql(self, text):
        return self.run(f"{self.bin}/psql", "-h", self.directory, "-U", "bench", "-d", "postgres", "-v",
                        "ON_ERROR_STOP=1", "-qAt", input=text)

    def load(self, layer):
        """Takes a GeoJSON layer in and indexes it."""
        with open(layer) as file:
            features = json.load(file)["features"]
        rows = "".join(
            f"{feature['properties']['outageId']}\t{json.dumps(feature['geometry'])}\n" for feature in features)
        self.sql("CREATE EXTENSION postgis;\nCREATE TABLE incoming (id text, shape text);\n"
                 f"COPY incoming FROM STDIN;\n{rows}\\.\n"
                 "CREATE TABLE outages AS SELECT id, ST_SetSRID(ST_GeomFromGeoJSON(shape), 4326) AS geom FROM incoming;\n"
                 "DROP TABLE incoming;\nCREATE INDEX ON outages USING gist (geom);\nVACUUM ANALYZE outages;\n")

    def cpu_seconds(self):
        """Of the postmaster, its children, and those that have ended."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path) as file:
                    text = file.read()
            except OSError:
                continue
            pid = int(text.split(" ", 1)[0])
            fields = text.rsplit(")", 1)[1].split()
            parent, used, of_children = int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
            if pid == self.postmaster:
                total += used + of_children
            elif parent == self.postmaster:
                total += used
        return total / ticks

    def measure(self, addresses, seconds, repetitions):
        """Queries a second and microseconds of server CPU each, and the share of points that any outage covers."""
        points = service_points(addresses)
        script = f"{self.directory}/covers.sql"
        with open(script, "w") as file:
            file.write("\n".join([
                f"\\set k random(0, {len(points) - 1})",
                "\\set dx random_gaussian(-40, 40, 2.5)", "\\set dy random_gaussian(-40, 40, 2.5)",
                f"\\set x {choice([x for x, _ in points])} + :dx / 10000.0",
                f"\\set y {choice([y for _, y in points])} + :dy / 10000.0",
                "SELECT id FROM outages WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint(:x, :y), 4326));\n"]))
        share = covered_share(self, points)
        results = []
        for turn in range(repetitions + 1):
            before = self.cpu_seconds()
            output = self.run(f"{self.bin}/pgbench", "-h", self.directory, "-U", "bench", "-n", "-f", script, "-M",
                              "prepared", "-c", str(CLIENTS), "-j", "1", "-T",
                              str(round(seconds) if turn else 1), "postgres")
            time.sleep(0.3)
            used = self.cpu_seconds() - before
            rate = float(re.search(r"tps = ([\d.]+)", output).group(1))
            count = int(re.search(r"actually processed: (\d+)", output).group(1))
            # The first turn warms the caches.
            if turn:
                results.append((rate, used / count * 1e6))
        return {"perSecond": [rate for rate, _ in results], "cpu": [cpu for _, cpu in results], "share": share}

    def stop(self):
        import signal
        os.kill(self.postmaster, signal.SIGINT)
        self.process.wait(30)


def service_points(addresses, count=128):
    """Places of service points, drawn from the address file."""
    with open(addresses, newline="") as file:
        rows = csv.reader(file)
        head = next(rows)
        lon, lat = head.index("LON"), head.index("LAT")
        drawn = random.Random(7)
        kept = []
        for number, row in enumerate(rows):
            if len(kept) < count:
                kept.append((float(row[lon]), float(row[lat])))
            else:
                place = drawn.randrange(number + 1)
                if place < count:
                    kept[place] = (float(row[lon]), float(row[lat]))
        return kept


def choice(values, first=0):
    """A balanced CASE over the number :k, for pgbench has no arrays."""
    if len(values) == 1:
        return str(values[0])
    middle = len(values) // 2
    return (f"CASE WHEN :k < {first + middle} THEN {choice(values[:middle], first)} "
            f"ELSE {choice(values[middle:], first + middle)} END")


def covered_share(server, points):
    drawn = random.Random(8)
    rows = []
    for _ in range(5000):
        x, y = points[drawn.randrange(len(points))]
        rows.append(f"({x + drawn.gauss(0, 16) / 10000}, {y + drawn.gauss(0, 16) / 10000})")
    answer = server.sql(
        f"SELECT avg((EXISTS (SELECT 1 FROM outages WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint(x, y), 4326))))::int) "
        f"FROM (VALUES {','.join(rows)}) AS p(x, y);")
    return float(answer)
