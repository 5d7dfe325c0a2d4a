"""A `narvi` with passwords on a free port and a fresh folder, stopped at the end."""

import contextlib
import re
import shutil
import subprocess
import time
from pathlib import Path

SETTINGS = Path(__file__).resolve().parent.parent
START_SECONDS = 60
STOP_SECONDS = 40
READY = re.compile(r" is ready: .*?(http://[0-9.:]+)")


@contextlib.contextmanager
def running(program, work):
    """Starts it and yields its URL."""
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    options = {
        "--listen": "127.0.0.1:0",
        "--data": data,
        "--config": SETTINGS / "narvi.yaml",
        "--credentials": SETTINGS / "credentials.yaml",
    }
    command = [program, *(str(part) for option in options.items() for part in option)]
    with (work / "narvi.log").open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield _address(process, work)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log(work):
    """What it has said."""
    return (work / "narvi.log").read_text(encoding="utf-8", errors="replace")


def _address(process, work):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        ready = READY.search(log(work))
        if ready:
            return ready[1]
        time.sleep(0.05)
    raise AssertionError(f"narvi is not ready:\n{log(work)}")
