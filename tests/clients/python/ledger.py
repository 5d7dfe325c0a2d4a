"""What a client has sent and expects to be stored, as JSON on standard output.

A client program sends the lines of `lines.json`, notes each one here, and ends with `close`. It knows nothing of queries:
`suite.py` compares the ledger with what Narvi answers.

Exit codes: 0 where the client takes everything for delivered, REFUSED where it says that it was not.
"""

import json
import os
import sys
import time
from pathlib import Path

REFUSED = 3

URL = os.environ["NARVI_URL"]
USER = os.environ["NARVI_USER"]
PASSWORD = os.environ["NARVI_PASSWORD"]
READER = os.environ["NARVI_READER"]
READER_PASSWORD = os.environ["NARVI_READER_PASSWORD"]
TENANT = os.environ["NARVI_TENANT"]
LINES = json.loads((Path(__file__).parent.parent / "lines.json").read_text(encoding="utf-8"))

_entries = []


def note(line, labels, metadata=None, timestamp=None, sent_after=None):
    """One line. `timestamp` in ns where the client controls it, else it lies between `sent_after` and now."""
    when = {"timestamp": timestamp} if timestamp is not None else {"from": sent_after, "to": time.time_ns()}
    _entries.append({"line": line, "labels": labels, "metadata": metadata or {}, **when})


def close(refusals):
    """Writes the ledger and ends the process; `refusals` is what the client said went wrong."""
    json.dump(_entries, sys.stdout)
    for refusal in refusals:
        print(f"refused: {refusal}", file=sys.stderr)
    sys.exit(REFUSED if refusals else 0)
