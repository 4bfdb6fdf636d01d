"""JSON read and written again the plain way, from standard input to standard output; tests/plain.rs says why.

Keys come in another order, every character beyond ASCII as an escape, numbers as short as they can be said. What stood on
one line stays on one line, so that the log is still of the same kind.
"""

import json
import sys

text = sys.stdin.buffer.read().decode("utf-8-sig")
decoder = json.JSONDecoder()
at = 0
while at < len(text):
    if text[at] in " \t\r\n":
        at += 1
        continue
    value, end = decoder.raw_decode(text, at)
    print(json.dumps(value, sort_keys=True, indent=1 if "\n" in text[at:end] else None))
    at = end
