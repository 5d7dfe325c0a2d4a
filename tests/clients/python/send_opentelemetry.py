"""The OTLP exporter of OpenTelemetry in protobuf, with `gzip` or `none`."""

import base64
import sys
import time

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.resources import Resource

import ledger

COMPRESSION = {"gzip": Compression.Gzip, "none": Compression.NoCompression}[sys.argv[1]]
SEVERITIES = [
    (SeverityNumber.INFO, "INFO"),
    (SeverityNumber.FATAL, "FATAL"),
    (SeverityNumber.DEBUG, "debugging"),
]
TRACE, SPAN = 0x5B8AA5A2D2C872E8321CF37308D69DF2, 0x051581BF3CB55C13


class Exporter(OTLPLogExporter):
    """Remembers what failed, which the SDK only logs."""

    refusals = []

    def export(self, batch):
        result = super().export(batch)
        if result is not LogRecordExportResult.SUCCESS:
            self.refusals.append(result)
        return result


def metadata(number, severity, observed):
    """What is stored beside a line: its own attributes, then what it has of the record, the resource and the scope."""
    severity_number, text = severity
    return {
        "http_status_code": str(200 + number),
        "ratio": "0.25",
        "paid": "true",
        "tags": '["x","y"]',
        "user_id": "7",
        "user_first_name": "Sif",
        "raw": base64.b64encode(b"\x00\xff").decode(),
        "observed_timestamp": str(observed),
        "severity_number": str(severity_number.value),
        "severity_text": text,
        "flags": "1",
        "trace_id": f"{TRACE:032x}",
        "span_id": f"{SPAN:016x}",
        "host_name": "web-1",
        "scope_name": "checkout",
        "scope_version": "1.2.3",
        "team": "blue",
    }


def main():
    token = base64.b64encode(f"{ledger.USER}:{ledger.PASSWORD}".encode()).decode()
    exporter = Exporter(
        endpoint=f"{ledger.URL}/otlp/v1/logs",
        headers={"Authorization": f"Basic {token}", "X-Scope-OrgID": ledger.TENANT},
        compression=COMPRESSION,
    )
    resource = Resource({"service.name": "shop", "deployment.environment": "test", "host.name": "web-1"})
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=5))
    logger = provider.get_logger("checkout", "1.2.3", attributes={"team": "blue"})
    span = trace.SpanContext(TRACE, SPAN, is_remote=False, trace_flags=trace.TraceFlags(1))
    context = trace.set_span_in_context(trace.NonRecordingSpan(span))
    labels = {"service_name": "shop", "deployment_environment": "test"}
    start = time.time_ns()
    for number, body in enumerate([*ledger.LINES, {"order": 1041, "items": ["a", "b"]}]):
        severity = SEVERITIES[number % len(SEVERITIES)]
        timestamp, observed = start + number, start + 1_000_000
        user = {"id": 7, "first name": "Sif"}
        attributes = {"http.status_code": 200 + number, "ratio": 0.25, "paid": True, "tags": ["x", "y"]}
        logger.emit(
            timestamp=timestamp,
            observed_timestamp=observed,
            context=context,
            severity_number=severity[0],
            severity_text=severity[1],
            body=body,
            attributes={**attributes, "user": user, "raw": b"\x00\xff"},
        )
        line = body if isinstance(body, str) else '{"items":["a","b"],"order":1041}'
        ledger.note(line, labels, metadata(number, severity, observed), timestamp)
    provider.shutdown()
    ledger.close(exporter.refusals)


main()
