// winston-loki: `json` with everything else of a message as structured metadata, or `protobuf` (snappy), which has none.

import { createLogger, format } from 'winston'
import LokiTransport from 'winston-loki'
import { close, env, lines, note } from './ledger.mjs'

const json = process.argv[2] === 'json'
const levels = ['info', 'error', 'warn']

const refusals = []
const transport = new LokiTransport({
  host: env.url,
  basicAuth: `${env.user}:${env.password}`,
  headers: { 'X-Scope-OrgID': env.tenant },
  json,
  labels: { app: 'shop', env: 'test' },
  format: format.printf(({ message }) => message),
  interval: 1,
  replaceTimestamp: false,
  gracefulShutdown: false,
  onConnectionError: error => refusals.push(error)
})
const logger = createLogger({ level: 'debug', transports: [transport] })

const start = Date.now()
lines.forEach((line, number) => {
  const level = levels[number % levels.length]
  const time = start + number
  const timestamp = new Date(time).toISOString()
  const order = { id: number, paid: number % 2 === 0 }
  logger.log({ level, message: line, timestamp, trace: `t-${number}`, order })
  const labels = { level, app: 'shop', env: 'test', service_name: 'shop' }
  // The protobuf form of this client leaves metadata out.
  const metadata = json ? { level, trace: `t-${number}`, order: JSON.stringify(order) } : {}
  note(line, labels, metadata, time)
})

// The logger hands on what it has; only then has the transport all of it.
await new Promise(resolve => { transport.on('finish', resolve); logger.end() })
// Ending the logger has made it close as well, and only `flush` waits for what that has under way.
await transport.close()
await transport.flush()
close(refusals)
