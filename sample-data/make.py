#!/usr/bin/env python3
"""Writes the story of story.py in every spelling in which people hold sign-in logs.

    make.py [DIR]       write everything into DIR (default: the folder of this script)
    make.py --check     compare what is committed with what would be written; exit 1 on a difference
    make.py --ndjson    print the lines of graph-beta.ndjson, to be packed with zstd (see README.md)

Python 3.9 or later, standard library only. The same script always writes the same content; only the
packing of .gz files may differ between versions of zlib, so --check compares what is inside.
"""
import copy
import json
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import spellings_audit  # noqa: E402
import spellings_csv  # noqa: E402
import spellings_siem  # noqa: E402
import spellings_tools  # noqa: E402
import story  # noqa: E402
from expectations import EXTRACTOR, PORTAL, ZST, expected  # noqa: E402
from records import (EVENT_TYPES, LOGS, USERS, compact, delivered, diagnostic, envelope_line, flat,  # noqa: E402
                     graph_beta, graph_v1, gz, gz_bytes, newest_first, powershell, powershell_text)
from story import guid, number  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
# Text of more bytes than this is packed, so that a clone stays small.
RAW_LIMIT = 60_000


# ---- diagnostic settings and Microsoft Graph ----

def diagnostic_folder(events):
    """path -> lines. About 4 % of the sign-ins come a second time, in a later blob."""
    blobs = {}
    for e in events:
        for again in (0, 5400) if number("again " + e["id"], 25) == 0 else (0,):
            at, _ = delivered(e, again)
            path = (f"diagnostic/insights-logs-{LOGS[e['category']].lower()}/tenantId={story.TENANT}/"
                    f"y={at:%Y}/m={at:%m}/d={at:%d}/h={at:%H}/m=00/PT1H.json")
            blobs.setdefault(path, []).append((delivered(e, again), envelope_line(diagnostic(e, again))))
    out = {}
    for n, (path, lines) in enumerate(sorted(blobs.items())):
        text = "".join(line + "\r\n" for _, line in sorted(lines))
        out[path] = (text[:-2] if n == 7 else text).encode()  # one blob without its last line end
    return out


def pages(records, size):
    base = "https://graph.microsoft.com/v1.0"
    out = []
    for start in range(0, len(records), size):
        page = {"@odata.context": f"{base}/$metadata#auditLogs/signIns"}
        if start + size < len(records):
            page["@odata.nextLink"] = f"{base}/auditLogs/signIns?$skiptoken={guid(f'page {start}').replace('-', '')}"
        page["value"] = records[start:start + size]
        out.append(compact(page))
    return "\n".join(out) + "\n"


# ---- all files ----

def ndjson(events):
    return "".join(compact(r) + "\n" for r in newest_first(events, EVENT_TYPES, graph_beta))


def other_routes(events):
    """Path -> bytes of what the neighbours of this script write."""
    out = {}
    for part in (spellings_csv, spellings_audit, spellings_siem, spellings_tools):
        for path, text in part.files(events).items():
            body = text.encode()
            out.update({path + ".gz": gz_bytes(body)} if len(body) > RAW_LIMIT else {path: body})
    return {**out, **spellings_tools.packed(events, gz_bytes)}


def files(events):
    out = diagnostic_folder(events)
    records = [diagnostic(e) for e in events]
    out["event-hub.json"] = "".join(
        compact({"records": records[i:i + 12]}) + "\n" for i in range(0, len(records), 12)).encode()
    pretty = json.dumps({"records": records}, ensure_ascii=False, indent=2)
    out["event-hub-pretty.json.gz"] = gz(pretty[:len(pretty) // 2], pretty[len(pretty) // 2:])
    out["diagnostic-flat.json.gz"] = gz("".join(compact(flat(e)) + "\n" for e in events))
    out["graph-v1-pages.json"] = pages(newest_first(events, ("interactive",), graph_v1), 100).encode()
    out[PORTAL] = compact(newest_first(events, ("interactive",), graph_beta)).encode()
    sdk = newest_first(events, USERS, graph_beta)
    out[EXTRACTOR] = gz("\ufeff" + "".join(
        powershell_text(sdk[i:i + 100], 2) for i in range(0, len(sdk), 100)))
    out["powershell-sdk.json.gz"] = gz("\ufeff" + powershell_text(newest_first(events, USERS, powershell), 4))
    out.update(other_routes(events))
    out["expected.json"] = (json.dumps(expected(events, out, ndjson(events)), indent=1, ensure_ascii=False) + "\n").encode()
    return out


def check(wanted, events):
    """Names of what differs from the committed files."""
    inside = spellings_tools.inside
    wrong = [n for n, body in wanted.items()
             if not (HERE / n).is_file() or inside(n, (HERE / n).read_bytes()) != inside(n, body)]
    wrong += strays(wanted)
    if shutil.which("zstd") is None:
        print(f"not checked: {ZST} (there is no zstd program here)", file=sys.stderr)
    else:
        unpacked = subprocess.run(["zstd", "-dcq", str(HERE / ZST)], stdout=subprocess.PIPE, check=False).stdout
        wrong += [ZST] if unpacked != ndjson(events).encode() else []
    return wrong


def strays(wanted):
    """Files in the folders of this script that it would not write."""
    folders = {name.split("/")[0] for name in wanted if "/" in name}
    there = {p.relative_to(HERE).as_posix() for folder in folders for p in (HERE / folder).rglob("*") if p.is_file()}
    return sorted(there - wanted.keys())


def main(args):
    events = story.tell()
    if args == ["--ndjson"]:
        sys.stdout.buffer.write(ndjson(events).encode())
        return 0
    wanted = files(copy.deepcopy(events))
    if args == ["--check"]:
        wrong = check(wanted, events)
        for name in wrong:
            print(f"differs: {name}", file=sys.stderr)
        return 1 if wrong else 0
    if len(args) > 1 or any(a.startswith("-") for a in args):
        print(__doc__, file=sys.stderr)
        return 2
    inside = spellings_tools.inside
    target = pathlib.Path(args[0]) if args else HERE
    if target.resolve() == HERE:  # nobody else keeps anything in these folders
        for name in strays(wanted):
            (HERE / name).unlink()
    for name, body in wanted.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or inside(name, path.read_bytes()) != inside(name, body):
            path.write_bytes(body)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
