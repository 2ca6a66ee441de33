/** A lost link before the real server, over real sockets. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { connect } from '../../goroom/static/goroom.js'
import { network, startServer } from './server.js'

let server
const apps = []

before(async () => { server = await startServer() })

after(async () => {
  for (const app of apps) app.close()
  await server.stop()
})

let users = 0

/** Log in to "game" under a name of one's own, over a network of one's own. */
async function user(options = {}) {
  users += 1
  const net = network()
  const app = await connect(server.address, {
    app: 'game', name: `user-${users}`, WebSocket: net.WebSocket, backoff: { minMs: 5, maxMs: 20 }, ...options,
  })
  apps.push(app)
  return { app, net }
}

/** The next value that *listen* gives its listener. */
const next = (listen) => new Promise((resolve) => { listen((value) => resolve(value)) })

/** Note what happens in a room, as words. */
function noted(room) {
  const notes = []
  for (const type of ['join', 'leave', 'away', 'back']) room.onEvent(type, ({ name }) => notes.push(`${type} ${name}`))
  room.onEvent('reset', ({ reason }) => notes.push(`reset ${reason}`))
  room.onEvent('left', ({ reason }) => notes.push(`left ${reason}`))
  room.on('said', ({ text }) => notes.push(text))
  return notes
}

/** Two users at one table; the first has heard of the second. */
async function table(name, options) {
  const [ada, bob] = [await user(options), await user()]
  const room = await ada.app.create('table', { name })
  const heard = noted(room)
  const [other] = await Promise.all([bob.app.join(name), next((listener) => room.onEvent('join', listener))])
  return { ada, bob, room, other, heard, seen: noted(other) }
}

test('a lost link is away and back to the others, and nothing is missed', async () => {
  const { ada, bob, room, other, heard, seen } = await table('train')
  await other.request('say', { text: 'before' })
  const away = next((listener) => other.onEvent('away', listener))
  const down = next((listener) => ada.app.on('drop', listener))
  ada.net.down()
  await down
  assert.equal((await away).name, ada.app.user)
  assert.equal(other.members.get(ada.app.user).away, true)
  await other.request('say', { text: 'meanwhile' })
  const waiting = room.request('say', { text: 'queued' })
  const back = next((listener) => other.onEvent('back', listener))
  ada.net.up()
  await back
  await waiting
  await bob.app.request('tell_all', { text: '' })

  const name = ada.app.user
  assert.deepEqual(seen, ['before', `away ${name}`, 'meanwhile', `back ${name}`, 'queued'])
  assert.deepEqual(heard.slice(1), ['before', 'meanwhile', 'queued'])
  assert.deepEqual([room.seq, room.hasLeft, ada.app.state], [other.seq, false, 'open'])
})

test('twenty lost links in a busy room lose nothing and do nothing twice', async () => {
  const { ada, bob, room, other, heard, seen } = await table('busy')
  const mine = []
  for (let n = 0; n < 20; n += 1) {
    for (let k = 0; k < 5; k += 1) {
      other.send('say', { text: `b${n * 5 + k}` })
      mine.push(room.request('say', { text: `a${n * 5 + k}` }))
    }
    const resume = next((listener) => ada.app.on('resume', listener))
    ada.net.cut()
    await resume
  }
  await Promise.all(mine)
  await room.request('say', { text: 'a end' })
  await other.request('say', { text: 'b end' })
  await ada.app.request('tell_all', { text: '' })
  await bob.app.request('tell_all', { text: '' })

  const said = (notes, who) => notes.filter((note) => /^[ab][\d ]/.test(note) && note.startsWith(who))
  const numbers = (who) => [...Array.from({ length: 100 }, (_, n) => `${who}${n}`), `${who} end`]
  for (const notes of [heard, seen]) {
    assert.deepEqual(said(notes, 'a'), numbers('a'))
    assert.deepEqual(said(notes, 'b'), numbers('b'))
    assert.deepEqual(notes.filter((note) => /^(leave|left|reset)/.test(note)), [])
  }
  assert.equal(room.seq, other.seq)
})

test('more than the server keeps is a reset with what is now', async () => {
  const { ada, bob, room, other, heard } = await table('long')
  ada.net.down()
  for (let n = 0; n < 150; n += 1) other.send('say', { text: String(n) })
  await other.leave()
  const reset = next((listener) => room.onEvent('reset', listener))
  ada.net.up()

  assert.deepEqual(await reset, { type: 'reset', reason: 'history' })
  assert.deepEqual([...room.members], [[ada.app.user, { away: false }]])
  assert.deepEqual(heard.slice(1), ['reset history'])
  await (await bob.app.join('long')).request('say', { text: 'hello' })
  await ada.app.request('tell_all', { text: '' })
  assert.deepEqual(heard.slice(2), [`join ${bob.app.user}`, 'hello'])
})

test('a room that is closed while one is away is gone, and one that one is kicked from, too', async () => {
  const { ada, bob, other, heard } = await table('closing')
  await bob.app.join('hall')
  ada.net.down()
  await next((listener) => other.onEvent('away', listener))
  other.send('close')
  await bob.app.request('tell_all', { text: '' })
  const resume = next((listener) => ada.app.on('resume', listener))
  ada.net.up()
  await resume

  assert.deepEqual(heard.slice(1), ['reset gone', 'left gone'])
  assert.equal(ada.app.joined.size, 0)
})

test('a link that has stalled is noticed and beaten by the next', async () => {
  const { ada, bob, room, heard, seen } = await table('stalled', { heartbeat: { idleMs: 100, replyMs: 100 } })
  const drop = next((listener) => ada.app.on('drop', listener))
  const resume = next((listener) => ada.app.on('resume', listener))
  ada.net.stall()
  assert.deepEqual(await drop, { code: 1006, reason: 'timeout' })
  await resume
  await room.request('say', { text: 'here again' })
  await bob.app.request('tell_all', { text: '' })

  const name = ada.app.user
  assert.deepEqual(seen, [`away ${name}`, `back ${name}`, 'here again'])
  assert.deepEqual(heard.slice(1), ['here again'])
})

test('who closes has left at once', async () => {
  const { ada, other } = await table('closed')
  const leave = next((listener) => other.onEvent('leave', listener))
  ada.app.close()

  assert.deepEqual(await leave, { type: 'leave', name: ada.app.user, reason: 'logged_out', message: '' })
})

test('what was sent before a close arrives, however much it is', async () => {
  const { ada, room, other, seen } = await table('last words')
  const leave = next((listener) => other.onEvent('leave', listener))
  for (let n = 0; n < 100; n += 1) room.send('say', { text: String(n) })
  ada.app.close()
  await leave

  assert.deepEqual(seen.slice(0, 100), Array.from({ length: 100 }, (_, n) => String(n)))
})

test('a message that is too large is refused, and what was sent behind it is answered', async () => {
  const { ada, room } = await table('large')
  const drops = []
  ada.app.on('drop', ({ code }) => drops.push(code))
  const isRefused = assert.rejects(room.request('say', { text: 'x'.repeat(70_000) }), { reason: 'too_large' })
  const small = room.request('say', { text: 'small' })
  await isRefused

  assert.deepEqual(await small, { length: 5 })
  assert.equal(drops.at(-1), 1009) // before it the network may have swallowed the code
})

test('half an emoji is answered', async () => {
  const { room } = await table('half')

  assert.deepEqual(await room.request('say', { text: '😀'.slice(0, 1) }), { length: 1 })
})

test('two applications over one socket both come back', async () => {
  const { app, net } = await user()
  const chat = await app.connection.login('chat', { name: app.user })
  const hall = await chat.join('hall')
  const resumes = [app, chat].map((login) => next((listener) => login.on('resume', listener)))
  net.cut()
  await Promise.all(resumes)

  assert.deepEqual(await hall.request('say', { text: 'four' }), { length: 4 })
  await app.request('tell_all', { text: '' })
})

for (const end of ['stop', 'kill']) {
  test(`a server that was restarted (${end}) is logged in to again, and its rooms joined`, async () => {
    const first = await startServer()
    const before = server
    server = first
    const { app } = await user({ credentials: async () => ({}) })
    const room = await app.joinOrCreate('table')
    const hall = await app.join('hall')
    const lists = []
    await app.watchRooms((rooms) => lists.push(rooms.map(({ name }) => name).sort().join()))
    const resets = []
    const all = next((listener) => app.on('reset', ({ room: which, reason }) => {
      resets.push(`${which?.name} ${reason}`)
      if (resets.length === 3) listener()
    }))
    await first[end]()
    const second = await startServer(first.port)
    await all
    const secret = next((listener) => room.on('said', listener))
    await room.request('say', { text: 'again' })

    assert.deepEqual(resets, ['undefined epoch', 'table-1 epoch', 'hall epoch'])
    assert.deepEqual(await secret, { text: 'again' })
    assert.deepEqual([room.hasLeft, hall.hasLeft, [...room.members.keys()]], [false, false, [app.user]])
    assert.equal((await app.rooms()).length, 2)
    assert.equal(lists.at(-1), 'hall,table-1')
    app.close()
    await second.stop()
    server = before
  })
}
