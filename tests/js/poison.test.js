/** What must not ruin a login: data that is no JSON, that is too large, that changes, that nobody waits for. */

import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'

import { connect } from '../../goroom/static/goroom.js'
import { FakeSocket, turn } from './fake_socket.js'
import {
  answer, cleanUp, dropped, event, heard, JOIN_APP, joined, loggedIn, LOGOUT, MESSAGE, refused, resumed, SUBSCRIBE,
  UNSUBSCRIBE, URL,
} from './game.js'

afterEach(cleanUp)

/** The place of the room of `answer`, as a resume says it. */
const AT = { 'table-1': { epoch: 'r', seq: 9, sub: 0 } }

const circular = {}
circular.self = circular

for (const [what, data] of [['a BigInt', { n: 10n }], ['a circle', circular]]) {
  test(`${what} is refused to its caller and leaves nothing behind`, async () => {
    const { app, socket, room } = await joined()
    await turn()
    assert.throws(() => room.send('x', data), TypeError)
    await assert.rejects(room.request('x', data), TypeError)
    await assert.rejects(app.join('table-2', { data }), TypeError)
    const { next, asked } = await dropped(socket)
    assert.throws(() => room.send('x', data), TypeError)
    assert.throws(() => room.send('x', data, { volatile: true }), TypeError)
    await assert.rejects(app.request('x', data), TypeError)
    next.receive(resumed(asked, AT))
    const promise = room.request('y')

    assert.deepEqual(next.sent.slice(1).map(({ action }) => action), ['y'])
    next.receive(event(MESSAGE, { id: next.sent[1].id, data: 'done' }))
    assert.equal(await promise, 'done')
  })
}

test('what is sent is what it was when it was sent, late and again, too', async () => {
  const { socket, room } = await joined()
  await turn()
  const position = { x: 1 }
  room.send('at', position)
  position.x = 2
  const first = await dropped(socket)
  room.send('at', position)
  position.x = 3
  first.next.receive(resumed(first.asked, AT))

  assert.deepEqual(first.next.sent.slice(1).map(({ data }) => data.x), [1, 2])
})

test('half an emoji is mended, and what only looks like one is left alone', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const texts = []
  app.connection._socket.send = (text) => texts.push(text)
  room.send('say', { text: 'ab😀'.slice(0, 3), '\udc00': 'c\ud800' })
  room.send('say', { text: '\\ud800 \\\\udc00 😀 "\n' })

  assert.deepEqual(texts.map((text) => JSON.parse(text).data), [
    { text: 'ab\ufffd', '\ufffd': 'c\ufffd' }, { text: '\\ud800 \\\\udc00 😀 "\n' },
  ])
  assert.doesNotMatch(texts[0], /\\ud/)
  assert.equal(socket.sent.length, 2)
})

test('the largest of what is not answered is refused where the server takes nothing so large', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const small = room.request('small', 'x'.repeat(100))
  const large = room.request('large', 'é'.repeat(90)) // more bytes, fewer characters
  const [, , asked] = socket.sent
  const isRefused = assert.rejects(large, {
    name: 'GoroomError', code: 24, reason: 'too_large', action: 'large', room: 'table-1',
  })
  const { next, asked: back } = await dropped(socket, 1009)

  await isRefused
  next.receive(resumed(back, AT))
  assert.deepEqual(next.sent.slice(1), [asked])
  next.receive(event(MESSAGE, { id: asked.id, data: 'done' }))
  assert.equal(await small, 'done')
  assert.equal(app.state, 'open')
})

test('a message that was sent and is too large is told as refused', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const refusals = heard((listener) => app.on('refused', listener))
  room.send('large', 'x'.repeat(90))
  const { next, asked } = await dropped(socket, 1009)
  next.receive(resumed(asked, AT))

  assert.deepEqual(refusals.map(({ code, reason, action }) => [code, reason, action]), [[24, 'too_large', 'large']])
  assert.equal(next.sent.length, 1)
})

test('a link that is lost as too large with nothing under way comes back', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const { next, asked } = await dropped(socket, 1009)
  next.receive(resumed(asked))

  assert.equal(app.state, 'open')
})

/** Lose *socket*, turn the clock until the next one is made; return how long that took. */
function waited(socket) {
  socket.lose()
  let ms = 0
  for (; FakeSocket.newest === socket; ms += 1) mock.timers.tick(1)
  return ms
}

/** Log in with a backoff that can be measured. */
async function measured(t) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { app, socket } = await loggedIn({ backoff: undefined })
  await turn()
  t.mock.method(Math, 'random', () => 0.5)
  return { app, socket }
}

test('a link that is lost behind each resume comes back later each time', async (t) => {
  let { socket } = await measured(t)
  const waits = []
  for (let n = 0; n < 4; n += 1) {
    waits.push(waited(socket))
    socket = FakeSocket.newest
    socket.receive(resumed(await socket.next()), { eventType: MESSAGE, appName: 'game', action: 'x', seq: n + 1 })
  }

  assert.deepEqual(waits, [100, 200, 400, 800])
})

test('a link that has answered a command comes back soon', async (t) => {
  const { app, socket } = await measured(t)
  assert.equal(waited(socket), 100)
  const next = FakeSocket.newest
  next.receive(resumed(await next.next()))
  const promise = app.request('x')
  next.receive({ eventType: MESSAGE, appName: 'game', id: (await next.next()).id })
  await promise

  assert.equal(waited(next), 100)
})

test('a link that was there for ten seconds comes back soon', async (t) => {
  let now = performance.now()
  t.mock.method(performance, 'now', () => now)
  let { socket } = await measured(t)
  const waits = []
  for (const ms of [0, 10_001, 0, 9999, 0]) {
    now += ms
    waits.push(waited(socket))
    socket = FakeSocket.newest
    now += 20_000 // the time without a link does not count
    const asked = socket.next()
    await turn()
    socket.receive(resumed(await asked))
  }

  assert.deepEqual(waits, [100, 100, 200, 400, 800])
})

test('tries that do not connect come later each time, however long each takes', async (t) => {
  let now = performance.now()
  t.mock.method(performance, 'now', () => now)
  const { socket } = await measured(t)
  FakeSocket.isReachable = false
  const waits = [waited(socket)]
  for (let n = 0; n < 2; n += 1) {
    now += 20_000
    waits.push(waited(FakeSocket.newest))
  }

  assert.deepEqual(waits, [100, 200, 400])
})

test('what was sent before close goes out before the logout', async () => {
  const { app, socket, room } = await joined()
  await turn()
  for (let n = 0; n < 66; n += 1) room.send('x', n)
  const promise = room.request('x', 66)
  app.close()

  await assert.rejects(promise, { reason: 'closed' })
  assert.deepEqual(socket.sent.slice(2, -1).map(({ data }) => data), Array.from({ length: 67 }, (_, n) => n))
  assert.equal(socket.sent.at(-1).eventType, LOGOUT)
})

test('a close while the link is lost sends nothing', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const { next } = await dropped(socket)
  room.send('x')
  app.close()

  assert.equal(next.sent.length, 1)
})

/** The answer to a subscription to the list of rooms. */
const list = ({ id }) => ({ eventType: SUBSCRIBE, appName: 'game', id, data: { appName: 'game', rooms: [] } })

test('waiting for the list of rooms can be aborted while the link is lost', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const { next, asked } = await dropped(socket)
  const abort = new AbortController()
  const lists = heard((listener) => app.watchRooms(listener, { signal: abort.signal }).catch(listener))
  const rooms = app.rooms({ signal: abort.signal })
  abort.abort(new Error('enough'))

  await assert.rejects(rooms, /enough/)
  assert.deepEqual(lists.map(({ message }) => message), ['enough'])
  await assert.rejects(app.rooms({ signal: abort.signal }), /enough/)
  next.receive(resumed(asked))
  next.receive(list(next.sent[1]))
  assert.deepEqual(next.sent.slice(1).map(({ eventType }) => eventType), [SUBSCRIBE, UNSUBSCRIBE])
})

test('waiting for the list of rooms can be aborted by one while another waits on', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const abort = new AbortController()
  const first = app.rooms({ signal: abort.signal })
  const second = app.rooms()
  const asked = await socket.next()
  abort.abort(new Error('enough'))
  await assert.rejects(first, /enough/)
  socket.receive(list(asked))

  assert.deepEqual(await second, [])
  assert.deepEqual(socket.sent.slice(1).map(({ eventType }) => eventType), [SUBSCRIBE, UNSUBSCRIBE])
})

for (const text of ['<html>', '', 'null']) {
  test(`what is no frame (${JSON.stringify(text)}) costs the link and nothing else`, async () => {
    const { app, socket } = await joined()
    await turn()
    const drops = heard((hear) => app.on('drop', hear))
    socket.onmessage({ data: text })

    assert.deepEqual(drops, [{ code: 1002, reason: 'no frame' }])
    assert.equal(app.state, 'suspended')
    assert.notEqual(await socket.successor(), socket)
  })
}

test('a server whose first word is no frame is no connection', async () => {
  const promise = connect(URL, { app: 'game', name: 'ada', WebSocket: FakeSocket })
  const socket = FakeSocket.newest
  await socket.next()
  socket.onmessage({ data: '<html>' })

  await assert.rejects(promise, { reason: 'closed', message: /1002 no frame/ })
})

for (const protocol of ['', 'soap']) {
  test(`a server that speaks another subprotocol ("${protocol}") is no connection`, async () => {
    class Other extends FakeSocket {
      protocol = protocol
    }
    const promise = connect(URL, { app: 'game', name: 'ada', WebSocket: Other })

    await assert.rejects(promise, { reason: 'closed', message: /1002/ })
    assert.deepEqual(FakeSocket.newest.sent, [])
  })
}
