// What a client has sent and expects to be stored, as JSON on standard output; `python/ledger.py` has the form and the exit codes.
// Knows nothing of queries.

import { readFileSync } from 'node:fs'

const REFUSED = 3

export const env = {
  url: process.env.NARVI_URL,
  user: process.env.NARVI_USER,
  password: process.env.NARVI_PASSWORD,
  tenant: process.env.NARVI_TENANT
}

// `run` lays this folder and the lines side by side, as they are in the sources.
export const lines = JSON.parse(readFileSync(new URL('../lines.json', import.meta.url), 'utf8'))

const entries = []

// One line; `milliseconds` is its time as Date has it.
export function note (line, labels, metadata, milliseconds) {
  entries.push({ line, labels, metadata, timestamp: `${milliseconds}000000` })
}

// Writes the ledger and ends the process; `refusals` is what the client said went wrong.
export function close (refusals) {
  for (const refusal of refusals) console.error(`refused: ${refusal}`)
  process.stdout.write(JSON.stringify(entries), () => process.exit(refusals.length ? REFUSED : 0))
}
