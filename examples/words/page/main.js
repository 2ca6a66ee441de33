/** The page: what one clicks and types goes to the server, what comes from it is shown. */

import { GLOBAL_ROOM, Mesh } from './mesh.js'
import { guestName, keepName, nextRoom, roomName } from './names.js'
import { Table } from './table.js'
import { announce, find, showRoom, showTime, showView } from './view.js'

/** @typedef {import('./view.js').View} View */

/** How often the clock is drawn, in milliseconds. */
const TICK = 200

const name = /** @type {HTMLInputElement} */ (find('name'))
const word = /** @type {HTMLInputElement} */ (find('word'))
const text = /** @type {HTMLInputElement} */ (find('text'))
const limit = /** @type {HTMLInputElement} */ (find('limit'))
const seconds = /** @type {HTMLInputElement} */ (find('seconds'))
const begin = /** @type {HTMLButtonElement} */ (find('begin'))

/** @type {Mesh} */
let mesh
/** @type {Table | undefined} */
let table
/** @type {string | undefined} the room asked for before the link was open */
let wanted
/** @type {import('./table.js').Line | undefined} what was announced last */
let heard
/** @type {ReturnType<typeof setInterval> | undefined} */
let ticking

/** The room that the address names. */
const addressed = () => decodeURIComponent(location.hash.slice(1))

// -- the link ----------------------------------------------------------------------------

function connect() {
  document.body.dataset.link = 'connecting'
  find('link-text').textContent = 'Connecting'
  find('lost').hidden = true
  const url = new URL('wsmesh?robots=1', location.href)
  url.hash = ''
  url.protocol = url.protocol.replace('http', 'ws')
  mesh = new Mesh(url, {
    open() {
      document.body.dataset.link = 'open'
      setInert(false)
      find('link-text').textContent = 'Connected'
    },
    frame(frame) {
      if (table?.take(frame, Date.now())) react(frame)
    },
    close() {
      document.body.dataset.link = 'closed'
      find('link-text').textContent = 'Disconnected'
      find('lost').hidden = false
      setInert(true)
      clearInterval(ticking)
    },
  })
}

/** @param {boolean} isInert whether nothing can be done but to connect again */
function setInert(isInert) {
  /** @type {HTMLElement} */ (document.querySelector('main')).inert = isInert
  find('talk').inert = isInert
}

/** @param {import('./mesh.js').Frame} frame */
function react({ action }) {
  if (!table) return
  if (action === 'know-yourself') {
    mesh.send('set-client-name', table.room, { setname: name.value.trim() })
  }
  if (action === 'message-by-bot') {
    clearInterval(ticking)
    ticking = setInterval(tick, TICK)
    tick()
  }
  show()
  const last = table.lines.at(-1)
  if (last !== heard && last && last.kind !== 'mine') announce(`${last.name}: ${last.text}`)
  heard = last
  // The cursor goes to the word when the turn comes, unless something is being written elsewhere.
  if (action === 'message-by-bot' && table.isMyTurn && !text.value) word.focus()
  if (action === 'room-bot-end-game') find('again').focus()
}

function tick() {
  if (!table || table.phase !== 'playing') {
    clearInterval(ticking)
    return
  }
  showTime(table, Date.now())
}

// -- what is shown -----------------------------------------------------------------------

function show() {
  /** @type {View} */
  let view = 'start'
  if (table?.phase === 'refused') view = 'refused'
  else if (table?.phase === 'gathering') view = 'room'
  else if (table?.phase === 'playing') view = 'game'
  else if (table?.phase === 'over') view = 'over'
  showView(view)
  if (table) showRoom(table)
  else showStart()
}

function showStart() {
  const room = addressed()
  document.title = 'Words battle'
  find('play').textContent = room ? `Join ${room}` : 'Play'
  find('friends').hidden = room !== ''
  find('start-hint').textContent = room
    ? 'Somebody has sent you this address: play together.'
    : 'Two players, one minute: you and whoever comes next.'
}

// -- what one does -----------------------------------------------------------------------

/** @param {string} room the room of friends, or "" for a stranger */
function play(room) {
  wanted = mesh.isOpen ? undefined : room
  if (wanted !== undefined) return
  name.value = name.value.trim() || guestName()
  keepName(name.value)
  leave()
  table = new Table(room, room === '')
  begin.disabled = false
  if (room) {
    history.replaceState(null, '', `#${encodeURIComponent(room)}`)
    mesh.send('join-room', GLOBAL_ROOM, {
      roomname: room, playerlimit: 3, setplayername: name.value,
    })
  } else {
    mesh.send('join-random-room', GLOBAL_ROOM, { roomname: roomName() })
  }
}

function leave() {
  if (table && table.phase !== 'refused' && table.phase !== 'joining' && mesh.isOpen) {
    mesh.send('leave-room', table.room)
  }
  table = undefined
  clearInterval(ticking)
}

function backToStart() {
  leave()
  history.replaceState(null, '', location.pathname)
  show()
  find('play').focus()
}

/**
 * @param {string} id of a form
 * @param {() => void} action
 */
function onSubmit(id, action) {
  find(id).addEventListener('submit', (event) => {
    event.preventDefault()
    action()
  })
}

/**
 * @param {string} id of a button
 * @param {() => void} action
 */
const onClick = (id, action) => find(id).addEventListener('click', action)

onSubmit('name-form', () => play(addressed()))
onClick('friends', () => {
  if (/** @type {HTMLFormElement} */ (find('name-form')).reportValidity()) play(roomName())
})
onSubmit('settings', () => {
  if (table && mesh.isOpen) mesh.send('room-settings', table.room, { game_duration: seconds.value, player_limit: limit.value })
})
onClick('begin', () => {
  if (!table || !mesh.isOpen) return
  begin.disabled = true
  mesh.send('start-the-game', table.room, { message: table.room })
})
onSubmit('word-form', () => {
  const said = word.value.trim()
  if (!table?.isMyTurn || !said || !mesh.isOpen) return
  mesh.send('attempt-word', table.room, { message: said })
  table.hasSaid = true
  show()
})
onSubmit('say', () => {
  const said = text.value.trim()
  if (!table || !said || !mesh.isOpen) return
  mesh.send('send-message', table.room, { message: said })
  text.value = ''
})
onClick('copy', async () => {
  const address = /** @type {HTMLInputElement} */ (find('address'))
  address.select()
  try {
    await navigator.clipboard.writeText(address.value)
    announce('Copied')
    find('copy').textContent = 'Copied'
  } catch {
    announce('Selected: copy it by hand')
  }
})
onClick('leave', backToStart)
onClick('refused-back', backToStart)
onClick('again', () => {
  if (table) play(table.isRandom ? '' : nextRoom(table.room))
})
onClick('reconnect', () => {
  table = undefined
  connect()
  show()
})
document.querySelector('.brand')?.addEventListener('click', (event) => {
  event.preventDefault()
  backToStart()
})
addEventListener('hashchange', () => {
  leave()
  show()
})
addEventListener('pagehide', leave)

name.value = guestName()
connect()
show()
