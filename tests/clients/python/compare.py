"""Compares what a client has sent with what is found: every line once, with its labels, metadata and time.

Pure; the cases are below and run before the clients do, so that a comparison which finds nothing fails as well.
"""

import unittest


def differences(sent, found):
    """What is missing, and what is there without having been sent. Empty where all is well."""
    left = list(found)
    said = []
    for entry in sent:
        match = next((other for other in left if is_same(entry, other)), None)
        if match is None:
            said.append(f"missing: {entry}")
        else:
            left.remove(match)
    return said + [f"not sent: {other}" for other in left]


def is_same(sent, found):
    """Whether an entry of a ledger is the one that was found."""
    # Metadata with the name of a label is told apart from it by its name.
    suffix = {name: "_extracted" if name in sent["labels"] else "" for name in sent["metadata"]}
    metadata = {name + suffix[name]: value for name, value in sent["metadata"].items()}
    return (
        sent["line"] == found["line"]
        and sent["labels"] == found["labels"]
        and metadata == found["metadata"]
        and is_time(sent, found["timestamp"])
    )


def is_time(sent, timestamp):
    """Exactly the time that was sent, or within the moments before and after it was."""
    if "timestamp" in sent:
        return int(sent["timestamp"]) == timestamp
    return int(sent["from"]) <= timestamp <= int(sent["to"])


class Cases(unittest.TestCase):
    SENT = {"line": "a", "labels": {"x": "1"}, "metadata": {"m": "2"}, "timestamp": "7"}
    FOUND = {"line": "a", "labels": {"x": "1"}, "metadata": {"m": "2"}, "timestamp": 7}

    def check(self, sent, found, want):
        said = [text.partition(":")[0] for text in differences(sent, found)]
        self.assertEqual(said, want, (sent, found))

    def test_every_difference_is_found(self):
        sent, found = self.SENT, self.FOUND
        self.check([sent], [found], [])
        self.check([sent, sent], [found, found], [])
        self.check([sent], [], ["missing"])
        self.check([], [found], ["not sent"])
        self.check([sent], [found, found], ["not sent"])
        self.check([sent, sent], [found], ["missing"])
        others = {"line": "b", "labels": {"x": "1", "y": ""}, "metadata": {}, "timestamp": 8}
        for key, value in others.items():
            self.check([sent], [{**found, key: value}], ["missing", "not sent"])

    def test_a_time_that_the_client_chose_lies_in_between(self):
        sent = {key: value for key, value in self.SENT.items() if key != "timestamp"}
        for timestamp, want in [(4, False), (5, True), (6, True), (7, False)]:
            found = {**self.FOUND, "timestamp": timestamp}
            said = differences([{**sent, "from": 5, "to": 6}], [found])
            self.assertEqual(not said, want, said)

    def test_metadata_with_the_name_of_a_label_has_another(self):
        labels = {"m": "1"}
        sent, found = {**self.SENT, "labels": labels}, {**self.FOUND, "labels": labels}
        self.check([sent], [{**found, "metadata": {"m_extracted": "2"}}], [])
        self.check([sent], [found], ["missing", "not sent"])


if __name__ == "__main__":
    unittest.main()
