"""How much a stream takes, for how long, and how soon it tells: python benches/stream.py --help.

Feeds a generated day of diagnostic settings lines to `signsift stream` again and again, each time a day later, at a
steady rate. Now and then an attack of its own is put between the lines: ten wrong passwords of an account and three
refusals. How long after its last line a finding names the account is the latency. Ends with an error if a finding never
comes. With --before the stream gets whole days first, as fast as it takes them, so that it has much to remember: what it costs
to follow a few lines then is what a step costs. PERFORMANCE.md says what came out.
"""

import argparse
import copy
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DAY = date(2026, 3, 2)
# So many pieces a second.
PIECES = 20
REASON = "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(dir=args.temp) as folder:
        log = Path(folder) / "day.json"
        day = generate(log, args, 42)
        command = [args.build / "signsift", "stream", "--history", args.history, "--on-eof", "flush"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told, said, sizes = {}, [], []
        helpers = [
            threading.Thread(target=listen, args=(child.stdout, told)),
            threading.Thread(target=lambda: said.extend(child.stderr)),
            threading.Thread(target=weigh, args=(child, sizes), daemon=True),
        ]
        for helper in helpers:
            helper.start()
        remember(child, log, args)
        spent = cpu(child)
        fed = feed(child.stdin, day, args)
        spent = cpu(child) - spent
        child.stdin.close()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        for helper in helpers[:2]:
            helper.join()
    tell(fed, told, said, sizes, used, spent, child.returncode)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=950, help="size of a day, in MiB; 950 have some 206,000 lines (%(default)s)")
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=600, help="for how long (%(default)s)")
    parser.add_argument("--every", type=float, default=5, help="seconds between attacks (%(default)s)")
    parser.add_argument("--before", type=int, default=0, help="whole days that it gets first, which --history should hold (%(default)s)")
    parser.add_argument("--history", default="6h", help="what the stream remembers (%(default)s)")
    parser.add_argument("--build", type=Path, default=ROOT / "target/release", help="where signsift and examples/generate are (%(default)s)")
    parser.add_argument("--temp", help="folder for the log; a temporary one by default")
    return parser.parse_args()


def generate(log, args, seed):
    """A day of lines, of which no other seed makes the same."""
    generator = args.build / "examples/generate"
    subprocess.run([generator, "--bytes", f"{args.mb}M", "--duplicates", "0", "--seed", str(seed), log], check=True, stdout=subprocess.DEVNULL)
    day = log.read_bytes()
    log.unlink()
    return day


def remember(child, log, args):
    """Writes the days before, and waits until they have been judged."""
    for number in range(args.before):
        day = generate(log, args, 1000 + number)
        child.stdin.write(day.replace(b"2026-03-02T", f"{DAY + timedelta(days=number)}T".encode()))
    child.stdin.flush()
    rested = cpu(child)
    while args.before:
        time.sleep(5)
        rested, before = cpu(child), rested
        if rested - before < 0.1:
            return


def cpu(child):
    """Seconds of CPU that it has taken, where /proc tells."""
    try:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def feed(pipe, day, args):
    """Writes lines at the rate. Returns (lines, seconds, how far behind at worst, when each attack was whole)."""
    ends = [match.end() for match in re.finditer(b"\n", day)]
    size = max(args.rate // PIECES, 1)
    attacks, lines, behind, number = {}, 0, 0.0, args.before
    began = time.perf_counter()
    attack_at = args.every
    while (passed := time.perf_counter() - began) < args.seconds:
        today = f"{DAY + timedelta(days=number)}T".encode()
        number += 1
        for first in range(0, len(ends), size):
            last = min(first + size, len(ends))
            start = ends[first - 1] if first else 0
            wait = began + lines / args.rate - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            behind = max(behind, -wait)
            # Not the whole day at once: nothing would be fed meanwhile, and then too much.
            piece = day[start : ends[last - 1]].replace(b"2026-03-02T", today)
            pipe.write(piece)
            pipe.flush()
            lines += last - first
            passed = time.perf_counter() - began
            if passed >= attack_at:
                attack_at += args.every
                attack = attack_lines(len(attacks), json.loads(piece.splitlines()[-1]))
                lines += attack.count(b"\n")
                pipe.write(attack)
                pipe.flush()
                attacks[len(attacks)] = time.perf_counter()
            if passed >= args.seconds:
                break
    return lines, time.perf_counter() - began, behind, attacks


def attack_lines(number, like):
    """Ten wrong passwords and three lockouts of an account, in the seconds up to the newest line."""
    newest = datetime.fromisoformat(like["properties"]["createdDateTime"][:19])
    lines = []
    for nth in range(13):
        line = copy.deepcopy(like)
        code, text = (50126, "Error validating credentials due to invalid username or password.") if nth < 10 else (50053, REASON)
        at = f"{newest - timedelta(seconds=13 - nth):%Y-%m-%dT%H:%M:%S}"
        line.update(time=f"{at}Z", resultType=str(code), callerIpAddress=f"203.0.113.{number % 254 + 1}")
        line["properties"].update(
            id=f"{number:08x}-0000-4000-8000-{nth:012x}", createdDateTime=f"{at}+00:00", userPrincipalName=f"canary-{number}@contoso.example",
            userId=f"{number:08x}-0000-4000-9000-000000000000", ipAddress=f"203.0.113.{number % 254 + 1}", userAgent=f"canary {number}",
            status={"errorCode": code, "failureReason": text}, deviceDetail={},
        )
        lines.append(json.dumps(line) + "\n")
    return "".join(lines).encode()


def listen(pipe, told):
    """When each attack was first named."""
    for line in pipe:
        now = time.perf_counter()
        for number in re.findall(rb"canary-(\d+)@", line):
            told.setdefault(int(number), now)


def weigh(child, sizes):
    """MiB in memory, once a second, where /proc tells."""
    while child.returncode is None:
        try:
            status = Path(f"/proc/{child.pid}/status").read_text()
        except OSError:
            return
        if size := re.search(r"VmRSS:\s+(\d+)", status):
            sizes.append(int(size[1]) / 1024)
        time.sleep(1)


def tell(fed, told, said, sizes, used, spent, code):
    lines, seconds, behind, attacks = fed
    print(f"{lines} lines in {seconds:.0f} s: {lines / seconds:.0f} lines/s, behind the rate by at most {behind:.1f} s")
    # What this process held when it started the other counts as the peak that the system reports; so /proc is asked.
    print(f"CPU {used.ru_utime + used.ru_stime:.0f} s, {spent / seconds:.2f} of a core while they came; memory at most {max(sizes, default=0):.0f} MiB at the full second")
    if len(sizes) >= 10:
        tenth = len(sizes) // 10
        print(f"memory, mean of each tenth of the time: {', '.join(f'{statistics.mean(sizes[at * tenth:(at + 1) * tenth]):.0f}' for at in range(10))} MiB")
    late = sorted(told[number] - whole for number, whole in attacks.items() if number in told)
    missing = sorted(set(attacks) - set(told))
    if late:
        print(f"{len(late)} of {len(attacks)} attacks told; after {statistics.median(late):.2f} s, nine in ten within {late[len(late) * 9 // 10]:.2f} s, all within {late[-1]:.2f} s")
    for line in said[:5]:
        print("stderr:", line.decode(errors="replace").rstrip())
    if missing or code != 0:
        sys.exit(f"attacks that no finding named: {missing}; code {code}")


if __name__ == "__main__":
    main()
