/**
 * Players who use goroom.js under Node, many in one process; players.py says what they do.
 *
 * Orders come as lines of JSON, `{ call, player, deed, ... }`, each answered by `{ call, value }` or
 * `{ call, error }`. What a player hears goes out as it comes: `{ player, heard: [...] }`.
 */

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { connect } from '../../goroom/static/goroom.js'

const { WebSocket } = createRequire(new URL('../js/package.json', import.meta.url))('ws')

const players = new Map()

const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')

function listen(player, room) {
  const hear = (...heard) => say({ player, heard })
  room.on('*', ({ n }, _, action) => hear('message', action, n))
  for (const type of ['join', 'leave', 'away', 'back']) {
    room.onEvent(type, ({ name }) => hear(type, name))
  }
  room.onEvent('reset', ({ reason }) => hear('reset', reason))
  room.onEvent('left', ({ reason }) => hear('left', reason))
  return { members: [...room.members.keys()], count: room.count }
}

const deeds = {
  async connect(key, { url, app: name, user, deduplicates, options }) {
    const app = await connect(url, { ...options, WebSocket, app: name, name: user })
    if (!deduplicates) app.connection._deduplicates = false
    const hear = (...heard) => say({ player: key, heard })
    app.onMessage('*', ({ n }) => hear('told', n))
    app.on('drop', ({ code }) => hear('drop', code))
    app.on('resume', () => hear('resume'))
    app.on('reset', ({ room, reason }) => room || hear('reset of the application', reason))
    app.on('close', ({ code }) => hear('close', code))
    players.set(key, app)
  },
  async logInToo(key, { app }) {
    const other = await players.get(key).connection.login(app, { name: key })
    other.onMessage('*', ({ n }) => say({ player: key, heard: ['also', n] }))
  },
  async join(key, { room }) {
    return listen(key, await players.get(key).join(room))
  },
  async watch(key, { room }) {
    return listen(key, await players.get(key).watch(room))
  },
  leave(key, { room }) {
    return players.get(key).joined.get(room).leave()
  },
  request(key, { room, action, data }) {
    return players.get(key).joined.get(room).request(action, data)
  },
  send(key, { room, action, data, options }) {
    players.get(key).joined.get(room).send(action, data, options)
  },
  look(key, { room: name }) {
    const { state, joined } = players.get(key)
    const room = joined.get(name)
    return { state, members: room && [...room.members.keys()], count: room?.count, seq: room?.seq }
  },
  close(key) {
    players.get(key)?.close()
    players.delete(key)
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { call, player, deed, ...rest } = JSON.parse(line)
  Promise.resolve()
    .then(() => deeds[deed](player, rest))
    .then((value) => say({ call, value }))
    .catch((error) => say({ call, error: { code: error.code ?? -1, reason: error.reason ?? String(error.stack) } }))
}
process.exit(0)
