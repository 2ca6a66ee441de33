/** What the tests of the client have in common: ada, the application "game" and its table. */

import { connect } from '../../goroom/static/goroom.js'
import { FakeSocket } from './fake_socket.js'

export const URL = 'ws://localhost:8080/'
export const [JOIN_APP, JOIN_ROOM, LEAVE_ROOM, LOGIN, LOGOUT, RECONNECT, SUBSCRIBE, UNSUBSCRIBE, MESSAGE] = [3, 4, 5, 6, 7, 8, 9, 10, 11]
export const [ROOM_ADD, ROOM_REMOVE, ROOM_UPDATE, AWAY, BACK] = [12, 13, 20, 21, 22]

/** @type {import('../../goroom/static/goroom.js').App[]} */
const apps = []

/** End what a test has opened, so that nothing goes on behind it. */
export function cleanUp() {
  for (const app of apps.splice(0)) app.close()
  FakeSocket.reset()
}

/** Log in as ada; return the App and its socket. */
export async function loggedIn(options = {}, ...behind) {
  const promise = connect(URL, { app: 'game', name: 'ada', WebSocket: FakeSocket, backoff: { minMs: 0 }, ...options })
  const socket = FakeSocket.newest
  const { id, appName } = await socket.next()
  const data = { appName: 'game', userName: 'ada', userId: 'u1', token: 'T1', epoch: 'e', seq: 0, sub: 0, rooms: [] }
  socket.receive({ eventType: LOGIN, appName, id, data }, ...behind)
  const app = await promise
  apps.push(app)
  return { app, socket }
}

/** What JOIN_ROOM answers for a room of two where ada is the second. */
export const answer = (id, changes = {}) => ({
  eventType: JOIN_ROOM, appName: 'game', roomName: 'table-1', id, seq: 2, sub: 0,
  data: {
    roomName: 'table-1', appName: 'game', kind: 'table', epoch: 'r', capacity: 2, count: 2,
    members: ['bob', 'ada'], properties: { phase: 'playing' }, maker: 'bob', ...changes,
  },
})

/** An event of the room of `answer`. */
export const event = (eventType, more) => ({ eventType, appName: 'game', roomName: 'table-1', ...more })

/** Lose the link; return the next socket, on which the client has asked to resume, and that frame. */
export async function dropped(socket, code = 1006) {
  socket.lose(code)
  const next = await socket.successor()
  return { next, asked: await next.next() }
}

/** What RECONNECT answers where nothing was missed outside rooms. */
export const resumed = ({ id }, rooms = {}, app = {}) => ({
  eventType: RECONNECT, appName: 'game', id, data: {
    appName: 'game', userName: 'ada', userId: 'u1', token: 'T2', app: { epoch: 'e', seq: 0, sub: 0, ...app }, rooms,
  },
})

/** What RECONNECT or another request is refused with. */
export const refused = ({ id, eventType }, code, reason) =>
  ({ eventType, appName: 'game', id, code: 500, error: { code, reason, message: reason } })

/** Log in and join; *behind* comes in the same turn as the reply. */
export async function joined(...behind) {
  const { app, socket } = await loggedIn()
  const promise = app.join('table-1')
  const { id } = await socket.next()
  socket.receive(answer(id), ...behind)
  return { app, socket, room: await promise }
}

/** Call *listener* with what is heard, as a list. */
export function heard(listen) {
  const values = []
  listen((...value) => values.push(value.length === 1 ? value[0] : value))
  return values
}
