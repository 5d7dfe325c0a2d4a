"""Runs every client against one Narvi and compares what each sent with what is found.

Usage: `suite.py NARVI WORK [CLIENT…]`: the built program, the folder that `run` installed the clients in, and which to run.
Each client has a tenant of its own. While it sends, a live tail of that tenant is open; the tail and a query must both have
all of it, once. Then the client comes with a wrong password, and must notice that it is sent away.
"""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import compare
import server
from narvi import Narvi

HERE = Path(__file__).resolve().parent
WORK = Path(sys.argv[2])
WRITER = ("writer", "write: all of it")
READER = ("reader", "read: all of it")
REFUSED = 3
"""The exit code of a client that knows that its lines were not taken."""
CLIENT_SECONDS = 120
"""How long a client may take, with what it waits between tries."""
SHOWN = 10
"""How many differences of a client are printed."""

PYTHON = [sys.executable]
NODE = ["node"]

CLIENTS = {
    "python-logging-loki-0": [*PYTHON, HERE / "send_logging_loki.py", "0"],
    "python-logging-loki-1": [*PYTHON, HERE / "send_logging_loki.py", "1"],
    "opentelemetry-python-protobuf": [*PYTHON, HERE / "send_opentelemetry.py", "none"],
    "opentelemetry-python-protobuf-gzip": [*PYTHON, HERE / "send_opentelemetry.py", "gzip"],
    "opentelemetry-node-json": [*NODE, WORK / "node/opentelemetry.mjs", "http", "none"],
    "opentelemetry-node-json-gzip": [*NODE, WORK / "node/opentelemetry.mjs", "http", "gzip"],
    "opentelemetry-node-protobuf": [*NODE, WORK / "node/opentelemetry.mjs", "proto", "none"],
    "opentelemetry-node-protobuf-gzip": [*NODE, WORK / "node/opentelemetry.mjs", "proto", "gzip"],
    "winston-loki-json": [*NODE, WORK / "node/winston.mjs", "json"],
    "winston-loki-protobuf": [*NODE, WORK / "node/winston.mjs", "protobuf"],
    "pino-loki": [*NODE, WORK / "node/pino.mjs"],
    "tracing-loki": [WORK / "tracing/debug/narvi-tracing-client"],
    "logcli": [*PYTHON, HERE / "read_logcli.py", WORK / "logcli"],
}
"""What is run for each client, which is also the name of its tenant."""


def run_client(url, tenant, command, writing, reading):
    """Runs a client to its end with the passwords to write and to read: its exit code, its ledger, and what it said."""
    token = base64.b64encode(f"{WRITER[0]}:{writing}".encode()).decode()
    environment = {
        **os.environ,
        "NARVI_URL": url,
        "NARVI_USER": WRITER[0],
        "NARVI_PASSWORD": writing,
        "NARVI_AUTHORIZATION": f"Basic {token}",
        "NARVI_READER": READER[0],
        "NARVI_READER_PASSWORD": reading,
        "NARVI_TENANT": tenant,
    }
    return subprocess.run(
        [str(part) for part in command],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=CLIENT_SECONDS,
        text=True,
        encoding="utf-8",
    )


def check_delivery(url, name):
    """A client sends; the tail and a query have what it sent, and nothing else."""
    narvi = Narvi(url, name, *READER)
    tail = narvi.tail()
    done = run_client(url, name, CLIENTS[name], WRITER[1], READER[1])
    if done.returncode != 0:
        return [f"ended with {done.returncode}", done.stderr]
    ledger = json.loads(done.stdout)
    if not ledger:
        return ["sent nothing"]
    said = [f"query: {text}" for text in compare.differences(ledger, narvi.lines())]
    said += [f"tail: {text}" for text in compare.differences(ledger, tail.lines(len(ledger)))]
    said += tail.close()
    return said + ([done.stderr] if said else [])


def check_refusal(url, name):
    """A client with a wrong password knows that it was not let in, and nothing is stored."""
    tenant = f"{name}-refused"
    done = run_client(url, tenant, CLIENTS[name], "wrong", "wrong")
    stored = Narvi(url, tenant, *READER).lines()
    said = [f"stored with a wrong password: {entry}" for entry in stored]
    if done.returncode != REFUSED:
        said += [f"ended with {done.returncode} after a wrong password", done.stderr]
    return said


def main():
    names = sys.argv[3:] or list(CLIENTS)
    failures = 0
    with server.running(sys.argv[1], WORK) as url:
        for name in names:
            start = time.monotonic()
            said = []
            for check in (check_delivery, check_refusal):
                try:
                    said += check(url, name)
                except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
                    said.append(f"{check.__name__}: {type(error).__name__}: {error}")
            print(f"{'FAILED' if said else 'ok    '} {name} ({time.monotonic() - start:.1f} s)", flush=True)
            for text in said[:SHOWN]:
                print(f"       {text}", flush=True)
            if len(said) > SHOWN:
                print(f"       and {len(said) - SHOWN} more", flush=True)
            failures += bool(said)
        if failures:
            print(server.log(WORK))
    print(f"{len(names) - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
