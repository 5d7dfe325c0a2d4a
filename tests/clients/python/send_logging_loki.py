"""python-logging-loki: format 0 is the legacy push, format 1 today's. One push for each line, without waiting for more."""

import logging
import sys
import time

import logging_loki
import requests

import ledger

FORMAT = sys.argv[1]
PATH = {"0": "/api/prom/push", "1": "/loki/api/v1/push"}[FORMAT]
LEVELS = [logging.INFO, logging.ERROR, logging.WARNING]


class Session(requests.Session):
    """The client has no option for headers."""

    def __init__(self):
        super().__init__()
        self.headers["X-Scope-OrgID"] = ledger.TENANT


def main():
    refusals = []
    # Values that are no strings are sent as numbers and booleans by format 1.
    tags = {"app": "shop", "replica": 3, "canary": True, "quoted": 'a "b"'}
    handler = logging_loki.LokiHandler(
        url=ledger.URL + PATH, tags=tags, auth=(ledger.USER, ledger.PASSWORD), version=FORMAT
    )
    handler.emitter.session_class = Session
    handler.handleError = lambda record: refusals.append(sys.exc_info()[1])
    logger = logging.getLogger("clients.shop")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    for number, line in enumerate(ledger.LINES):
        level = LEVELS[number % len(LEVELS)]
        before = time.time_ns()
        logger.log(level, "%s", line, extra={"tags": {"part-number": number % 2}})
        labels = {
            "app": "shop",
            "replica": "3",
            "canary": "True" if FORMAT == "0" else "true",
            "quoted": 'a "b"',
            "severity": logging.getLevelName(level).lower(),
            "logger": "clients.shop",
            "part_number": str(number % 2),
            "service_name": "shop",
        }
        # Format 0 has microseconds, and floating point loses some hundred nanoseconds in both.
        ledger.note(line, labels, sent_after=before - 1_000)
    ledger.close(refusals)


main()
