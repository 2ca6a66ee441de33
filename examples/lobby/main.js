/** The lobby page: one session, the place in the middle, and the way between them. */

import { askPassword, mayLeave } from './dialogs.js'
import { act, announce, find, h, setText } from './dom.js'
import { GoroomError } from './goroom.js'
import { guestName, keepName } from './guests.js'
import { RoomList } from './rooms.js'
import { APPLICATIONS, startSession } from './session.js'
import { Table } from './table.js'
import { Talk } from './talk.js'

/** @typedef {import('./session.js').ApplicationName} ApplicationName */
/** @typedef {import('./session.js').App} App */
/** @typedef {import('./session.js').Room} Room */
/** @typedef {{ application: ApplicationName, room: Room, table?: Table, ending: AbortController }} Place */

const LOBBY = 'lobby'
const [ROOM_NOT_FOUND, ROOM_FULL] = [7, 20]
/** How long the server keeps the seats of those whose link is lost: its default. */
const AWAY_SECONDS = 30
const BACK_MILLISECONDS = 3000
const GONE = new Map([
  ['gone', 'This room is gone.'],
  ['kicked', 'You were taken out of this room.'],
  ['room_closed', 'This room was closed.'],
  ['replaced', 'You came in from somewhere else.'],
  ['shutdown', 'The server is going down.'],
])

/** @type {import('./session.js').Session} */
let session
/** @type {Promise<void>} Settled when there is a session. */
let ready
/** @type {Place | undefined} */
let place
/** @type {ReturnType<typeof setInterval> | undefined} Of what the link's state shows. */
let ticking

const nameField = /** @type {HTMLInputElement} */ (find('name'))
const talk = new Talk()
const rooms = new RoomList({
  enter: (application, { name, password }, verb) => {
    if (verb === 'Watch') return go(application, (app) => app.watch(name))
    if (password) return enterWithPassword(application, name)
    return go(application, (app) => app.join(name))
  },
  create: (application, options) => go(application, (app) => app.create(kindOf(application), options)),
  isHere: (application, name) => session?.app(application).joined.has(name) ?? false,
  name: () => session?.name ?? nameField.value,
})

// -- the session ---------------------------------------------------------------------------

/** @param {string} name @param {boolean} isGuest */
async function start(name, isGuest) {
  setLink('connecting', 'Connecting')
  try {
    await adopt(await startSession(name, { isGuest }))
  } catch (error) {
    const isRefusal = error instanceof GoroomError && error.reason !== 'closed'
    lost(isRefusal ? error.message : 'The server cannot be reached.')
    throw error
  }
}

/** @param {import('./session.js').Session} next */
async function adopt(next) {
  session = next
  keepName(next.name)
  nameField.value = next.name
  find('rename').hidden = true
  setText(find('me'), next.name)
  find('me').hidden = false
  next.onLink((state) => state === 'open' ? back() : away())
  next.onLost(({ reason }) => lost(reason === '' ? 'The link to the server was lost.' : `The server closed the link: ${reason}.`))
  for (const [application, app] of next.apps) app.on('join', (room) => open(application, room))
  closePlace()
  talk.closeAll()
  const lobby = await next.app('chat').join(LOBBY).catch(() => undefined) // full: the games go on
  if (lobby) talk.open(lobby, 'Lobby')
  await rooms.attach(next)
  setLink('open', 'Connected')
}

/** Start, and go where the address says. @param {string} name */
async function begin(name) {
  ready = start(name, true)
  await ready.then(route, () => {}) // lost() has told it
}

/** The link is lost for now: show how long the seats are kept. */
function away() {
  const until = Date.now() + AWAY_SECONDS * 1000
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000))
    setLink('suspended', seconds ? `Away, ${seconds} s left` : 'Away')
    setText(find('lost-text'), `The link is lost. ${seconds ? `Your seats are kept for ${seconds} s.` : 'Trying to come back.'}`)
  }
  tick()
  ticking = setInterval(tick, 1000)
  announce('The link is lost. Trying to come back.')
}

function back() {
  clearInterval(ticking)
  setLink('open', 'Back')
  announce('The link is back.')
  ticking = setTimeout(() => setLink('open', 'Connected'), BACK_MILLISECONDS)
}

/** @param {string} text */
function lost(text) {
  clearInterval(ticking)
  setLink('closed', 'Disconnected')
  setText(find('lost-text'), text)
  announce(text)
  find('reconnect').focus()
}

/** @param {import('./goroom.js').State} state @param {string} text */
function setLink(state, text) {
  document.body.dataset.link = state
  setText(find('link-text'), text)
  find('lost').hidden = state !== 'closed' && state !== 'suspended'
  find('reconnect').hidden = state !== 'closed'
  for (const id of ['main', 'rooms', 'people', 'talk']) find(id).inert = state === 'closed'
  setTitle()
}

async function rename() {
  const name = nameField.value
  if (name === session.name) return true
  return act(nameField, async () => {
    const next = await startSession(name, { isGuest: false })
    session.end()
    await adopt(next)
  })
}

// -- the place in the middle ---------------------------------------------------------------

/** @param {ApplicationName} application */
const kindOf = (application) => APPLICATIONS.get(application)?.kind ?? ''

/** @param {ApplicationName} application @param {Room} room */
const addressOf = (application, room) => `#${application}/${encodeURIComponent(room.name)}`

/**
 * Go to the room that *enter* gets; the old one is left when that has worked.
 * @param {ApplicationName} application
 * @param {(app: App) => Promise<Room>} enter
 */
async function go(application, enter) {
  await ready
  if (place?.table?.isPlaying && !(await mayLeave())) return
  const room = await enter(session.app(application))
  const old = place?.room
  open(application, room)
  if (old && old !== room) await old.leave().catch(() => {}) // the link may be lost by now
}

/** @param {ApplicationName} application @param {string} name */
const enterWithPassword = (application, name) =>
  askPassword(name, (password) => go(application, (app) => app.join(name, { password })))

/** @param {ApplicationName} application @param {Room} room */
function open(application, room) {
  closePlace()
  const ending = new AbortController()
  const { signal } = ending
  place = { application, room, ending }
  room.onEvent('left', ({ reason, message }) => left(reason, message), { signal })
  if (application === 'chat') showHall(room)
  else {
    const sit = () => go(application, (app) => app.join(room.name))
    place.table = new Table(find('place'), application, room, { leave, sit, changed: setTitle, signal })
  }
  talk.open(room, room.name, signal)
  setView(application === 'chat' ? 'hall' : 'table', addressOf(application, room))
  place.table?.focus()
}

/** @param {Room} room */
function showHall(room) {
  find('place').replaceChildren(
    h('div', { class: 'bar' },
      h('h1', {}, h('span', { class: 'name' }, room.name), h('small', {}, 'Chat')),
      h('button', { type: 'button', onclick: leave }, 'Leave')))
  find('text').focus()
}

/** Forget the place without leaving the room. */
function closePlace() {
  if (!place) return
  place.ending.abort()
  talk.close(place.room)
  place = undefined
}

/** Leave the place, if the user means it. */
async function leave() {
  if (!place) return
  const { application, room, table } = place
  if (table?.isPlaying && !(await mayLeave())) {
    setView('table', addressOf(application, room)) // the way back may have changed it
    return
  }
  const button = find('place').querySelector('.bar button:last-child')
  await act(/** @type {HTMLElement} */ (button), () => room.leave())
}

/** @param {string} reason @param {string} message */
function left(reason, message) {
  if (reason === 'disconnected') return // the board stays in sight
  if (!place || reason === 'left') return showStart()
  const { application, room: { name } } = place
  const text = [GONE.get(reason), message].filter(Boolean).join(' ') || 'You are no longer in this room.'
  showNotice(name, text, ...(reason === 'gone' ? [openAgain(application, name)] : []))
}

function showStart() {
  closePlace()
  setView('start', '')
  find('play').focus()
}

/** @param {string} title @param {string} text @param {...HTMLElement} actions */
function showNotice(title, text, ...actions) {
  if (place && !place.room.hasLeft) place.room.leave().catch(() => {}) // for another address
  closePlace()
  const back = h('button', { type: 'button', onclick: showStart }, 'Back to the start')
  find('place').replaceChildren(h('div', { class: 'notice' }, h('h1', {}, title), h('p', {}, text), ...actions, back))
  setView('notice', location.hash)
  announce(text)
  ;(actions[0] ?? back).focus()
}

/** @param {string} view @param {string} hash */
function setView(view, hash) {
  document.body.dataset.view = view
  find('start').hidden = view !== 'start'
  find('place').hidden = view === 'start'
  if (location.hash !== hash) history.pushState(null, '', hash || location.pathname + location.search)
  rooms.refresh()
  setTitle()
}

function setTitle() {
  const lostTitle = new Map([['closed', 'Disconnected'], ['suspended', 'Away']]).get(document.body.dataset.link ?? '')
  const title = lostTitle ?? place?.table?.title ?? place?.room.name
  document.title = title ? `${title} · goroom` : 'goroom lobby'
}

// -- the address ---------------------------------------------------------------------------

/** Go where the address says. */
async function route() {
  const [application, name] = location.hash.slice(1).split('/').map(decodeURIComponent)
  if (!name || !APPLICATIONS.has(/** @type {ApplicationName} */ (application))) {
    if (place) await leave()
    else setView('start', location.hash)
    return
  }
  const here = place
  if (here && here.application === application && here.room.name === name) return
  await enterByName(/** @type {ApplicationName} */ (application), name)
}

/** @param {ApplicationName} application @param {string} name */
async function enterByName(application, name) {
  if (session.app(application).joined.has(name)) return setView('start', '')
  try {
    await go(application, (app) => app.join(name))
  } catch (error) {
    if (!(error instanceof GoroomError)) throw error
    if (error.reason === 'wrong_password') await enterWithPassword(application, name)
    else if (error.code === ROOM_FULL || error.reason === 'locked') await watchByName(application, name)
    else refuseEntry(application, name, error)
  }
}

/** @param {ApplicationName} application @param {string} name */
async function watchByName(application, name) {
  try {
    await go(application, (app) => app.watch(name))
  } catch (error) {
    refuseEntry(application, name, /** @type {Error} */ (error))
  }
}

/** @param {ApplicationName} application @param {string} name @param {Error} error */
function refuseEntry(application, name, error) {
  const isGone = error instanceof GoroomError && error.code === ROOM_NOT_FOUND
  showNotice(name, error.message, ...(isGone ? [openAgain(application, name)] : []))
}

/** @param {ApplicationName} application @param {string} name */
function openAgain(application, name) {
  const button = h('button', { type: 'button', class: 'strong' }, 'Open it again')
  button.addEventListener('click', () => act(button, () => go(application, (app) => app.joinOrCreate(kindOf(application), { name }))))
  return button
}

// -- what the user does --------------------------------------------------------------------

/** @param {string} id @param {ApplicationName} application */
function preparePlay(id, application) {
  const button = find(id)
  button.addEventListener('click', () => act(button, async () => {
    await ready
    if (await rename()) await go(application, (app) => app.joinOrCreate(kindOf(application)))
  }))
}

preparePlay('play', 'tictactoe')
preparePlay('play-four', 'connectfour')
find('name-form').addEventListener('submit', (event) => {
  event.preventDefault()
  rename()
})
nameField.addEventListener('input', () => { find('rename').hidden = nameField.value === session?.name })
find('reconnect').addEventListener('click', () => act(find('reconnect'), () => begin(nameField.value)))
// Who closes the page has left, and is not waited for.
addEventListener('pagehide', () => session?.end())
addEventListener('pageshow', ({ persisted }) => { if (persisted) location.reload() })
addEventListener('hashchange', () => act(find('place'), route))
addEventListener('keydown', (event) => {
  const isElsewhere = /** @type {Element} */ (event.target).closest?.('dialog, form')
  if (event.key !== 'Escape' || !place || isElsewhere || document.getElementById('refusal')) return
  event.preventDefault() // or the same key closes the question that it opens
  leave()
}, true)

nameField.value = guestName()
begin(nameField.value)
