/** A lost link, before a scripted server: what comes back, and what is said where it does not. */

import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'

import { connect, GoroomError } from '../../goroom/static/goroom.js'
import { FakeSocket, turn } from './fake_socket.js'
import {
  answer, AWAY, BACK, cleanUp, dropped, event, heard, JOIN_APP, JOIN_ROOM, joined, LEAVE_ROOM, loggedIn, LOGIN,
  LOGOUT, MESSAGE, RECONNECT, refused, resumed, ROOM_ADD, SUBSCRIBE, URL,
} from './game.js'

afterEach(cleanUp)

/** The place of the room of `answer`, as a resume says it. */
const AT = { 'table-1': { epoch: 'r', seq: 9, sub: 0 } }

/** What a login answers that comes after a token was refused. */
const loggedInAgain = ({ id }) => ({
  eventType: LOGIN, appName: 'game', id,
  data: { appName: 'game', userName: 'ada', userId: 'u2', token: 'T9', epoch: 'f', seq: 7, sub: 0, rooms: [] },
})

/** Note what becomes of a login and of a room, as words. */
function noted(app, room) {
  const notes = []
  for (const type of ['drop', 'resume', 'close']) app.on(type, () => notes.push(type))
  app.on('reset', (reset) => notes.push(`reset ${reset.room?.name ?? '-'} ${reset.reason}`))
  app.on('join', ({ name }) => notes.push(`join ${name}`))
  room?.on('*', (data, from, action) => notes.push(action))
  for (const type of ['join', 'leave', 'away', 'back']) room?.onEvent(type, ({ name }) => notes.push(`${type} ${name}`))
  room?.onEvent('reset', ({ reason }) => notes.push(`room reset ${reason}`))
  room?.onEvent('left', ({ reason }) => notes.push(`left ${reason}`))
  return notes
}

const move = (seq, sub, action = 'move') => event(MESSAGE, { action, seq, sub })

test('a lost link is resumed from the places that the client has come to', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const notes = noted(app, room)
  socket.receive(move(3), move(3, 2, 'hint'), { eventType: MESSAGE, appName: 'game', action: 'told', seq: 4, sub: 1 })
  const drops = heard((listener) => app.on('drop', listener))
  socket.lose(1006, 'gone')
  assert.deepEqual([app.state, app.connection.state], ['suspended', 'suspended'])
  const next = await socket.successor()
  const { id, data: { attempt, ...data }, ...frame } = await next.next()

  assert.deepEqual(drops, [{ code: 1006, reason: 'gone' }])
  assert.deepEqual(frame, { eventType: RECONNECT, appName: 'game' })
  assert.ok(attempt.length >= 16)
  assert.deepEqual(data, {
    token: 'T1', app: { epoch: 'e', seq: 4, sub: 1 }, rooms: { 'table-1': { epoch: 'r', seq: 3, sub: 2 } },
  })
  next.receive(resumed({ id }, AT), move(3, 2, 'hint'), move(4), move(5, 1, 'hint'))
  assert.equal(app.state, 'open')
  assert.deepEqual(notes, ['move', 'hint', 'drop', 'resume', 'move', 'hint'])
  assert.deepEqual([room.seq, room.sub, app.joined.get('table-1')], [5, 1, room])
})

test('without de-duplication what was heard is heard again', async () => {
  const { app, socket, room } = await joined(move(3))
  await turn()
  app.connection._deduplicates = false
  const notes = noted(app, room)
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, AT), move(3))

  assert.deepEqual(notes, ['drop', 'resume', 'move'])
})

test('a link is resumed before anything came, and ten times in a row, each time with the newest token', async () => {
  let { app, socket } = await loggedIn()
  await turn()
  const notes = noted(app)
  const tokens = []
  const attempts = new Set()
  for (let n = 0; n < 10; n += 1) {
    const { next, asked } = await dropped(socket)
    tokens.push(asked.data.token)
    attempts.add(asked.data.attempt)
    const reply = resumed(asked)
    reply.data.token = `T${n + 2}`
    next.receive(reply)
    socket = next
  }

  assert.deepEqual(tokens, Array.from({ length: 10 }, (_, n) => `T${n + 1}`))
  assert.equal(attempts.size, 10)
  assert.deepEqual(notes, Array(10).fill(['drop', 'resume']).flat())
})

test('a try to resume that gets no answer is made again as the same attempt', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const notes = noted(app)
  const first = await dropped(socket)
  const second = await dropped(first.next)
  second.next.receive(resumed(second.asked))

  assert.deepEqual(second.asked.data, first.asked.data)
  assert.deepEqual(notes, ['drop', 'resume'])
})

test('what an older socket still says is not heard', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const notes = noted(app, room)
  const { next, asked } = await dropped(socket)
  socket.receive(move(3))
  next.receive(resumed(asked, AT))
  socket.lose()

  assert.deepEqual(notes, ['drop', 'resume'])
  assert.equal(app.state, 'open')
})

for (const code of [1000, 1001, 1006, 4010, 4499, 5000]) {
  test(`a link closed with ${code} comes back`, async () => {
    const { app, socket } = await loggedIn()
    await turn()
    const { asked } = await dropped(socket, code)

    assert.equal(asked.eventType, RECONNECT)
    assert.equal(app.state, 'suspended')
  })
}

for (const code of [4500, 4509, 4999]) {
  test(`a link closed with ${code} does not come back`, async () => {
    const { app, socket } = await loggedIn()
    await turn()
    const closes = heard((listener) => app.on('close', listener))
    socket.lose(code, 'why')

    assert.deepEqual(closes, [{ code, reason: 'why' }])
    assert.deepEqual([app.state, app.connection.state], ['closed', 'closed'])
  })
}

test('an end of one login that is not for good is a lost link', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const notes = noted(app)
  socket.receive({ eventType: 2, appName: 'game', code: 4100, error: { code: 4100, message: 'later' } })
  const next = await socket.successor()

  assert.equal((await next.next()).eventType, RECONNECT)
  assert.deepEqual(notes, ['drop'])
})

test('a connection on which nobody is logged in is not restored', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const promise = app.logout()
  socket.receive({ eventType: LOGOUT, appName: 'game', id: (await socket.next()).id })
  await promise
  socket.lose(4001)

  assert.equal(app.connection.state, 'closed')
})

test('a login that is not to be resumed ends with its link', async () => {
  const { app, socket } = await loggedIn({ resume: false })
  await turn()
  const closes = heard((listener) => app.on('close', listener))
  socket.lose(1006)

  assert.equal('resume' in socket.sent[0].data, false)
  assert.deepEqual(closes, [{ code: 1006, reason: '' }])
})

test('new tries wait a random time that doubles from 200 ms to 10 s', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { socket } = await loggedIn({ backoff: undefined })
  await turn()
  t.mock.method(Math, 'random', () => 0.5)
  const waits = []
  FakeSocket.isReachable = false
  const lose = (current) => {
    current.lose()
    let ms = 0
    for (; FakeSocket.newest === current; ms += 1) mock.timers.tick(1)
    waits.push(ms)
  }
  lose(socket)
  for (let n = 0; n < 7; n += 1) lose(FakeSocket.newest)

  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000])
})

test('a socket that does not open in time is given up', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { socket } = await loggedIn({ heartbeat: { replyMs: 50 } })
  await turn()
  FakeSocket.isReachable = false
  socket.lose()
  mock.timers.tick(1)
  const second = FakeSocket.newest
  mock.timers.tick(50)

  assert.equal('closedWith' in second, true)
  mock.timers.tick(1)
  assert.notEqual(FakeSocket.newest, second)
})

/** Replace the browser's events; return a function that tells one. */
function browser(t) {
  const page = new EventTarget()
  page.visibilityState = 'visible'
  const before = globalThis.addEventListener
  globalThis.document = page
  globalThis.addEventListener = page.addEventListener.bind(page)
  t.after(() => {
    globalThis.addEventListener = before
    delete globalThis.document
  })
  return (name) => page.dispatchEvent(new Event(name))
}

for (const name of ['online', 'visibilitychange']) {
  test(`a new try is made at once on ${name}`, async (t) => {
    const tell = browser(t)
    const { app, socket } = await loggedIn({ backoff: { minMs: 1e6, maxMs: 1e6 } })
    await turn()
    socket.lose()
    assert.equal(FakeSocket.newest, socket)
    tell(name)
    const asked = await FakeSocket.newest.next()

    assert.equal(asked.eventType, RECONNECT)
    app.close()
    tell(name)
    assert.equal(FakeSocket.all.length, 2)
  })
}

test('a machine that goes offline has lost its link, and one that looks again asks for a word', async (t) => {
  const tell = browser(t)
  const { app, socket } = await loggedIn()
  await turn()
  tell('visibilitychange')
  assert.equal(socket.sent.at(-1).eventType, JOIN_APP)
  globalThis.document.visibilityState = 'hidden'
  tell('visibilitychange')
  assert.equal(socket.sent.length, 2)
  const drops = heard((listener) => app.on('drop', listener))
  tell('offline')

  assert.deepEqual(drops, [{ code: 1006, reason: 'offline' }])
  assert.equal('closedWith' in socket, true)
})

test('a quiet link is asked for a word, and lost where none comes', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const { app, socket } = await loggedIn({ backoff: undefined })
  await turn()
  const notes = noted(app)
  socket.receive({ eventType: MESSAGE, appName: 'game', action: 'x' })
  mock.timers.tick(14_999)
  assert.equal(socket.sent.length, 1)
  mock.timers.tick(1)
  const { id, ...probe } = socket.sent.at(-1)
  assert.deepEqual(probe, { eventType: JOIN_APP, appName: 'game' })
  socket.receive({ eventType: JOIN_APP, appName: 'game', id, data: { appName: 'game' } })
  mock.timers.tick(15_000)
  assert.equal(socket.sent.length, 3)
  mock.timers.tick(9_999)
  assert.deepEqual(notes, [])
  mock.timers.tick(1)
  assert.deepEqual(notes, ['drop'])
})

test('commands without an answer are sent again after a resume, with their ids and before newer ones', async () => {
  const { app, socket, room } = await joined()
  await turn()
  room.send('one')
  const answered = room.request('two')
  const promise = room.request('three', { n: 3 })
  const [first, second, third] = socket.sent.slice(-3)
  socket.receive(event(MESSAGE, { id: second.id, data: 'b' }))
  const { next, asked } = await dropped(socket)
  const late = room.request('four')
  assert.deepEqual(next.sent.length, 1)
  next.receive(resumed(asked, AT))

  assert.equal(await answered, 'b')
  assert.deepEqual(next.sent.slice(1, 3), [first, third])
  const [, , , fourth] = next.sent
  assert.deepEqual([fourth.action, fourth.id], ['four', asked.id + 1])
  next.receive(event(MESSAGE, { id: first.id }), event(MESSAGE, { id: third.id, data: 'c' }), event(MESSAGE, { id: fourth.id, data: 'd' }))
  assert.deepEqual(await Promise.all([promise, late]), ['c', 'd'])
})

test('an answer that comes twice is heard once', async () => {
  const { socket, room } = await joined()
  await turn()
  const messages = heard((listener) => room.on('*', listener))
  const promise = room.request('one')
  const reply = event(MESSAGE, { id: socket.sent.at(-1).id, data: 1 })
  socket.receive(reply, reply)

  assert.equal(await promise, 1)
  assert.deepEqual(messages, [])
})

test('what was done and is not known any more rejects a request and is no refusal of a send', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const refusals = heard((listener) => app.on('refused', listener))
  room.send('one')
  const promise = room.request('two')
  for (const asked of socket.sent.slice(-2)) socket.receive(refused(asked, 28, 'already_done'))

  await assert.rejects(promise, { code: 28 })
  assert.deepEqual(refusals, [])
})

test('64 commands wait for the link, and no more', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const { next, asked } = await dropped(socket)
  for (let n = 0; n < 63; n += 1) room.send('x', { n })
  const promise = room.request('last')
  assert.throws(() => room.send('x'), { reason: 'overflow', name: 'GoroomError' })
  await assert.rejects(app.request('x'), { reason: 'overflow' })
  next.receive(resumed(asked, AT))

  assert.equal(next.sent.length, 65)
  next.receive(event(MESSAGE, { id: next.sent.at(-1).id, data: 'done' }))
  assert.equal(await promise, 'done')
})

test('no more is asked than the server remembers the answers of', async () => {
  const { socket, room } = await joined()
  await turn()
  for (let n = 0; n < 66; n += 1) room.send('x', { n })
  const numbers = () => socket.sent.slice(2).map(({ data }) => data.n)
  assert.deepEqual(numbers(), Array.from({ length: 64 }, (_, n) => n))
  socket.receive(event(MESSAGE, { id: socket.sent[2].id }))

  assert.deepEqual(numbers(), Array.from({ length: 65 }, (_, n) => n))
})

test('a request that is aborted while it waits is never sent', async () => {
  const { socket, room } = await joined()
  await turn()
  const { next, asked } = await dropped(socket)
  const abort = new AbortController()
  const promise = room.request('x', {}, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(promise, /enough/)
  next.receive(resumed(asked, AT))

  assert.equal(next.sent.length, 1)
})

test('a volatile message has no id, and is lost while the link is', async () => {
  const { app, socket, room } = await joined()
  await turn()
  room.send('at', { x: 1 }, { volatile: true })
  app.send('typing', undefined, { volatile: true })
  assert.deepEqual(socket.sent.slice(-2), [
    { appName: 'game', eventType: MESSAGE, roomName: 'table-1', action: 'at', data: { x: 1 } },
    { appName: 'game', eventType: MESSAGE, action: 'typing' },
  ])
  const { next, asked } = await dropped(socket)
  for (let n = 0; n < 100; n += 1) room.send('at', { x: n }, { volatile: true })
  next.receive(resumed(asked, AT))
  assert.equal(next.sent.length, 1)
  app.close()
  assert.throws(() => room.send('at', { x: 1 }, { volatile: true }), GoroomError)
})

for (const reason of ['history', 'epoch']) {
  test(`a room that is reset for ${reason} takes the snapshot, then says so`, async () => {
    const { app, socket, room } = await joined()
    await turn()
    const notes = noted(app, room)
    const { next, asked } = await dropped(socket)
    const { data } = answer(0, { epoch: 'r2', members: ['ada', 'cleo', 'dan'], away: ['cleo', 'ada'], count: 3 })
    next.receive(resumed(asked, { 'table-1': { reset: reason, ...data, seq: 5, sub: 1 } }), move(5, 1), move(6))

    assert.deepEqual(notes, ['drop', 'resume', `reset table-1 ${reason}`, `room reset ${reason}`, 'move'])
    assert.deepEqual([room.epoch, room.seq, room.sub, room.count, room.watching], ['r2', 6, 0, 3, false])
    assert.deepEqual([...room.members], [['ada', { away: false }], ['cleo', { away: true }], ['dan', { away: false }]])
  })
}

test('who was kicked while away stays out', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const closes = heard((listener) => app.on('close', listener))
  const { next, asked } = await dropped(socket)
  next.receive(refused(asked, 30, 'kicked'))
  await turn()

  assert.deepEqual(closes, [{ code: 30, reason: 'kicked' }])
  assert.equal(next.sent.length, 1)
})

for (const reason of ['gone', 'kicked']) {
  test(`a room that is reset for ${reason} says so and ends`, async () => {
    const { app, socket, room } = await joined()
    await turn()
    const notes = noted(app, room)
    const { next, asked } = await dropped(socket)
    next.receive(resumed(asked, { 'table-1': { reset: reason } }))

    assert.deepEqual(notes, ['drop', 'resume', `reset table-1 ${reason}`, `room reset ${reason}`, `left ${reason}`])
    assert.equal(app.joined.size, 0)
  })
}

test('what was missed outside rooms is heard, or is said to be lost', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const notes = noted(app)
  const told = heard((listener) => app.onMessage('told', (data) => listener(data)))
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked), { eventType: MESSAGE, appName: 'game', action: 'told', data: 1, seq: 1 })
  const again = await dropped(next)
  assert.deepEqual(again.asked.data.app, { epoch: 'e', seq: 1, sub: 0 })
  again.next.receive(resumed(again.asked, {}, { reset: 'history', seq: 8 }))
  again.next.receive({ eventType: MESSAGE, appName: 'game', action: 'told', data: 2, seq: 8 })

  assert.deepEqual(told, [1])
  assert.deepEqual(notes, ['drop', 'resume', 'drop', 'resume', 'reset - history'])
  assert.equal(app.seq, 8)
})

test('a loop over a room goes on after a resume', async () => {
  const { socket, room } = await joined()
  await turn()
  const events = []
  const loop = (async () => {
    for await (const { type } of room) events.push(type)
  })()
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, AT), move(3), event(LEAVE_ROOM, { seq: 4, data: { reason: 'kicked' } }))
  await loop

  assert.deepEqual(events, ['message', 'left'])
})

test('one does not hear of oneself being away and back', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const notes = noted(app, room)
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, AT), event(AWAY, { sender: 'ada', seq: 3, data: { seconds: 30 } }), event(BACK, { sender: 'ada', seq: 4 }))
  next.receive(event(AWAY, { sender: 'bob', seq: 5, data: { seconds: 30 } }))

  assert.deepEqual(notes, ['drop', 'resume', 'away bob'])
  assert.deepEqual([room.seq, room.members.get('ada')], [5, { away: false }])
})

test('a room that the server chose meanwhile is heard of', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const rooms = []
  app.on('join', (room) => room.on('move', () => rooms.push(room.name)))
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, { 'table-1': { ...answer().data, seq: 2, sub: 0 } }), move(3))

  assert.deepEqual(rooms, ['table-1'])
})

test('a join whose answer was lost resolves with what came meanwhile', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const notes = noted(app)
  const promise = app.join('table-1')
  const { id } = await socket.next()
  const { next, asked } = await dropped(socket)
  next.receive(
    resumed(asked, { 'table-1': { ...answer(0, { members: ['bob', 'ada', 'cleo'] }).data, seq: 3, sub: 1 } }),
    move(3, 2), move(4), answer(id), move(5),
  )
  const room = await promise
  const moves = heard((listener) => room.on('move', () => listener(room.seq)))
  await turn()

  assert.deepEqual(moves, [3, 4, 5])
  assert.deepEqual([...room.members.keys()], ['bob', 'ada', 'cleo'])
  assert.deepEqual(notes, ['drop', 'resume'])
})

test('a room that came with a resume may have been missed in part', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const notes = noted(app)
  const promise = app.join('table-1')
  const { id } = await socket.next()
  const { next, asked } = await dropped(socket)
  const { data } = answer()
  next.receive(resumed(asked, { 'table-1': { ...data, seq: 9, sub: 0, reset: 'history' } }), move(10), answer(id))
  await promise
  await turn()
  const { next: last, asked: again } = await dropped(next)
  last.receive(resumed(again, { 'table-2': { ...data, roomName: 'table-2', seq: 9, sub: 0, reset: 'history' } }))

  assert.deepEqual(notes, ['drop', 'resume', 'reset table-1 history', 'drop', 'resume', 'join table-2', 'reset table-2 history'])
})

test('the room itself says that it has been missed in part', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const promise = app.join('table-1')
  const { id } = await socket.next()
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, { 'table-1': { ...answer().data, seq: 9, sub: 0, reset: 'history' } }), move(10), answer(id))
  const notes = noted(app, await promise)
  await turn()

  assert.deepEqual(notes, ['reset table-1 history', 'room reset history', 'move'])
})

test('nothing but the question to resume is sent before its answer', async (t) => {
  const tell = browser(t)
  const { app, socket } = await loggedIn({ heartbeat: { replyMs: 20 } })
  await turn()
  const { next } = await dropped(socket)
  tell('visibilitychange')
  app.send('x')
  const last = await next.successor()

  assert.equal(next.sent.length, 1)
  assert.equal((await last.next()).eventType, RECONNECT)
})

test('a room that came with a resume is no answer to a join that is refused', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const notes = noted(app)
  app.on('join', (room) => room.on('move', () => notes.push('move')))
  const promise = app.join('table-2')
  const join = await socket.next()
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, { 'table-1': { ...answer().data, seq: 2, sub: 0 } }), move(3))
  assert.deepEqual(notes, ['drop', 'resume'])
  next.receive(refused(join, 7, 'room_not_found'))

  await assert.rejects(promise, { code: 7 })
  assert.deepEqual(notes, ['drop', 'resume', 'join table-1', 'move'])
})

test('an older answer to a join does not set the room back', async () => {
  const { app, socket, room } = await joined(move(3))
  await turn()
  const promise = app.join('table-1')
  socket.receive(answer((await socket.next()).id, { members: ['bob'] }))

  assert.equal(await promise, room)
  assert.deepEqual([room.seq, room.members.size], [3, 2])
})

test('a leave whose answer was lost is no reset', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const notes = noted(app, room)
  const promise = room.leave()
  const { id } = await socket.next()
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, { 'table-1': { reset: 'kicked' } }), event(LEAVE_ROOM, { id }))
  await promise

  assert.deepEqual(notes, ['drop', 'resume', 'left left'])
})

test('a leave of a room that has gone meanwhile has left', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const { next, asked } = await dropped(socket)
  const promise = room.leave()
  next.receive(resumed(asked, { 'table-1': { reset: 'gone' } }))
  await turn()
  next.receive(refused(next.sent.at(-1), 7, 'room_not_found'))
  await promise

  assert.equal(room.hasLeft, true)
})

test('the list of rooms is asked for again, as it has no places', async () => {
  const { app, socket } = await loggedIn()
  const lists = []
  const promise = app.watchRooms((rooms) => lists.push(rooms.map(({ name }) => name).join()))
  await turn()
  socket.receive({ eventType: SUBSCRIBE, appName: 'game', id: (await socket.next()).id, data: { rooms: [{ roomName: 'one' }] } })
  await promise
  await turn()
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked))
  const { id, eventType } = await next.next()
  next.receive({ eventType, appName: 'game', id, data: { rooms: [{ roomName: 'two' }] } })
  next.receive({ eventType: ROOM_ADD, appName: 'game', data: { roomName: 'three' } })

  assert.equal(eventType, SUBSCRIBE)
  assert.deepEqual(lists, ['one', 'two', 'two,three'])
})

// -- where the server does not know the login any more --------------------------------------

test('a token that is not known any more is a login and joins, in the ways of before', async () => {
  let calls = 0
  const credentials = async () => ({ ticket: calls += 1 })
  const { app, socket } = await loggedIn({ credentials })
  const rooms = []
  const enter = async (promise, name, eventType = JOIN_ROOM) => {
    const { id } = await socket.next()
    socket.receive({ ...answer(id), eventType, roomName: name, data: { ...answer().data, roomName: name } })
    rooms.push(await promise)
    await turn()
  }
  await enter(app.join('named', { password: 'p' }), 'named')
  await enter(app.joinOrCreate('table', { capacity: 2 }), 'table-1')
  await enter(app.create('table', { name: 'mine', password: 'q' }), 'mine')
  await enter(app.watch('seen'), 'seen', SUBSCRIBE)
  const notes = noted(app)
  const { next, asked } = await dropped(socket)
  next.receive(refused(asked, 30, 'unknown_token'))
  const login = await next.next()
  assert.deepEqual(login, { appName: 'game', eventType: LOGIN, id: asked.id + 1, data: { ticket: 2, username: 'ada', resume: true } })
  next.receive(loggedInAgain(login))

  const joins = next.sent.slice(2)
  assert.deepEqual(joins.map(({ appName, id, ...frame }) => frame), [
    { eventType: JOIN_ROOM, roomName: 'named', data: { password: 'p' } },
    { eventType: JOIN_ROOM, roomName: 'table-1', data: { capacity: 2, kind: 'table', create: 'if_missing' } },
    { eventType: JOIN_ROOM, roomName: 'mine', data: { password: 'q', kind: 'table', create: 'if_missing' } },
    { eventType: SUBSCRIBE, roomName: 'seen', data: {} },
  ])
  assert.deepEqual([app.state, app.userId, app.epoch, app.seq], ['open', 'u2', 'f', 7])
  assert.deepEqual(notes, ['drop', 'resume', 'reset - epoch'])
  for (const { id, roomName } of joins.slice(0, 3)) {
    next.receive({ ...answer(id, { roomName, epoch: `${roomName}-2` }), roomName, seq: 1 })
  }
  next.receive(refused(joins[3], 7, 'room_not_found'))
  assert.deepEqual(notes.slice(3), ['reset named epoch', 'reset table-1 epoch', 'reset mine epoch', 'reset seen gone'])
  assert.deepEqual([...app.joined.values()], rooms.slice(0, 3))
  assert.deepEqual([rooms[0].epoch, rooms[0].seq, rooms[3].hasLeft], ['named-2', 1, true])
})

test('what was sent on a login that is lost fails, and what waited is sent on the next', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const refusals = heard((listener) => app.on('refused', ({ reason, action }) => listener(`${reason} ${action}`)))
  room.send('sent')
  const sent = room.request('asked')
  const { next, asked } = await dropped(socket)
  const waiting = room.request('waiting')
  next.receive(refused(asked, 30, 'unknown_token'))
  await assert.rejects(sent, { reason: 'lost', action: 'asked', room: 'table-1', code: 0 })
  next.receive(loggedInAgain(await next.next()))

  assert.deepEqual(refusals, ['lost sent'])
  const [join, command] = next.sent.slice(2)
  assert.deepEqual([join.eventType, command.action], [JOIN_ROOM, 'waiting'])
  assert.ok(command.id > join.id)
  next.receive(answer(join.id, { epoch: 'r2' }), event(MESSAGE, { id: command.id, data: 1 }))
  assert.equal(await waiting, 1)
  const last = await dropped(next)
  last.next.receive(resumed(last.asked, AT))
  assert.equal(last.next.sent.length, 1)
})

test('a login that is lost while its rooms are joined again keeps them', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const first = await dropped(socket)
  first.next.receive(refused(first.asked, 30, 'unknown_token'))
  first.next.receive(loggedInAgain(await first.next.next()))
  const second = await dropped(first.next)
  second.next.receive(refused(second.asked, 30, 'unknown_token'))
  second.next.receive(loggedInAgain(await second.next.next()))
  const { id } = second.next.sent.at(-1)
  second.next.receive(answer(id, { epoch: 'r3' }))

  assert.deepEqual([app.joined.get('table-1'), room.epoch, room.hasLeft], [room, 'r3', false])
})

for (const outcome of ['resumed', 'not resumed']) {
  test(`a room that came with a resume and is not there at the next, ${outcome}, was never joined`, async () => {
    const { app, socket } = await loggedIn()
    await turn()
    const notes = noted(app)
    const join = app.join('table-2')
    const first = await dropped(socket)
    first.next.receive(resumed(first.asked, { 'table-1': { ...answer().data, seq: 2, sub: 0 } }))
    const { next, asked } = await dropped(first.next)
    if (outcome === 'resumed') {
      next.receive(resumed(asked))
      next.receive(refused(next.sent.at(-1), 7, 'room_not_found'))
      await assert.rejects(join, { code: 7 })
    } else {
      next.receive(refused(asked, 30, 'unknown_token'))
      await assert.rejects(join, { reason: 'lost' })
      next.receive(loggedInAgain(await next.next()))
      app.request('x')
      next.receive({ eventType: MESSAGE, appName: 'game', id: next.sent.at(-1).id })
    }

    assert.deepEqual(notes.filter((note) => note.startsWith('join')), [])
  })
}

test('a link that is lost while rooms are joined again resumes that', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const notes = noted(app, room)
  const first = await dropped(socket)
  first.next.receive(refused(first.asked, 30, 'unknown_token'))
  first.next.receive(loggedInAgain(await first.next.next()))
  const join = await first.next.next()
  const { next, asked } = await dropped(first.next)

  assert.deepEqual([asked.data.token, asked.data.rooms], ['T9', {}])
  next.receive(resumed(asked, { 'table-1': { ...answer(0, { epoch: 'r2' }).data, seq: 4, sub: 0 } }), move(5))
  assert.deepEqual(next.sent.at(-1), join)
  next.receive(answer(join.id, { epoch: 'r2' }), move(6))
  assert.deepEqual(notes, [
    'drop', 'resume', 'reset - epoch', 'drop', 'resume', 'reset table-1 epoch', 'room reset epoch', 'move', 'move',
  ])
  assert.equal(room.seq, 6)
})

test('a login that is refused on the way back ends with what the server said', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const notes = noted(app, room)
  const closes = heard((listener) => app.on('close', listener))
  const { next, asked } = await dropped(socket)
  const waiting = room.request('waiting')
  next.receive(refused(asked, 30, 'unknown_token'))
  next.receive(refused(await next.next(), 3, 'login_refused'))

  await assert.rejects(waiting, { reason: 'closed' })
  assert.deepEqual(closes, [{ code: 3, reason: 'login_refused' }])
  assert.deepEqual(notes, ['drop', 'left disconnected', 'close'])
})

test('a server that gives no token is logged in to again', async () => {
  const { app, socket } = await loggedIn({}, {})
  await turn()
  const first = await dropped(socket)
  first.next.receive(refused(first.asked, 30, 'unknown_token'))
  const reply = loggedInAgain(await first.next.next())
  delete reply.data.token
  first.next.receive(reply)
  const { next, asked } = await dropped(first.next)
  next.receive(loggedInAgain(asked))

  assert.equal(asked.eventType, LOGIN)
  assert.equal(app.state, 'open')
})

/** Log in to a second application, whose credentials are to be had once, and then after *failures*. */
async function besides(app, socket, failures) {
  const calls = []
  const login = app.connection.login('chat', {
    name: 'ada',
    credentials: () => {
      calls.push(performance.now())
      if (calls.length > 1 && calls.length < 2 + failures) throw new Error(`no ticket ${calls.length}`)
      return {}
    },
  })
  const { id } = await socket.next()
  const data = { appName: 'chat', userName: 'ada', token: 'C1', epoch: 'c', seq: 0, sub: 0 }
  socket.receive({ eventType: LOGIN, appName: 'chat', id, data })
  const chat = await login
  await turn()
  return { chat, calls }
}

test('credentials that cannot be had are reported and asked for again, and hold up no other login', async (t) => {
  const reports = t.mock.method(console, 'error', () => {})
  const { app, socket } = await loggedIn()
  await turn()
  const { chat, calls } = await besides(app, socket, 2)
  const notes = noted(chat)
  const { next, asked } = await dropped(socket)
  const other = await next.next()
  next.receive({ ...refused(other, 30, 'unknown_token'), appName: 'chat' }, resumed(asked))
  assert.deepEqual([app.state, chat.state], ['open', 'suspended'])
  const again = await next.next()
  next.receive({ ...loggedInAgain(again), appName: 'chat' })

  assert.deepEqual([again.eventType, again.appName, calls.length], [LOGIN, 'chat', 4])
  assert.deepEqual(reports.mock.calls.map(({ arguments: [{ message }] }) => message), ['no ticket 2', 'no ticket 3'])
  assert.deepEqual([app.state, chat.state, FakeSocket.newest], ['open', 'open', next])
  assert.deepEqual(notes, ['drop', 'resume', 'reset - epoch'])
})

test('a page is told of credentials as of any error that nobody caught', async (t) => {
  t.after(() => { delete globalThis.reportError })
  const reported = new Promise((resolve) => { globalThis.reportError = resolve })
  const { app, socket } = await loggedIn()
  await turn()
  await besides(app, socket, 1)
  const { next } = await dropped(socket)
  next.receive({ ...refused(await next.next(), 30, 'unknown_token'), appName: 'chat' })

  assert.equal((await reported).message, 'no ticket 2')
})

test('credentials are asked for after times that double, and not once the link or the login is over', async (t) => {
  t.mock.method(console, 'error', () => {})
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  t.mock.method(Math, 'random', () => 0.5)
  const { app, socket } = await loggedIn({ backoff: undefined })
  await turn()
  const { chat, calls } = await besides(app, socket, 99)
  socket.lose()
  mock.timers.tick(100)
  const next = FakeSocket.newest
  const asked = await next.next()
  next.receive(resumed(asked), { ...refused(await next.next(), 30, 'unknown_token'), appName: 'chat' })
  const after = async (ms) => {
    mock.timers.tick(ms)
    await turn()
    return calls.length
  }
  assert.deepEqual([await after(0), await after(99), await after(1), await after(199), await after(1)], [2, 2, 3, 3, 4])
  FakeSocket.isReachable = false
  next.lose()
  assert.equal(await after(400), 4)
  FakeSocket.isReachable = true
  FakeSocket.newest.onopen()
  assert.equal(await after(0), 5)
  chat.close()

  assert.equal(await after(60_000), 5)
})

test('credentials that cannot be had at first end the login', async () => {
  await assert.rejects(
    connect(URL, { app: 'game', name: 'ada', WebSocket: FakeSocket, credentials: () => { throw new Error('mine') } }), /mine/)
})

test('a logout and a leave whose logins are lost have happened', async () => {
  const { app, socket, room } = await joined()
  await turn()
  const leave = room.leave()
  const first = await dropped(socket)
  first.next.receive(refused(first.asked, 30, 'unknown_token'))
  await leave
  first.next.receive(loggedInAgain(await first.next.next()))
  assert.deepEqual([room.hasLeft, first.next.sent.length], [true, 2])

  const logout = app.logout()
  const { next, asked } = await dropped(first.next)
  next.receive(refused(asked, 30, 'unknown_token'))
  await logout
  await turn()
  assert.deepEqual([app.state, next.sent.length], ['closed', 1])
})

test('several logins over one connection all come back', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  const login = app.connection.login('chat', { name: 'ada' })
  const { id } = await socket.next()
  const data = { appName: 'chat', userName: 'ada', token: 'C1', epoch: 'c', seq: 0, sub: 0 }
  socket.receive({ eventType: LOGIN, appName: 'chat', id, data })
  const chat = await login
  await turn()
  const { next, asked } = await dropped(socket)
  const other = await next.next()
  next.receive({ ...resumed(other), appName: 'chat' })

  assert.deepEqual([asked, other].map(({ appName, data: { token } }) => [appName, token]), [['game', 'T1'], ['chat', 'C1']])
  assert.deepEqual([app.state, chat.state, app.connection.state], ['suspended', 'open', 'open'])
  next.receive(resumed(asked))
  assert.equal(app.state, 'open')
})

test('a login that is asked for while the link is lost is made when it is back', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  socket.lose()
  const login = app.connection.login('chat', { name: 'ada' })
  const next = await socket.successor()
  const [asked, other] = [await next.next(), await next.next()]
  next.receive(resumed(asked), { eventType: LOGIN, appName: 'chat', id: other.id, data: { appName: 'chat', userName: 'ada' } })

  assert.equal((await login).state, 'open')
})

test('a link that is lost before the first login is no connection', async () => {
  const promise = connect(URL, { app: 'game', name: 'ada', WebSocket: FakeSocket })
  const socket = FakeSocket.newest
  await socket.next()
  socket.lose(1006)

  await assert.rejects(promise, { reason: 'closed' })
})

test('closing logs out first, and ends what is suspended', async () => {
  const { app, socket } = await loggedIn()
  await turn()
  app.close()
  assert.deepEqual(socket.sent.at(-1), { appName: 'game', eventType: LOGOUT })
  assert.equal(socket.closedWith, 1000)

  const other = await loggedIn()
  await turn()
  const { next } = await dropped(other.socket)
  const closes = heard((listener) => other.app.on('close', listener))
  other.app.close()
  next.lose()
  assert.deepEqual(closes, [{ code: 1000, reason: 'closed' }])
  assert.equal(other.app.state, 'closed')
})

test('a listener that closes what has just come back is obeyed', async () => {
  const { app, socket } = await joined()
  await turn()
  app.on('resume', () => app.close())
  const { next, asked } = await dropped(socket)
  next.receive(resumed(asked, { 'table-2': { ...answer(0, { roomName: 'table-2' }).data, seq: 1, sub: 0 } }))

  assert.deepEqual([app.state, app.joined.size], ['closed', 0])
})
