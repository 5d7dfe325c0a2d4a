"""logcli as a reader: a live tail while lines are pushed, then pages of a query both ways, labels, series and a count; and
requests to delete, the last of which is taken back, so that all lines are there in the end.

Usage: `read_logcli.py LOGCLI`. What it reads is compared here, since logcli has a form of its own; what was pushed goes into
the ledger, as for every other client.
"""

import json
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

import ledger
from narvi import Narvi

LOGCLI = sys.argv[1]
WRITER = (ledger.USER, ledger.PASSWORD)
QUERY = '{app="paged"}'
STREAMS = 3
LINES = 2_400
PAGE = 1_000
SECONDS = 60
UNKNOWN = "unknown"
"""A label that no line has. Where one is to be left out, logcli says so once its tail is connected, and not before."""


def command(*arguments, user=(ledger.READER, ledger.READER_PASSWORD)):
    name, password = user
    options = {
        "--addr": ledger.URL,
        "--username": name,
        "--password": password,
        "--org-id": ledger.TENANT,
        "--timezone": "UTC",
    }
    return [LOGCLI, *(f"{name}={value}" for name, value in options.items()), *arguments]


def called(*arguments, **options):
    return subprocess.run(command("--quiet", *arguments, **options), capture_output=True, timeout=SECONDS, text=True)


def run(*arguments, **options):
    """What logcli writes. Where it fails, it was refused, or the program ends with what it said."""
    done = called(*arguments, **options)
    if done.returncode == 0:
        return done.stdout
    # It shows the text of an error, and not its status.
    if "credentials are missing or wrong" in done.stderr:
        ledger.close([done.stderr])
    raise AssertionError(f"logcli {arguments}: {done.returncode} {done.stderr}")


def entry(text):
    """An entry of `--output=jsonl`: its time in ns, its stream and its line."""
    read = json.loads(text)
    whole, _, fraction = read["timestamp"].rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp())
    return (seconds * 1_000_000_000 + int(fraction.ljust(9, "0")), read["labels"]["stream"], read["line"])


def entries(text):
    return [entry(line) for line in text.splitlines()]


class Tail:
    """`logcli query --tail`, read by threads of its own."""

    def __init__(self):
        self.process = subprocess.Popen(
            command("query", "--tail", "--output=jsonl", f"--exclude-label={UNKNOWN}", QUERY),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = []
        self.said = []
        self.more = threading.Condition()
        for stream, kept in ((self.process.stdout, self.lines), (self.process.stderr, self.said)):
            threading.Thread(target=self._read, args=(stream, kept), daemon=True).start()

    def _read(self, stream, kept):
        for line in stream:
            with self.more:
                kept.append(line)
                self.more.notify()

    def wait(self, what):
        with self.more:
            return self.more.wait_for(what, SECONDS)

    def stop(self):
        self.process.kill()
        self.process.wait()


def push(start):
    """Pushes the lines, many of which share a time: pages must neither repeat nor lose one of them."""
    narvi = Narvi(ledger.URL, ledger.TENANT, ledger.USER, ledger.PASSWORD)
    sent = []
    for first in range(0, LINES, 400):
        streams = {}
        for number in range(first, first + 400):
            timestamp = start + number // 7 * 1_000
            stream = str(number % STREAMS)
            line = f"level=info number={number}"
            streams.setdefault(stream, []).append([str(timestamp), line])
            sent.append((timestamp, stream, line))
            labels = {"app": "paged", "stream": stream, "service_name": "paged"}
            ledger.note(line, labels, timestamp=timestamp)
        narvi.push(
            [{"stream": {"app": "paged", "stream": name}, "values": values} for name, values in streams.items()]
        )
    return sent


def read_pages(start, sent):
    """All lines both ways, in pages that are smaller than the answer."""
    end = start + LINES * 1_000
    times = [f"--from={rfc3339(start)}", f"--to={rfc3339(end)}"]
    pages = [f"--limit={LINES + 1}", f"--batch={PAGE}", "--output=jsonl", "--include-common-labels"]
    for direction, order in (["--forward"], 1), ([], -1):
        found = entries(run("query", *times, *pages, *direction, QUERY))
        expect(f"pages {direction}", sorted(found), sorted(sent))
        timestamps = [timestamp for timestamp, _, _ in found]
        expect(f"order {direction}", timestamps, sorted(timestamps)[::order])


def delete(start):
    """Asks to delete some lines, sees them gone and the request listed, takes it back, and sees them again."""
    doomed = QUERY + ' |= "number=7"'
    gone = sum(str(number).startswith("7") for number in range(LINES))
    times = [f"--from={rfc3339(start)}", f"--to={rfc3339(start + 1_000_000_000)}"]
    refused = called("delete", "create", *times, doomed)
    assert refused.returncode != 0 and "may not write" in refused.stderr, refused
    expect("all lines", count(), LINES)
    run("delete", "create", *times, doomed, user=WRITER)
    expect("lines that are left", count(), LINES - gone)
    bounds = [datetime.fromtimestamp(start // 1_000_000_000 + n).astimezone().isoformat() for n in (0, 1)]
    listed = f"Query: {doomed}\nStart Time: {bounds[0]}\nEnd Time: {bounds[1]}\nStatus: received\n---\n"
    expect("requests", run("delete", "list", user=WRITER).replace("Z\n", "+00:00\n"), listed)
    # logcli takes an id and shows none.
    [known] = Narvi(ledger.URL, ledger.TENANT, *WRITER).get("/loki/api/v1/delete")
    run("delete", "cancel", f"--request-id={known['request_id']}", user=WRITER)
    expect("requests", run("delete", "list", user=WRITER), "")
    expect("all lines again", count(), LINES)


def count():
    [sample] = json.loads(run("instant-query", f"sum(count_over_time({QUERY}[1h]))"))
    return int(sample["value"][1])


def rfc3339(timestamp):
    seconds = datetime.fromtimestamp(timestamp // 1_000_000_000, timezone.utc)
    return f"{seconds:%Y-%m-%dT%H:%M:%S}.{timestamp % 1_000_000_000:09}Z"


def expect(what, found, want):
    assert found == want, f"{what}: {str(found)[:500]} in the place of {str(want)[:500]}"


def main():
    run("labels")
    tail = Tail()
    start = time.time_ns() // 1_000_000_000 * 1_000_000_000 - 60_000_000_000
    try:
        assert tail.wait(lambda: any("Ignoring labels" in line for line in tail.said)), tail.said
        sent = push(start)
        tail.wait(lambda: len(tail.lines) >= LINES)
        expect("tail", sorted(map(entry, tail.lines)), sorted(sent))
    finally:
        tail.stop()
    read_pages(start, sent)
    expect("labels", run("labels").split(), ["app", "service_name", "stream"])
    expect("values", run("labels", "stream").split(), [str(number) for number in range(STREAMS)])
    series = sorted(run("series", QUERY).splitlines())
    expect("series", series, [f'{{app="paged", service_name="paged", stream="{n}"}}' for n in range(STREAMS)])
    delete(start)
    ledger.close([])


main()
