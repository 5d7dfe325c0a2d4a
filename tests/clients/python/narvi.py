"""Asks a running Narvi as `reader`: queries, and a live tail. Knows no client and compares nothing."""

import base64
import json
import threading
import urllib.error
import urllib.parse
import urllib.request

from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

TIMEOUT = 30
"""Seconds that any one answer may take."""

CATEGORIZE = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}


class Narvi:
    """Where it is and who asks."""

    def __init__(self, url, tenant, user, password):
        self.url = url
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"X-Scope-OrgID": tenant, "Authorization": f"Basic {token}", **CATEGORIZE}

    def get(self, path, **params):
        """The JSON of an answer."""
        url = f"{self.url}{path}?{urllib.parse.urlencode(params)}"
        request = urllib.request.Request(url, headers=self.headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"GET {url}: {error.code} {error.read().decode()}") from error

    def push(self, streams):
        """Pushes as it is written in the specification, for lines that only have to be there."""
        headers = {**self.headers, "Content-Type": "application/json"}
        body = json.dumps({"streams": streams}).encode()
        request = urllib.request.Request(f"{self.url}/loki/api/v1/push", body, headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            assert answer.status == 204, answer.status

    def lines(self):
        """Every line of the tenant in the last hour."""
        answer = self.get("/loki/api/v1/query_range", query='{service_name=~".+"}', limit=5000)
        data = answer["data"]
        assert data["resultType"] == "streams", data
        assert data["encodingFlags"] == ["categorize-labels"], data
        return entries(data["result"])

    def tail(self):
        """Opens a live tail of all lines of the tenant."""
        return Tail(self)


class Tail:
    """A live tail that is read by a thread of its own from the moment that it is open."""

    def __init__(self, narvi):
        query = urllib.parse.urlencode({"query": '{service_name=~".+"}'})
        url = narvi.url.replace("http://", "ws://") + "/loki/api/v1/tail?" + query
        self.socket = connect(url, additional_headers=narvi.headers, open_timeout=TIMEOUT, max_size=None)
        self.frames = []
        self.broken = []
        self.more = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        # Ends without an error only where both sides have said that it ends.
        try:
            for frame in self.socket:
                with self.more:
                    self.frames.append(json.loads(frame))
                    self.more.notify()
        except ConnectionClosedError as error:
            self.broken.append(f"tail: {error}")

    def _lines(self):
        assert not any(frame.get("dropped_entries") for frame in self.frames), self.frames
        return [entry for frame in self.frames for entry in entries(frame["streams"])]

    def lines(self, count):
        """What has come, as soon as it is so many lines or the time is over."""
        with self.more:
            self.more.wait_for(lambda: len(self._lines()) >= count, TIMEOUT)
            return self._lines()

    def close(self):
        """Ends the tail: what went wrong with it."""
        self.socket.close()
        self.reader.join(TIMEOUT)
        return self.broken


def entries(streams):
    """Each entry of streams with categorized labels."""
    found = []
    for stream in streams:
        for timestamp, line, categories in stream["values"]:
            assert categories.keys() <= {"structuredMetadata", "parsed"}, categories
            assert not categories.get("parsed"), categories
            metadata = categories.get("structuredMetadata", {})
            found.append({"timestamp": int(timestamp), "line": line, "labels": stream["stream"], "metadata": metadata})
    return found
