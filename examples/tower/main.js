/** The hall, for a person: who says what, comes and goes; and commands to copy. */

import { connect } from '../goroom.js'

const LINES = 500

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id))
const log = element('log')
const form = /** @type {HTMLFormElement} */ (element('say'))
const input = /** @type {HTMLInputElement} */ (element('text'))

for (const place of document.querySelectorAll('.host')) place.textContent = location.host

for (const command of document.querySelectorAll('.command')) {
  const button = command.querySelector('button')
  const code = command.querySelector('code')
  if (button && code) button.addEventListener('click', () => copy(code, button))
}

/** @param {HTMLElement} code @param {HTMLButtonElement} button */
async function copy(code, button) {
  for (const other of document.querySelectorAll('.command button')) other.textContent = 'Copy'
  try {
    await navigator.clipboard.writeText(code.textContent ?? '')
    button.textContent = 'Copied'
    element('said').textContent = 'Copied'
  } catch {
    getSelection()?.selectAllChildren(code)
    element('said').textContent = 'Selected: copy it by hand'
  }
}

/** @param {string} text @param {string} [sender] */
function show(text, sender) {
  const line = document.createElement('li')
  if (sender === undefined) line.className = 'news'
  else line.append(Object.assign(document.createElement('strong'), { textContent: sender }), ' ')
  line.append(text)
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8
  log.append(line)
  if (log.childElementCount > LINES) log.firstElementChild?.remove()
  if (isAtEnd) log.scrollTop = log.scrollHeight
}

/** @param {'open' | 'suspended' | 'closed'} state @param {string} text */
function showLink(state, text) {
  document.body.dataset.link = state
  element('link-text').textContent = text
}

async function enter() {
  const name = `guest-${Math.floor(Math.random() * 1e6)}`
  const app = await connect(new URL('.', location.href), { app: 'tower', name })
  const room = await app.join('hall')
  const showPeople = () => {
    const others = room.count - 1
    const away = [...room.members.values()].filter((member) => member.away).length
    element('people').textContent = others
      ? `${others} more ${others === 1 ? 'is' : 'are'} here${away ? `, ${away} away` : ''}`
      : 'nobody else is here'
  }
  element('me').textContent = app.user
  showLink('open', 'Connected')
  showPeople()
  app.on('drop', () => showLink('suspended', 'The link is lost'))
  app.on('resume', () => showLink('open', 'Connected'))
  app.on('close', ({ reason }) => showLink('closed', `Closed: ${reason}. Reload to come back`))
  room.on('say', ({ text }, sender) => show(text, sender))
  room.onEvent('join', ({ name: newcomer }) => (show(`${newcomer} is here`), showPeople()))
  room.onEvent('leave', ({ name: leaver }) => (show(`${leaver} has gone`), showPeople()))
  room.onEvent('away', showPeople)
  room.onEvent('back', showPeople)
  addEventListener('pagehide', () => app.close())
  room.onEvent('left', ({ reason }) => showLink('closed', `Out of the hall: ${reason}`))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const text = input.value
    input.value = ''
    try {
      await room.request('say', { text })
      element('refused').textContent = ''
    } catch (error) {
      input.value ||= text
      element('refused').textContent = error instanceof Error ? error.message : String(error)
    }
  })
}

enter().catch((error) => showLink('closed', `Not connected: ${error.message}`))
