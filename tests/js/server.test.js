/** The client against the real server, over real sockets. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import WebSocket from 'ws'

import { connect, open } from '../../goroom/static/goroom.js'
import { startServer } from './server.js'

/** @type {string} */
let address
let server
const apps = []

before(async () => {
  server = await startServer()
  address = server.address
})

after(async () => {
  for (const app of apps) app.close()
  await server.stop()
})

let users = 0

/** Log in to "game" under a name of one's own. */
async function user(options = {}) {
  users += 1
  const app = await connect(options.url ?? address, { app: 'game', name: `user-${users}`, WebSocket, ...options })
  apps.push(app)
  return app
}

/** The next value that *listen* gives its listener. */
const next = (listen) => new Promise((resolve) => { listen((...values) => resolve(values)) })

test('a room is made, heard and left', async () => {
  const ada = await user()
  const room = await ada.joinOrCreate('table')
  const [[welcomed], [secret]] = await Promise.all([
    next((listener) => room.on('welcomed', listener)),
    next((listener) => room.on('secret', listener)),
  ])

  assert.deepEqual([welcomed, secret], [{ name: ada.user }, { for: ada.user }])
  assert.deepEqual([room.kind, room.capacity, room.count, room.maker], ['table', 2, 1, ada.user])
  assert.deepEqual([...room.members.keys()], [ada.user])
  await room.leave()
  assert.equal(ada.joined.size, 0)
})

test('two clients meet at a table and see each other come, speak and go', async () => {
  const ada = await user()
  const bob = await user()
  const room = await ada.create('table', { name: 'meeting' })
  const [joined] = await Promise.all([
    next((listener) => room.onEvent('join', listener)),
    bob.join('meeting').then((other) => other.request('say', { text: 'hello' })),
  ])
  const [left] = await Promise.all([
    next((listener) => room.onEvent('leave', listener)),
    bob.joined.get('meeting').leave(),
  ])

  assert.deepEqual(joined, [{ type: 'join', name: bob.user }])
  assert.deepEqual(left, [{ type: 'leave', name: bob.user, reason: 'left', message: '' }])
  assert.equal(room.count, 1)
})

test('every event of a busy room comes once and in order', async () => {
  const [ada, bob] = [await user(), await user()]
  const room = await ada.create('table', { name: 'busy' })
  const other = await bob.join('busy')
  const texts = []
  other.on('said', ({ text }, from) => texts.push(`${from} ${text}`))
  const sent = Array.from({ length: 200 }, (_, n) => `${ada.user} ${n}`)
  for (let n = 0; n < 199; n += 1) room.send('say', { text: String(n) })
  await room.request('say', { text: '199' })
  await bob.request('tell_all', { text: '' }) // behind it, everything has come

  assert.deepEqual(texts, sent)
  assert.equal(other.seq, room.seq)
})

test('replies and refusals reach who asked', async () => {
  const ada = await user()
  const room = await ada.create('table')

  assert.deepEqual(await room.request('say', { text: 'four' }), { length: 4 })
  await assert.rejects(room.request('refuse'), {
    code: 1001, reason: 'not_today', message: 'Not today.', field: 'day',
  })
  await assert.rejects(room.request('say', { text: 4 }), { code: 21, field: 'text' })
  await assert.rejects(room.request('nothing'), { code: 22 })
  await assert.rejects(ada.join('nowhere'), { code: 7 })
  await assert.rejects(ada.create('hall'), { code: 26 })
  const refused = next((listener) => ada.on('refused', listener))
  room.send('refuse')
  const [error] = await refused
  assert.equal(error.message, 'Not today.')
})

test('a full room is refused and can be watched, and joined when a seat is free', async () => {
  const [ada, bob, cleo] = [await user(), await user(), await user()]
  const room = await ada.create('table', { name: 'full' })
  const seat = await bob.join('full')
  await assert.rejects(cleo.join('full'), { code: 20, reason: 'room_full' })
  const watched = await cleo.watch('full')
  const [said] = await Promise.all([
    next((listener) => watched.on('said', listener)),
    room.request('say', { text: 'hi' }),
  ])
  await assert.rejects(watched.request('say', { text: 'let me' }), { code: 9 })
  await seat.leave()
  const joined = await cleo.join('full')

  assert.deepEqual(said, [{ text: 'hi' }, ada.user, 'said'])
  assert.equal(joined, watched)
  assert.deepEqual([joined.watching, [...joined.members.keys()]], [false, [ada.user, cleo.user]])
})

test('who stops watching hears no more', async () => {
  const frames = []
  class Spied extends WebSocket {
    emit(event, ...values) {
      if (event === 'message') frames.push(JSON.parse(values[0]))
      return super.emit(event, ...values)
    }
  }
  const [ada, bob] = [await user(), await user({ WebSocket: Spied })]
  const room = await ada.create('table', { name: 'unwatched' })
  const watched = await bob.watch('unwatched')
  await room.request('say', { text: 'heard' })
  await watched.leave()
  await room.request('say', { text: 'not heard' })
  await bob.request('tell_all', { text: '' })

  assert.equal(watched.hasLeft, true)
  assert.deepEqual(frames.filter(({ action }) => action === 'said').map(({ data }) => data.text), ['heard'])
})

test('a password is asked for', async () => {
  const [ada, bob] = [await user(), await user()]
  await ada.create('table', { name: 'vault', password: 'open sesame' })

  await assert.rejects(bob.join('vault'), { code: 26, reason: 'wrong_password' })
  assert.equal((await bob.join('vault', { password: 'open sesame' })).count, 2)
})

test('a kick, a closed room and a room that changes are told', async () => {
  const [ada, bob] = [await user(), await user()]
  const room = await ada.create('table', { name: 'changing' })
  const other = await bob.watch('changing')
  const [update] = await Promise.all([next((listener) => other.onEvent('update', listener)), room.request('lock')])
  assert.equal(update[0].changes.locked, true)
  assert.deepEqual([room.locked, other.properties], [true, { phase: 'over' }])
  const kicked = next((listener) => room.onEvent('left', listener))
  room.send('kick_me')
  assert.deepEqual(await kicked, [{ type: 'left', reason: 'kicked', message: 'as you wish' }])

  const second = await ada.create('table', { name: 'closing' })
  const watched = await bob.watch('closing')
  const closed = [second, watched].map((it) => next((listener) => it.onEvent('left', listener)))
  second.send('close')
  for (const [left] of await Promise.all(closed)) assert.equal(left.reason, 'room_closed')
})

test('a user whom the server moves is in the room', async () => {
  const ada = await user()
  const secret = next((listener) => ada.on('join', (room) => room.on('secret', listener)))
  await ada.request('seat_me')

  assert.deepEqual((await secret)[0], { for: ada.user })
  assert.deepEqual([...ada.joined.keys()], ['hall'])
})

test('the list of rooms is live', async () => {
  const [ada, bob] = [await user(), await user()]
  const lists = []
  let check = () => {}
  const off = await bob.watchRooms((rooms) => {
    lists.push(rooms)
    check()
  })
  const until = (condition) => new Promise((resolve) => {
    check = () => { if (condition(new Map(lists.at(-1).map((room) => [room.name, room])))) resolve() }
    check()
  })
  const room = await ada.create('table', { name: 'listed', password: 'p' })
  await until((rooms) => rooms.get('listed')?.count === 1)
  const listed = lists.at(-1).find(({ name }) => name === 'listed')
  await ada.create('table', { name: 'unlisted', hidden: true })
  await room.request('lock')
  await until((rooms) => rooms.get('listed')?.locked)
  await room.leave()
  await until((rooms) => !rooms.has('listed'))
  off()

  assert.deepEqual(listed, {
    name: 'listed', kind: 'table', count: 1, capacity: 2, locked: false, password: true,
    spectators: true, properties: {}, maker: ada.user,
  })
  assert.ok(lists.every((list) => list[0].name === 'hall'))
  assert.ok(lists.every((list) => list.every(({ name }) => name !== 'unlisted')))
  assert.ok((await bob.rooms()).length >= 1)
})

test('two applications over one socket are apart', async () => {
  const game = await user()
  const chat = await game.connection.login('chat', { name: 'someone else' })
  const told = []
  game.onMessage('told', ({ text }) => told.push(`game ${text}`))
  chat.onMessage('told', ({ text }) => told.push(`chat ${text}`))
  await game.request('tell_all', { text: 'one' })
  await chat.request('tell_all', { text: 'two' })
  await chat.logout()

  assert.deepEqual(told, ['game one', 'chat two'])
  assert.deepEqual([chat.state, game.state], ['closed', 'open'])
  assert.equal((await game.connection.login('chat', { name: 'again' })).user, 'again')
})

test('an endpoint of one application needs no name of it', async () => {
  const ada = await user({ url: `${address}game`, app: undefined })
  const room = await ada.join('hall')
  const [secret] = await next((listener) => room.on('secret', listener))

  assert.deepEqual([ada.name, secret], ['game', { for: ada.user }])
})

test('a taken name is refused, and another one over the same socket is not', async () => {
  const ada = await user()
  const connection = await open(address, { WebSocket })
  await assert.rejects(connection.login('game', { name: ada.user }), { code: 4 })
  const app = await connection.login('game', { name: `${ada.user}-2` })
  apps.push(app)

  assert.equal(app.user, `${ada.user}-2`)
})

test('an application that ends its part says so, and the socket closes', async () => {
  const ada = await user()
  const room = await ada.join('hall')
  const events = []
  const loop = (async () => {
    for await (const { type } of room) events.push(type)
  })()
  const closed = next((listener) => ada.on('close', listener))
  ada.send('ban_me')

  assert.deepEqual(await closed, [{ code: 4503, reason: 'banned' }])
  await loop
  assert.equal(events.at(-1), 'left')
})

test('no server is no connection', async () => {
  await assert.rejects(connect('ws://127.0.0.1:9/', { app: 'game', name: 'ada', WebSocket }), { reason: 'closed' })
})
