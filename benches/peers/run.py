"""signsift against its peers on the same work, as ratios: python benches/peers/run.py --help.

Whole processes, one after another, round by round, so that a busy minute hits everybody; the median counts. Answers
must be equal before anything is printed. A peer that is not installed is named and left out; PERFORMANCE.md says
what came out, where and when.
"""

import argparse
import gzip
import importlib.util
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from jobs import CHECK, SQL
from spellings import SPELLINGS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Whom to run for each job, beside signsift.
PEERS = {
    "count": ["duckdb", "chdb", "jq"],
    "J0": ["duckdb", "chdb", "jq"],
    "J1": ["duckdb", "chdb", "polars"],
    "J1.gz": ["duckdb", "chdb"],
    "J1.24gz": ["duckdb", "chdb"],
    "J1.zst": ["duckdb", "chdb"],
    "J2": ["duckdb"],
    "J3": ["duckdb"],
} | {f"J1.{kind}": ["duckdb"] for kind in SPELLINGS}
# The columns of each answer, as numbers and text that every contender's types come down to.
KEYS = "user_id::VARCHAR, ip_address::VARCHAR, epoch_us({hour}), refusals::BIGINT, reasons::BIGINT, epoch_us(first_seen), epoch_us(last_seen)"
MORE = ", bad_before::BIGINT, users::BIGINT, failures::BIGINT, successes::BIGINT"
ANSWERS = {
    "count": "refused::BIGINT",
    "J0": KEYS.format(hour="hour"),
    "J1": KEYS.format(hour="hour") + MORE,
    "J3": KEYS.format(hour="hour") + MORE,
}
TSV = {
    "count": "SELECT column0 AS refused FROM read_csv('{out}', header = false)",
    "J0": """SELECT column0 AS user_id, column1 AS ip_address, strptime(column2, '%Y-%m-%dT%H') AS hour, column3 AS refusals,
        column4 AS reasons, column5::TIMESTAMPTZ AS first_seen, column6::TIMESTAMPTZ AS last_seen
        FROM read_csv('{out}', header = false, delim = '\t', all_varchar = true)""",
}
OURS = dict(id="sign_in_id", code="error_code", time="time", user="user_id", ip="ip_address", agent="user_agent", asn="asn")
THEIRS = dict(id="id", code="errorCode", time="time", user="userId", ip="ipAddress", agent="userAgent", asn="autonomousSystemNumber")


def main():
    args = arguments()
    peers = {peer: found(peer) for peer in ("duckdb", "chdb", "polars", "jq")}
    for peer, there in peers.items():
        if not there:
            print(f"SKIPPED: {peer} is not installed here, so nothing is compared with it", file=sys.stderr)
    if not peers["duckdb"]:
        sys.exit("answers are compared with DuckDB: pip install duckdb (chdb and polars are peers too)")
    with tempfile.TemporaryDirectory(dir=args.temp) as folder:
        bench = Bench(args, Path(folder), [peer for peer, there in peers.items() if there])
        print(f"{args.mb} MB, {args.rounds} rounds, {os.cpu_count()} cores, {processor()}; "
              f"DuckDB {version('duckdb')}" + "".join(f", {p} {version(p)}" for p in ("chdb", "polars") if peers[p]))
        for job in args.jobs:
            if job == "J1.zst" and not shutil.which("zstd"):
                print("SKIPPED: J1.zst, since zstd is not installed here", file=sys.stderr)
                continue
            bench.job(job)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=1000, help="size of the generated logs, in MB (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender runs (%(default)s)")
    parser.add_argument("--jobs", type=lambda text: text.split(","), default=list(PEERS), help="some of " + ",".join(PEERS))
    parser.add_argument("--build", type=Path, default=ROOT / "target/release", help="where signsift and examples/generate are (%(default)s)")
    parser.add_argument("--temp", help="folder for the logs and answers; a temporary one by default")
    args = parser.parse_args()
    unknown = [job for job in args.jobs if job not in PEERS]
    if unknown:
        parser.error(f"no job {unknown[0]}; there are {', '.join(PEERS)}")
    for program in (args.build / "signsift", args.build / "examples/generate"):
        if not program.exists():
            parser.error(f"{program} is not there: cargo build --release --bin signsift --example generate")
    return args


def found(peer):
    if peer == "jq":
        return all(shutil.which(tool) for tool in ("grep", "jq", "mawk"))
    return importlib.util.find_spec(peer) is not None


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


class Bench:
    def __init__(self, args, folder, peers):
        self.args, self.folder, self.peers = args, folder, peers
        self.raw = folder / "logs.json"
        # Peers do not take copies out, so there are none.
        self.must([args.build / "examples/generate", "--bytes", str(args.mb * 10**6), "--duplicates", "0", self.raw])

    def must(self, command):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr}")

    def job(self, name):
        plain = name.split(".")[0]
        source = self.source(name)
        runs = {"signsift": self.ours(plain, source)}
        if name == "J1":
            runs["signsift analyze"] = [self.args.build / "signsift", "analyze", source, "--quiet", "--overwrite", "--out", self.folder / "analysis"]
        for peer in PEERS[name]:
            if peer in self.peers:
                form = name if name.partition(".")[2] in SPELLINGS else plain
                runs[peer] = self.theirs(peer, form, source)
        measured = {who: [] for who in runs}
        for round in range(self.args.rounds):
            for who, command in runs.items():
                self.clear(self.answer(plain, who))
                measured[who].append(self.measure(command))
            if round == 0:
                self.agree(plain, [who for who in runs if who != "signsift analyze"])
        self.tell(name, measured)

    def source(self, name):
        kind = name.partition(".")[2]
        if name == "J3":
            return {"signsift": self.answer("J2", "signsift"), "duckdb": self.answer("J2", "duckdb")}
        if kind == "":
            return self.raw
        if kind in SPELLINGS:
            spelled = self.folder / f"{kind}.{SPELLINGS[kind][0]}"
            if not spelled.exists():
                # In a process of its own, so that its memory is not ours.
                self.must([sys.executable, HERE / "spellings.py", kind, self.raw, spelled])
            return spelled
        packed = self.folder / ("hours" if kind == "24gz" else f"logs.json.{kind}")
        if not packed.exists():
            if kind == "zst":
                self.must(["zstd", "-q", "-3", self.raw, "-o", packed])
            elif kind == "gz":
                with open(self.raw, "rb") as source, gzip.open(packed, "wb", 6) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
            else:
                packed.mkdir()
                self.split(packed)
        return packed

    def split(self, folder):
        # Line by line: what this process holds counts as the peak of each that it starts.
        share = self.raw.stat().st_size // 24 + 1
        with open(self.raw, "rb") as source:
            for hour in range(24):
                with gzip.open(folder / f"{hour:02}.json.gz", "wb", 6) as target:
                    while source.tell() < (hour + 1) * share and (line := source.readline()):
                        target.write(line)

    def ours(self, job, source):
        program, out = self.args.build / "signsift", self.answer(job, "signsift")
        if job == "J2":
            return [program, "convert", source, "--quiet", "--out", out]
        if job == "J3":
            source = source["signsift"]
        query = SQL[job].format(ev="signins")
        return [program, "sql", query, source, "--quiet", "--format", "parquet", "--out", out]

    def theirs(self, peer, job, source):
        if job == "J3":
            source = source[peer]
        elif source.is_dir():
            source = source / "*.gz"
        script = HERE / ("jq_peer.sh" if peer == "jq" else f"{peer}_peer.py")
        start = [] if peer == "jq" else [sys.executable]
        return [*start, script, job, source, self.answer(job.split(".")[0], peer)]

    def answer(self, job, who):
        return self.folder / f"{job}-{who}{'' if (job, who) == ('J2', 'signsift') else '.parquet'}"

    def clear(self, out):
        if out.is_dir():
            shutil.rmtree(out)
        out.unlink(missing_ok=True)

    def measure(self, command):
        """(seconds of wall clock, of CPU, peak MiB)"""
        with open(self.folder / "stderr", "w+") as said:
            began = time.perf_counter()
            child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=said)
            _, status, used = os.wait4(child.pid, 0)
            wall = time.perf_counter() - began
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                said.seek(0)
                sys.exit(f"{' '.join(map(str, command))}\nended with {child.returncode}:\n{said.read()}")
        return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024

    def agree(self, job, contenders):
        import duckdb

        db = duckdb.connect()
        answers = {}
        for who in contenders:
            out = self.answer(job, who)
            if job == "J2":
                names = OURS if who == "signsift" else THEIRS
                files = f"{out}/**/*.parquet" if who == "signsift" else out
                rows = db.execute(CHECK.format(files=files, **names)).fetchall()
                rows = [tuple(str(value).removesuffix("+00:00") for value in row) for row in rows]
            else:
                table = f"({TSV[job].format(out=out)})" if who == "jq" else f"read_parquet('{out}')"
                rows = sorted(db.execute(f"SELECT {ANSWERS[job]} FROM {table}").fetchall())
            answers[who] = rows
        for who, rows in answers.items():
            if rows != answers["signsift"]:
                other = [row for row in rows if row not in set(answers["signsift"])][:2]
                ours = [row for row in answers["signsift"] if row not in set(rows)][:2]
                sys.exit(f"{job}: {who} has {len(rows)} rows, signsift {len(answers['signsift'])}; only there {other}, only here {ours}")

    def tell(self, name, measured):
        median = {who: [statistics.median(column) for column in zip(*runs)] for who, runs in measured.items()}
        peers = [who for who in median if not who.startswith("signsift")]
        best = min(peers, key=lambda who: median[who][0]) if peers else None
        print(f"\n{name}")
        for who, (wall, cpu, peak) in median.items():
            ratio = ""
            if best and who.startswith("signsift"):
                pairs = [a[0] / b[0] for a, b in zip(measured[who], measured[best])]
                ratio = f"  {statistics.median(pairs):.2f} of {best} ({min(pairs):.2f} to {max(pairs):.2f})"
            print(f"  {who:18}{wall:8.2f} s {cpu:8.2f} s CPU {peak:7.0f} MiB{ratio}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
