/** The guide's page about this client: its code runs, in its order, against the lobby. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import WebSocket from 'ws'

const root = new URL('../../', import.meta.url)

test('the code of the guide runs', async () => {
  const lobby = spawn(process.env.PYTHON ?? 'python3', [fileURLToPath(new URL('examples/lobby.py', root)), '--port=0', '--bots=0'])
  let port
  for await (const line of createInterface({ input: lobby.stdout })) {
    port = /:(\d+)\//.exec(line)?.[1]
    if (port) break
  }
  const page = await readFile(new URL('docs/guide/browser-client.md', root), 'utf8')
  const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block)
  const program = blocks.join('\n')
    .replaceAll("'/goroom.js'", `'${new URL('goroom/static/goroom.js', root)}'`)
    .replaceAll('localhost:8080', `127.0.0.1:${port}`)
  const shown = []
  Object.assign(globalThis, { WebSocket, draw: (board) => shown.push(board.phase), show: (...words) => shown.push(...words), newTicket: async () => 't' })
  const { ended } = await import(`data:text/javascript,${encodeURIComponent(`${program}
    await lobby.request('say', { text: 'hello' })
    app.close()
    export const ended = app.state`)}`)
  lobby.kill('SIGTERM')
  await once(lobby, 'exit')

  assert.ok(blocks.length >= 8)
  assert.equal(ended, 'closed')
  for (const words of ['ada: Good luck!', 'waiting', 'The game has not started.', 'ada: hello', 'Over: 1000 closed']) {
    assert.ok(shown.includes(words), `${words}: ${shown}`)
  }
})
