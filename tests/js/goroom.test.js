import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'

import { connect, GoroomError, open } from '../../goroom/static/goroom.js'
import { FakeSocket, turn } from './fake_socket.js'
import {
  answer, AWAY, BACK, cleanUp, event, heard, JOIN_ROOM, joined, LEAVE_ROOM, loggedIn, LOGIN, LOGOUT, MESSAGE,
  ROOM_ADD, ROOM_REMOVE, ROOM_UPDATE, SUBSCRIBE, UNSUBSCRIBE, URL,
} from './game.js'

afterEach(cleanUp)

test('a login asks for short frames and sends name and credentials', async () => {
  const credentials = async () => ({ ticket: 't', username: 'mallory' })
  const { app, socket } = await loggedIn({ credentials })

  assert.equal(socket.protocol, 'goroom.json')
  assert.deepEqual(socket.sent[0], {
    appName: 'game', eventType: LOGIN, id: 1, data: { ticket: 't', username: 'ada', resume: true },
  })
  assert.deepEqual([app.name, app.user, app.userId, app.state], ['game', 'ada', 'u1', 'open'])
})

test('an address of http becomes one of a WebSocket without its fragment', async () => {
  await open('https://example.org/games?x=1#top', { WebSocket: FakeSocket })

  assert.equal(FakeSocket.newest.url, 'wss://example.org/games?x=1')
})

test('a refused login rejects with what the server said and closes the socket', async () => {
  const promise = connect(URL, { app: 'game', name: 'ada', WebSocket: FakeSocket })
  const socket = FakeSocket.newest
  const { id } = await socket.next()
  const error = { code: 4, message: 'User already logged in to app', reason: 'already_logged_in' }
  socket.receive({ eventType: LOGIN, appName: 'game', id, code: 500, error })

  await assert.rejects(promise, (caught) => {
    assert.ok(caught instanceof GoroomError)
    assert.deepEqual([caught.code, caught.reason, caught.message], [4, error.reason, error.message])
    return true
  })
  assert.equal(socket.closedWith, 1000)
})

test('a connection that is refused rejects', async () => {
  const promise = open(URL, { WebSocket: FakeSocket })
  FakeSocket.newest.lose(1006)

  await assert.rejects(promise, { reason: 'closed', message: `No connection to ${URL} (1006)` })
})

test('an endpoint of one application is never sent the name of an application', async () => {
  const promise = connect(URL, { name: 'ada', WebSocket: FakeSocket })
  const socket = FakeSocket.newest
  const { id } = await socket.next()
  socket.receive({ eventType: LOGIN, id, data: { appName: 'game', userName: 'ada' } })
  const app = await promise
  const said = heard((listener) => app.onMessage('hint', listener))
  await turn()
  socket.receive({ eventType: MESSAGE, action: 'hint', data: { square: 1 }, seq: 1 })

  assert.equal(app.name, 'game')
  assert.equal('appName' in socket.sent[0], false)
  assert.deepEqual(said, [[{ square: 1 }, '', 'hint']])
})

test('what comes with the reply to a login is heard by listeners added after it', async () => {
  const behind = { eventType: MESSAGE, appName: 'game', action: 'welcome', seq: 0, sub: 1 }
  const { app } = await loggedIn({}, behind)
  const said = heard((listener) => app.onMessage('welcome', listener))
  await turn()

  assert.deepEqual(said, [[{}, '', 'welcome']])
})

test('what comes with the reply to a join is heard by listeners added after it', async () => {
  const move = event(MESSAGE, { action: 'move', sender: 'bob', data: { square: 4 }, seq: 3 })
  const { room } = await joined(move)
  const moves = heard((listener) => room.on('move', listener))

  assert.deepEqual(moves, [])
  await turn()
  assert.deepEqual(moves, [[{ square: 4 }, 'bob', 'move']])
})

test('frames that wait behind a join keep their order, the loss among them', async () => {
  const { app, socket, room } = await joined(event(MESSAGE, { action: 'one', seq: 3 }))
  const order = heard((listener) => room.on('*', (data, from, action) => listener(action)))
  app.on('drop', () => order.push('drop'))
  socket.receive(event(MESSAGE, { action: 'two', seq: 4 }))
  socket.lose()

  assert.deepEqual(order, [])
  await turn()
  assert.deepEqual(order, ['one', 'two', 'drop'])
})

test('two joins answered in one turn both keep what follows them', async () => {
  const { app, socket } = await loggedIn()
  const first = app.join('table-1')
  const second = app.join('table-2')
  const ids = [(await socket.next()).id, (await socket.next()).id]
  const other = { ...answer(ids[1]), roomName: 'table-2' }
  other.data.roomName = 'table-2'
  socket.receive(
    answer(ids[0]), event(MESSAGE, { action: 'a', seq: 3 }),
    other, { ...event(MESSAGE, { action: 'b', seq: 3 }), roomName: 'table-2' },
  )
  const inFirst = first.then((room) => heard((listener) => room.on('a', listener)))
  const inSecond = second.then((room) => heard((listener) => room.on('b', listener)))
  await second
  await turn()

  assert.equal((await inFirst).length, 1)
  assert.equal((await inSecond).length, 1)
})

test('an event that was heard is not heard again', async () => {
  const { socket, room } = await joined()
  await turn()
  const moves = heard((listener) => room.on('move', (data) => listener(data.n)))
  const move = (seq, sub, n) => event(MESSAGE, { action: 'move', data: { n }, seq, sub })
  socket.receive(move(3, undefined, 1), move(3, undefined, 1), move(3, 1, 2), move(3, 1, 2))
  socket.receive(move(2, 9, 0), move(3, 4, 3), move(4, undefined, 4), move(undefined, undefined, 5))

  assert.deepEqual(moves, [1, 2, 3, 4, 5])
  assert.deepEqual([room.epoch, room.seq, room.sub], ['r', 4, 0])
})

test('a room knows who is in it and what it is', async () => {
  const { room, app } = await joined()

  assert.deepEqual([...room.members], [['bob', { away: false }], ['ada', { away: false }]])
  assert.deepEqual([room.name, room.kind, room.capacity, room.count], ['table-1', 'table', 2, 2])
  assert.deepEqual([room.maker, room.properties], ['bob', { phase: 'playing' }])
  assert.equal(app.joined.get('table-1'), room)
})

test('members stay up to date and have changed when listeners hear of it', async () => {
  const { socket, room } = await joined()
  await turn()
  const seen = []
  for (const type of ['join', 'leave', 'away', 'back', 'update']) {
    room.onEvent(type, (happened) => seen.push([happened, room.count, room.members.get('bob')]))
  }
  socket.receive(
    event(AWAY, { sender: 'bob', seq: 3, data: { seconds: 30 } }),
    event(BACK, { sender: 'bob', seq: 4 }),
    event(LEAVE_ROOM, { sender: 'bob', seq: 5, data: { reason: 'left' } }),
    event(JOIN_ROOM, { sender: 'cleo', seq: 6 }),
    event(ROOM_UPDATE, { seq: 7, data: { roomName: 'table-1', appName: 'game', locked: true, capacity: 4, properties: { phase: 'over' } } }),
  )

  assert.deepEqual(seen, [
    [{ type: 'away', name: 'bob', seconds: 30 }, 2, { away: true }],
    [{ type: 'back', name: 'bob' }, 2, { away: false }],
    [{ type: 'leave', name: 'bob', reason: 'left', message: '' }, 1, undefined],
    [{ type: 'join', name: 'cleo' }, 2, undefined],
    [{ type: 'update', changes: { locked: true, capacity: 4, properties: { phase: 'over' } } }, 2, undefined],
  ])
  assert.deepEqual([room.locked, room.capacity, room.properties], [true, 4, { phase: 'over' }])
})

test('names from the wire cannot reach the prototype', async () => {
  const { socket, room } = await joined()
  await turn()
  socket.receive(event(JOIN_ROOM, { sender: '__proto__', seq: 3 }))
  socket.receive(event(MESSAGE, { action: '__proto__', seq: 4 }))

  assert.equal(room.members.has('__proto__'), true)
  assert.equal({}.away, undefined)
})

test('messages of an author never pass for events of the room', async () => {
  const { socket, room } = await joined()
  await turn()
  const events = []
  for (const type of ['join', 'leave', 'update', 'left']) room.onEvent(type, (it) => events.push(it))
  for (const action of ['join', 'leave', 'update', 'left']) socket.receive(event(MESSAGE, { action }))

  assert.deepEqual(events, [])
  assert.equal(room.hasLeft, false)
})

test('a request resolves to what its handler returned, after what it caused', async () => {
  const { socket, room } = await joined()
  await turn()
  const order = heard((listener) => room.on('board', () => listener('board')))
  const promise = room.request('move', { square: 4 }).then((score) => order.push(score))
  const { id, ...sent } = socket.sent.at(-1)
  socket.receive(event(MESSAGE, { action: 'board', seq: 3 }), event(MESSAGE, { id, data: { points: 1 } }))
  await promise

  assert.deepEqual(sent, { appName: 'game', roomName: 'table-1', eventType: MESSAGE, action: 'move', data: { square: 4 } })
  assert.deepEqual(order, ['board', { points: 1 }])
  assert.ok(room.app.latency > 0)
})

test('a refused request rejects with code, reason, message, field, action and room', async () => {
  const { socket, room } = await joined()
  await turn()
  const promise = room.request('move', { square: 9 })
  const { id } = socket.sent.at(-1)
  const error = { code: 21, message: 'must be below 9', reason: 'bad_request', field: 'square' }
  socket.receive(event(MESSAGE, { id, code: 500, error, data: { square: 9 } }))

  await assert.rejects(promise, { ...error, action: 'move', room: 'table-1', name: 'GoroomError' })
})

test('a refusal of what waits for no reply is heard by the application', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const refusals = heard((listener) => app.on('refused', listener))
  room.send('move', { square: 4 })
  const error = { code: 1001, message: 'That square is taken.', reason: 'illegal_move' }
  const { id } = socket.sent.at(-1)
  socket.receive(event(MESSAGE, { id, action: 'move', code: 500, error, data: { square: 4 } }))

  assert.equal(refusals.length, 1)
  assert.deepEqual([refusals[0].message, refusals[0].action, refusals[0].room], [error.message, 'move', 'table-1'])
})

test('ids rise by one per login and answers go to the login they are for', async () => {
  const { app, socket } = await loggedIn()
  const login = app.connection.login('chat', { name: 'ada' })
  const first = await socket.next()
  socket.receive({ eventType: LOGIN, appName: 'chat', id: first.id, data: { appName: 'chat', userName: 'ada' } })
  const chat = await login
  const promises = [app.request('a'), chat.request('b'), app.request('c')]
  const sent = socket.sent.slice(-3)
  await turn()
  socket.receive({ eventType: MESSAGE, appName: 'chat', id: 2, data: 'chat' })
  socket.receive({ eventType: MESSAGE, appName: 'game', id: 3, data: 'second' })
  socket.receive({ eventType: MESSAGE, appName: 'game', id: 2, data: 'first' })

  assert.deepEqual(sent.map(({ appName, id }) => [appName, id]), [['game', 2], ['chat', 2], ['game', 3]])
  assert.deepEqual(await Promise.all(promises), ['first', 'chat', 'second'])
})

test('a second login to one application over one connection is an error', async () => {
  const { app } = await loggedIn()

  await assert.rejects(app.connection.login('game', { name: 'eve' }), /already logged in to game/)
})

test('an answer in the full form is understood', async () => {
  const { socket, room } = await joined()
  await turn()
  const promise = room.request('score')
  const { id } = socket.sent.at(-1)
  socket.receive(event(MESSAGE, { id, code: 200, error: { code: 0, message: '' }, data: 7 }))

  assert.equal(await promise, 7)
})

test('off, once and signals take listeners away', async () => {
  const { socket, room } = await joined()
  await turn()
  const abort = new AbortController()
  const calls = []
  const off = room.on('x', () => calls.push('on'))
  room.once('x', () => calls.push('once'))
  room.on('x', () => calls.push('signal'), { signal: abort.signal })
  room.on('x', () => calls.push('never'), { signal: AbortSignal.abort() })
  socket.receive(event(MESSAGE, { action: 'x' }))
  off()
  abort.abort()
  socket.receive(event(MESSAGE, { action: 'x' }))

  assert.deepEqual(calls, ['on', 'once', 'signal'])
})

test('a listener that another one took away is not called any more', async () => {
  const { socket, room } = await joined()
  await turn()
  const calls = []
  room.on('x', () => off())
  const off = room.on('x', () => calls.push('taken away'))
  socket.receive(event(MESSAGE, { action: 'x' }))

  assert.deepEqual(calls, [])
})

test('a listener that throws stops no other and is reported', async () => {
  const { socket, room } = await joined()
  await turn()
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const reported = new Promise((resolve) => process.once('uncaughtException', resolve))
  const calls = []
  room.on('x', () => { throw new Error('mine') })
  room.on('x', () => calls.push('second'))
  socket.receive(event(MESSAGE, { action: 'x' }))
  const error = await reported
  for (const listener of before) process.on('uncaughtException', listener)

  assert.equal(error.message, 'mine')
  assert.deepEqual(calls, ['second'])
})

test('an application refuses listeners for what it does not tell', async () => {
  const { app } = await loggedIn()

  assert.throws(() => app.on('announcement', () => {}), /heard by onMessage/)
  assert.throws(() => app.on('close', undefined), TypeError)
})

test('a loop over a room sees its events in order and ends when the room is left', async () => {
  const { socket, room } = await joined(event(MESSAGE, { action: 'a', data: 1, sender: 'bob', seq: 3 }))
  const events = []
  const loop = (async () => {
    for await (const happened of room) events.push(happened)
  })()
  await turn()
  socket.receive(
    event(JOIN_ROOM, { sender: 'cleo', seq: 4 }),
    event(LEAVE_ROOM, { seq: 5, data: { reason: 'kicked', message: 'too slow' } }),
  )
  await loop

  assert.deepEqual(events, [
    { type: 'message', action: 'a', data: 1, from: 'bob' },
    { type: 'join', name: 'cleo' },
    { type: 'left', reason: 'kicked', message: 'too slow' },
  ])
  assert.deepEqual([room.hasLeft, room.app.joined.size], [true, 0])
  for await (const happened of room) assert.fail(happened.type)
})

test('a loop that does not come round fails, and one that was left hears no more', async () => {
  const { socket, room } = await joined()
  await turn()
  const slow = room[Symbol.asyncIterator]()
  for (let n = 0; n <= 1001; n += 1) socket.receive(event(MESSAGE, { action: 'x', data: n }))
  const left = room[Symbol.asyncIterator]()
  const waiting = left.next()
  await left.return()

  await assert.rejects(slow.next(), { reason: 'overflow' })
  assert.deepEqual(await waiting, { value: undefined, done: true })
})

test('leaving waits for the reply, which ends the stay', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const left = heard((listener) => room.onEvent('left', listener))
  const promise = room.leave()
  const { id, eventType, roomName } = socket.sent.at(-1)
  assert.deepEqual([eventType, roomName, room.hasLeft], [LEAVE_ROOM, 'table-1', false])
  socket.receive(event(LEAVE_ROOM, { id, data: { reason: 'left' } }))
  await promise

  assert.deepEqual(left, [{ type: 'left', reason: 'left', message: '' }])
  assert.equal(app.joined.has('table-1'), false)
})

test('a stay that is over is no way into the next one', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const leave = room.leave()
  socket.receive(event(LEAVE_ROOM, { id: socket.sent.at(-1).id, data: { reason: 'left' } }))
  await leave
  const join = app.join('table-1')
  socket.receive(answer(socket.sent.at(-1).id))
  const next = await join
  const { length } = socket.sent
  await room.leave()
  assert.throws(() => room.send('x'), { name: 'GoroomError', code: 9, reason: 'not_in_room' })
  assert.throws(() => room.send('x', 1, { volatile: true }), { reason: 'not_in_room' })
  await assert.rejects(room.request('x'), { name: 'GoroomError', code: 9, reason: 'not_in_room' })

  assert.equal(socket.sent.length, length)
  assert.equal(next.hasLeft, false)
})

test('a room of a login that is over says so, and leaving it is done', async () => {
  const { app, room } = await joined()
  app.close()
  await room.leave()

  assert.throws(() => room.send('x'), { reason: 'closed' })
  await assert.rejects(room.request('x'), { reason: 'closed' })
})

test('a user whom the server puts into a room hears of it and of all that follows', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const moves = []
  app.on('join', (room) => room.on('move', (data) => moves.push([room.name, data])))
  socket.receive(answer(undefined), event(MESSAGE, { action: 'move', data: 4, seq: 3 }))

  assert.deepEqual(moves, [['table-1', 4]])
})

test('rooms of an earlier login of the user are there at once', async () => {
  const promise = connect(URL, { app: 'game', name: 'ada', WebSocket: FakeSocket })
  const socket = FakeSocket.newest
  const { id } = await socket.next()
  const rooms = [answer().data]
  socket.receive({ eventType: LOGIN, appName: 'game', id, data: { appName: 'game', userName: 'ada', rooms } })
  const app = await promise

  assert.deepEqual([...app.joined.keys()], ['table-1'])
})

test('rooms are asked for by kind, by name and by both', async () => {
  const { app, socket } = await loggedIn()
  const ignore = (promise) => promise.catch(() => {})
  ignore(app.joinOrCreate('table', { capacity: 2 }))
  ignore(app.joinOrCreate('table', { name: 'mine' }))
  ignore(app.create('table', { name: 'mine', password: 'p' }))
  ignore(app.join('mine', { password: 'p' }))
  ignore(app.watch('mine'))

  assert.deepEqual(socket.sent.slice(1).map(({ appName, id, ...frame }) => frame), [
    { eventType: JOIN_ROOM, data: { capacity: 2, kind: 'table', create: 'if_missing' } },
    { eventType: JOIN_ROOM, roomName: 'mine', data: { kind: 'table', create: 'if_missing' } },
    { eventType: JOIN_ROOM, roomName: 'mine', data: { password: 'p', kind: 'table', create: true } },
    { eventType: JOIN_ROOM, roomName: 'mine', data: { password: 'p' } },
    { eventType: SUBSCRIBE, roomName: 'mine' },
  ])
})

test('a watched room that is joined is the same object, then a member', async () => {
  const { app, socket } = await loggedIn()
  const watch = app.watch('table-1')
  socket.receive({ ...answer((await socket.next()).id), eventType: SUBSCRIBE })
  const watched = await watch
  assert.equal(watched.watching, true)
  const join = app.join('table-1')
  await turn()
  socket.receive(answer((await socket.next()).id))
  const room = await join

  assert.equal(room, watched)
  assert.equal(room.watching, false)
})

test('who watches stops by unsubscribing', async () => {
  const { app, socket } = await loggedIn()
  const watch = app.watch('table-1')
  socket.receive({ ...answer((await socket.next()).id), eventType: SUBSCRIBE })
  const room = await watch
  await turn()
  const left = room.leave()
  const { id, eventType } = await socket.next()
  socket.receive(event(UNSUBSCRIBE, { id }))
  await left

  assert.equal(eventType, UNSUBSCRIBE)
  assert.equal(room.hasLeft, true)
})

/** Watch the list of rooms; return the lists heard. */
async function watching(app, socket, options) {
  const lists = []
  const promise = app.watchRooms((rooms) => lists.push(rooms.map((room) => [room.name, room.count])), options)
  await turn()
  const { id } = socket.sent.at(-1)
  socket.receive({ eventType: SUBSCRIBE, appName: 'game', id, data: { rooms: [{ roomName: 'one', count: 1 }] } })
  const off = await promise
  await turn()
  return { lists, off }
}

test('the list of rooms is live, in the order of their making', async () => {
  const { app, socket } = await loggedIn()
  const { lists } = await watching(app, socket)
  const change = (eventType, data) => socket.receive({ eventType, appName: 'game', data })
  change(ROOM_ADD, { roomName: 'two', count: 0 })
  change(ROOM_UPDATE, { roomName: 'one', count: 2 })
  change(ROOM_UPDATE, { roomName: 'hidden', count: 2 })
  change(ROOM_REMOVE, { roomName: 'one' })

  assert.deepEqual(lists.filter((list, n) => n === 0 || String(list) !== String(lists[n - 1])), [
    [['one', 1]],
    [['one', 1], ['two', 0]],
    [['one', 2], ['two', 0]],
    [['two', 0]],
  ])
})

test('several watchers of the list share one subscription, which ends with the last', async () => {
  const { app, socket } = await loggedIn()
  const { lists, off } = await watching(app, socket)
  const abort = new AbortController()
  const more = []
  await app.watchRooms((rooms) => more.push(rooms.length), { signal: abort.signal })
  socket.receive({ eventType: ROOM_ADD, appName: 'game', data: { roomName: 'two', count: 0 } })
  off()
  off()
  const types = () => socket.sent.slice(1).map(({ eventType }) => eventType)
  assert.deepEqual(types(), [SUBSCRIBE])
  abort.abort()

  assert.deepEqual(types(), [SUBSCRIBE, UNSUBSCRIBE])
  assert.deepEqual([lists.length, more], [2, [1, 2]])
})

test('the list can be had once', async () => {
  const { app, socket } = await loggedIn()
  const promise = app.rooms()
  await turn()
  const { id } = socket.sent.at(-1)
  socket.receive({ eventType: SUBSCRIBE, appName: 'game', id, data: { rooms: [{ roomName: 'one' }] } })

  assert.deepEqual(await promise, [{ name: 'one' }])
  assert.equal(socket.sent.at(-1).eventType, UNSUBSCRIBE)
})

test('a watcher whose signal aborts before the first list is unsubscribed', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const abort = new AbortController()
  const promise = app.watchRooms(() => {}, { signal: abort.signal })
  const { id } = await socket.next()
  abort.abort(new Error('enough'))
  await assert.rejects(promise, /enough/)
  socket.receive({ eventType: SUBSCRIBE, appName: 'game', id, data: { appName: 'game', rooms: [] } })

  assert.deepEqual(socket.sent.slice(2).map(({ eventType }) => eventType), [UNSUBSCRIBE])
})

test('a join that is aborted leaves the room when the reply comes', async () => {
  const { app, socket } = await loggedIn()
  const abort = new AbortController()
  const promise = app.join('table-1', { signal: abort.signal })
  const { id } = await socket.next()
  abort.abort(new Error('enough'))
  await assert.rejects(promise, /enough/)
  await turn()
  socket.receive(answer(id))

  const { eventType, roomName } = socket.sent.at(-1)
  assert.deepEqual([eventType, roomName], [LEAVE_ROOM, 'table-1'])
  assert.equal(app.joined.size, 0)
})

test('a request whose signal has aborted is not sent', async () => {
  const { app, socket } = await loggedIn()

  await assert.rejects(app.request('x', {}, { signal: AbortSignal.abort(new Error('late')) }), /late/)
  assert.equal(socket.sent.length, 1)
})

test('connecting ends when its signal aborts, before and after the socket is open', async () => {
  for (const wait of [async () => {}, turn]) {
    const abort = new AbortController()
    const promise = connect(URL, { app: 'game', name: 'ada', WebSocket: FakeSocket, signal: abort.signal })
    const outcome = assert.rejects(promise, /enough/)
    const socket = FakeSocket.newest
    await wait()
    abort.abort(new Error('enough'))
    await outcome
    assert.ok('closedWith' in socket)
  }
})

test('a link that is not to come back ends what waits, the rooms and the login', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const order = []
  room.onEvent('left', ({ reason }) => order.push(reason))
  app.on('close', (close) => order.push(close))
  const promise = room.request('move')
  socket.lose(4503, 'banned')

  await assert.rejects(promise, { reason: 'closed', message: 'The connection is closed (4503 banned)' })
  assert.deepEqual(order, ['disconnected', { code: 4503, reason: 'banned' }])
  assert.deepEqual([app.state, app.connection.state], ['closed', 'closed'])
  assert.throws(() => room.send('move'), GoroomError)
})

test('closing tells every login at once and hears nothing more', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const moves = heard((listener) => room.on('move', listener))
  const closes = heard((listener) => app.on('close', listener))
  app.close()
  socket.receive(event(MESSAGE, { action: 'move', seq: 3 }))
  socket.lose(1000)

  assert.deepEqual(closes, [{ code: 1000, reason: 'closed' }])
  assert.deepEqual(moves, [])
  assert.equal(socket.closedWith, 1000)
})

test('logging out ends this login and leaves the connection to others', async () => {
  const { app, socket } = await loggedIn()
  const closes = heard((listener) => app.on('close', listener))
  const promise = app.logout()
  const { id } = await socket.next()
  await turn()
  socket.receive({ eventType: LOGOUT, appName: 'game', id })
  await promise

  assert.deepEqual(closes, [{ code: 1000, reason: 'logged_out' }])
  assert.equal(app.connection.state, 'open')
  await assert.rejects(app.request('x'), { reason: 'closed' })
  const again = app.connection.login('game', { name: 'ada' })
  const login = await socket.next()
  socket.receive({ eventType: LOGIN, appName: 'game', id: login.id, data: { userName: 'ada' } })
  assert.equal((await again).user, 'ada')
})

test('an application that ends its part of the connection says why', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const closes = heard((listener) => app.on('close', listener))
  socket.receive({ eventType: 2, appName: 'game', code: 4503, error: { code: 4503, message: 'banned' } })

  assert.deepEqual(closes, [{ code: 4503, reason: 'banned' }])
  assert.equal(app.connection.state, 'open')
})
