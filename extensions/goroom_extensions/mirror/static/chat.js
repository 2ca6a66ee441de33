/** The chat: my channel, the channels I read, the people I write to. */

import { announce, find, h, setText } from './dom.js'
import { Link } from './link.js'
import { Place } from './places.js'

/** @typedef {import('./places.js').Person} Person */

const BASE = new URL('..', import.meta.url)
const COPIED_MILLISECONDS = 2000

const text = /** @type {HTMLInputElement} */ (find('text'))
const who = /** @type {HTMLInputElement} */ (find('who'))
const lines = find('lines')

/** @type {Map<string, Place>} by the hash of its address */
const places = new Map()
/** @type {Set<string>} Addresses of places that I do not want to see. */
const removed = new Set()
/** @type {Person} */
let me
/** @type {Link} */
let link
/** @type {Place | undefined} */
let shown
let hasBeenOpen = false
let isLoggedOut = false
/** @type {string[]} Channels that are still to be subscribed to, and the one that was asked for. */
let unheard = []
let asking = ''
/** @type {Set<string>} Channels of people that the server could not tell of. */
const unasked = new Set()

// -- who is who ----------------------------------------------------------------------------

/**
 * Ask the server for JSON; undefined for who is not logged in.
 * @param {string} path
 */
async function ask(path) {
  const answer = await fetch(new URL(path, BASE), { headers: { Accept: 'application/json' } })
  if (answer.redirected || answer.status === 401) {
    logOut()
    return undefined
  }
  if (!answer.ok) throw new Error('The server cannot tell at the moment.')
  return answer.json()
}

/**
 * Find somebody.
 * @param {'name' | 'id' | 'channel'} key
 * @param {string} value
 * @returns {Promise<Person | undefined>}
 */
async function findPerson(key, value) {
  return (await ask(`people?${key}=${encodeURIComponent(value)}`))?.people[0]
}

function logOut() {
  isLoggedOut = true
  link?.end()
  setLink('out')
}

// -- what is kept in this browser ----------------------------------------------------------

const storageKey = () => `mirror ${me.UserId}`

function save() {
  const kept = [...places.values()].map(({ kind, person, isUnread, seen }) => ({ kind, person, isUnread, seen }))
  localStorage.setItem(storageKey(), JSON.stringify({ kept, removed: [...removed] }))
}

function restore() {
  try {
    const stored = JSON.parse(localStorage.getItem(storageKey()) ?? '{}')
    for (const { kind, person, isUnread, seen } of stored.kept ?? []) {
      const place = new Place(kind, person, me.UserId)
      Object.assign(place, { isUnread, seen })
      places.set(place.hash, place)
    }
    for (const hash of stored.removed ?? []) removed.add(hash)
  } catch {
    localStorage.removeItem(storageKey())
  }
}

/**
 * Add whom I have talked with in another browser, unless I have removed them here.
 * @param {boolean} isFirstTime whether this browser has known nothing of me
 */
async function addPeople(isFirstTime) {
  const answer = await ask('people').catch(() => undefined)
  for (const person of answer?.people ?? []) {
    const hash = `#person/${person.UserId}`
    if (!removed.has(hash) && !places.has(hash)) placeOf('person', person).isOld = isFirstTime
  }
}

/** What came while the link was dead, and nobody knew, was told to a socket that was gone. */
async function lookAgain() {
  const account = await ask('me').catch(() => undefined)
  if (account?.UserId === me.UserId) await addPeople(false)
}

// -- places --------------------------------------------------------------------------------

/**
 * Return the place, made if it is new.
 * @param {'channel' | 'person'} kind
 * @param {Person} person
 */
function placeOf(kind, person) {
  const made = new Place(kind, person, me.UserId)
  const known = places.get(made.hash)
  if (known) return known
  removed.delete(made.hash)
  places.set(made.hash, made)
  subscribe(made)
  save()
  draw()
  return made
}

/** @param {Place} place */
function subscribe(place) {
  unheard.push(...place.channels)
  subscribeNext()
}

/** One history at a time: a slow link could not take them all. */
function subscribeNext() {
  if (asking || !link?.isOpen) return
  asking = unheard.shift() ?? ''
  if (asking) link.send('channel.subscribe', { channel: asking })
}

/** @param {string} channel whose subscription was answered */
function answered(channel) {
  if (channel !== asking) return
  asking = ''
  subscribeNext()
}

/** Show the place that the address names; mine where it names none. */
async function route() {
  const [kind, id] = location.hash.slice(1).split('/')
  let place = places.get(location.hash)
  if (!place && id && (kind === 'channel' || kind === 'person')) {
    const person = await findPerson(kind === 'channel' ? 'channel' : 'id', id).catch(() => undefined)
    if (person) place = placeOf(kind, person)
    else setText(find('not-found'), 'Nobody is at that address.')
  }
  show(place ?? placeOf('channel', me))
}

/** @param {Place} place */
function show(place) {
  if (location.hash !== place.hash) history.replaceState(null, '', place.hash)
  shown = place
  lines.replaceChildren(place.element)
  lines.scrollTop = lines.scrollHeight
  setText(find('title'), place.title)
  setText(find('about'), aboutOf(place))
  setText(find('refusal'), '')
  find('share').hidden = place.kind === 'person'
  find('remove').hidden = place.isMine
  place.note()
  save()
  draw()
}

/** @param {Place} place */
function aboutOf(place) {
  if (place.kind === 'person') return 'Only the two of you can read this.'
  if (place.isMine) return `You are ${me.Username}. Whoever has the link can read and write here.`
  return 'Everybody can read and write here.'
}

function draw() {
  drawList(find('channels'), 'channel')
  find('nobody').hidden = drawList(find('people'), 'person') > 0
  const unread = [...places.values()].filter((place) => place.isUnread)
  document.title = `${unread.length ? `(${unread.length}) ` : ''}${shown?.title ?? ''} · mirror`
  const mark = /** @type {HTMLAnchorElement} */ (find('unread'))
  mark.hidden = !unread.length
  mark.href = unread[0]?.hash ?? '#'
  setText(mark, `${unread.length} unread`)
}

/**
 * Return how many there are.
 * @param {HTMLElement} list
 * @param {'channel' | 'person'} kind
 */
function drawList(list, kind) {
  const items = [...places.values()].filter((place) => place.kind === kind).map((place) => {
    const anchor = h('a', { href: place.hash }, h('span', { class: 'name' }, place.title))
    if (place === shown) anchor.setAttribute('aria-current', 'page')
    if (place.isUnread) anchor.append(h('span', { class: 'mark' }, 'new'))
    return h('li', place.isUnread ? { class: 'unread' } : {}, anchor)
  })
  const focused = list.contains(document.activeElement) ? document.activeElement?.getAttribute('href') : null
  list.replaceChildren(...items)
  if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[href="${focused}"]`))?.focus()
  return items.length
}

let isToBeDrawn = false

/** Draw once for all that came together. */
function drawSoon() {
  if (isToBeDrawn) return
  isToBeDrawn = true
  setTimeout(() => {
    isToBeDrawn = false
    if (shown?.isUnread && !document.hidden) shown.note()
    save()
    draw()
  })
}

// -- the link ------------------------------------------------------------------------------

/** @param {import('./link.js').Frame} frame */
async function take({ code, message, channel }) {
  const place = [...places.values()].find((one) => one.channels.includes(channel))
  if (code === 'registered.success') {
    unheard = []
    asking = ''
    for (const one of new Set(shown ? [shown, ...places.values()] : places.values())) subscribe(one)
    for (const notice of unasked) noticed(notice)
  } else if (code === 'channel.subscribed') {
    place?.clear(channel)
    answered(channel)
  } else if (code === 'channel.message' && place) hear(place, channel, JSON.parse(message))
  else if (code === 'channel.refused') {
    refuse(place, message)
    answered(channel)
  } else if (code === 'subscribe.direct') await noticed(channel)
}

/**
 * @param {Place} place
 * @param {string} channel
 * @param {import('./places.js').Said} said
 */
function hear(place, channel, said) {
  const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40
  place.add(channel, said)
  if (place === shown && (isAtEnd || said.userId === me.UserId)) lines.scrollTop = lines.scrollHeight
  const isOthers = said.userId !== me.UserId
  if (isOthers && performance.now() > place.since) announce(`${said.username} writes: ${said.value}`)
  drawSoon()
}

/**
 * @param {Place | undefined} place
 * @param {string} reason
 */
async function refuse(place, reason) {
  // Not bound: the cookie is over, or another account's by now.
  const account = place?.isMine ? await ask('me').catch(() => me) : me
  if (account && account.UserId !== me.UserId) location.reload()
  else if (place === shown) setText(find('refusal'), reason || 'The server does not take this.')
}

/**
 * Somebody has written to me.
 * @param {string} channel
 */
async function noticed(channel) {
  const [from = ''] = channel.split('.')
  let place = places.get(`#person/${from}`)
  if (!place) {
    unasked.add(channel) // until it is known who that is
    const person = await findPerson('id', from).catch(() => undefined)
    if (!person) return
    unasked.delete(channel)
    place = placeOf('person', person)
    announce(`${person.Username} writes to you.`)
  }
  place.isOld = false
  if (place !== shown || document.hidden) place.isUnread = true
  drawSoon()
}

/**
 * @param {'connecting' | 'open' | 'away' | 'out'} state
 * @param {number} [seconds]
 */
function setLink(state, seconds = 0) {
  if (isLoggedOut) state = 'out'
  if (state === 'open') {
    if (hasBeenOpen) void lookAgain()
    hasBeenOpen = true
  }
  document.body.dataset.link = state
  const words = { connecting: 'Connecting', open: 'Connected', away: `Away, ${seconds} s`, out: 'Logged out' }
  setText(find('link-text'), words[state])
  const lost = { away: `The link is lost. Next try in ${seconds} s.`, out: 'You are logged out.' }
  find('lost').hidden = !(state in lost)
  if (state === 'away' || state === 'out') setText(find('lost-text'), lost[state])
  setText(find('again'), state === 'out' ? 'Log in' : 'Try now')
}

// -- what I do -----------------------------------------------------------------------------

find('say').addEventListener('submit', (event) => {
  event.preventDefault()
  const value = text.value.trim()
  if (!value || !shown) return
  setText(find('refusal'), '')
  if (!link.send('channel.publish', { channel: shown.writing, message: value })) {
    setText(find('refusal'), 'Not connected: this has not been sent.')
    return
  }
  if (shown.kind === 'person') {
    link.send('message.direct', { userId: me.UserId, channel: `${me.UserId}.${shown.person.UserId}` })
  }
  text.value = ''
})

find('find').addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = /** @type {HTMLButtonElement} */ (/** @type {SubmitEvent} */ (event).submitter)
  const kind = button?.value === 'channel' ? 'channel' : 'person'
  const name = who.value.trim()
  setText(find('not-found'), '')
  try {
    const person = await findPerson('name', name)
    if (!person) {
      setText(find('not-found'), `Nobody is called “${name}”.`)
      return
    }
    who.value = ''
    location.hash = placeOf(kind, person).hash
    text.focus()
  } catch (error) {
    setText(find('not-found'), error instanceof Error ? error.message : String(error))
  }
})

find('share').addEventListener('click', async () => {
  await navigator.clipboard?.writeText(location.href)
  setText(find('share'), 'Copied')
  announce('The link is copied.')
  setTimeout(() => setText(find('share'), 'Copy link'), COPIED_MILLISECONDS)
})

find('remove').addEventListener('click', () => {
  if (!shown) return
  places.delete(shown.hash)
  removed.add(shown.hash)
  for (const channel of shown.channels) link.send('channel.unsubscribe', { channel })
  location.hash = ''
})

find('again').addEventListener('click', () => {
  if (isLoggedOut) location.assign(BASE)
  else link.open()
})

addEventListener('hashchange', route)
document.addEventListener('visibilitychange', drawSoon)

me = await ask('me').catch(() => undefined)
if (me) {
  setText(find('me'), me.Username)
  const isFirstTime = localStorage.getItem(storageKey()) === null
  restore()
  placeOf('channel', me)
  await addPeople(isFirstTime)
  const url = new URL('ws', BASE)
  url.protocol = url.protocol.replace('http', 'ws')
  link = new Link(url, me.UserId, take, setLink)
  link.open()
  await route()
} else {
  location.replace(BASE)
}
