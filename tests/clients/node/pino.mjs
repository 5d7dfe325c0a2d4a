// pino-loki: JSON, one stream for each line, structured metadata under the key `meta`.

import pino from 'pino'
import { pinoLoki } from 'pino-loki'
import { close, env, lines, note } from './ledger.mjs'

const levels = [
  { pino: 'info', number: 30, loki: 'info' },
  { pino: 'warn', number: 40, loki: 'warning' },
  { pino: 'fatal', number: 60, loki: 'critical' }
]

const refusals = []
// All that this client does about a failure is to say it here.
console.error = (...text) => refusals.push(text.join(' '))

const stream = pinoLoki({
  host: env.url,
  basicAuth: { username: env.user, password: env.password },
  headers: { 'X-Scope-OrgID': env.tenant },
  labels: { app: 'shop' },
  propsToLabels: ['tier'],
  batching: { interval: 1 }
})
let time = Date.now()
const logger = pino({ base: { hostname: 'web-1' }, timestamp: () => `,"time":${time}` }, stream)

for (const [number, line] of lines.entries()) {
  const level = levels[number % levels.length]
  const meta = { trace: `t-${number}`, number, deep: { a: [1, true] } }
  time += 1
  logger[level.pino]({ tier: 'front', meta }, line)
  const written = JSON.stringify({ level: level.number, time, tier: 'front', meta, msg: line })
  const labels = { level: level.loki, hostname: 'web-1', app: 'shop', tier: 'front', service_name: 'shop' }
  note(written, labels, { trace: `t-${number}`, number: `${number}`, deep: '{"a":[1,true]}' }, time)
}

await new Promise(resolve => stream.on('close', resolve).end())
console.error = (...text) => process.stderr.write(text.join(' ') + '\n')
close(refusals)
