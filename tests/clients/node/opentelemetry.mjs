// The OTLP exporters of OpenTelemetry: `http` is JSON, `proto` is protobuf; then `gzip` or `none`.

import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { close, env, lines, note } from './ledger.mjs'

const [kind, compression] = process.argv.slice(2)
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${kind}`)

const severities = [
  { number: SeverityNumber.INFO, text: 'INFO' },
  { number: SeverityNumber.ERROR, text: 'ERROR' },
  { number: SeverityNumber.WARN2, text: 'Warning' }
]

const token = Buffer.from(`${env.user}:${env.password}`).toString('base64')
const exporter = new OTLPLogExporter({
  url: `${env.url}/otlp/v1/logs`,
  headers: { Authorization: `Basic ${token}`, 'X-Scope-OrgID': env.tenant },
  compression: compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE
})
const refusals = []
const send = exporter.export.bind(exporter)
exporter.export = (records, done) => send(records, result => {
  if (result.code !== 0) refusals.push(result.error)
  done(result)
})

const resource = resourceFromAttributes({
  'service.name': 'shop',
  'service.namespace': 'eu',
  'k8s.pod.name': 'shop-7d4b9',
  'host.name': 'web-1',
  'process.pid': 4711
})
const processors = [new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 5 })]
const provider = new LoggerProvider({ resource, processors })
const logger = provider.getLogger('checkout', '1.2.3')
const span = { traceId: '5b8aa5a2d2c872e8321cf37308d69df2', spanId: '051581bf3cb55c13', traceFlags: 1 }
const context = trace.setSpanContext(ROOT_CONTEXT, span)

const start = Date.now()
const labels = { service_name: 'shop', service_namespace: 'eu', k8s_pod_name: 'shop-7d4b9' }

lines.concat([{ order: 1041, items: ['a', 'b'] }]).forEach((body, number) => {
  const severity = severities[number % severities.length]
  const time = start + number
  logger.emit({
    timestamp: new Date(time),
    observedTimestamp: new Date(time + 500),
    severityNumber: severity.number,
    severityText: severity.text,
    body,
    attributes: { 'http.status_code': 200 + number, ratio: 0.25, paid: true, tags: ['x', 'y'], user: { id: 7, 'first name': 'Sif' } },
    context
  })
  const metadata = {
    http_status_code: `${200 + number}`,
    ratio: '0.25',
    paid: 'true',
    tags: '["x","y"]',
    user_id: '7',
    user_first_name: 'Sif',
    observed_timestamp: `${time + 500}000000`,
    severity_number: `${severity.number}`,
    severity_text: severity.text,
    flags: '1',
    trace_id: span.traceId,
    span_id: span.spanId,
    host_name: 'web-1',
    process_pid: '4711',
    scope_name: 'checkout',
    scope_version: '1.2.3'
  }
  // A body that is no text becomes JSON with its keys in order.
  note(typeof body === 'string' ? body : '{"items":["a","b"],"order":1041}', labels, metadata, time)
})

await provider.shutdown()
close(refusals)
