/** Who is in a room, and what they say: of the room in the middle, and of the lobby. */

import { act, announce, find, h, setText } from './dom.js'

/** @typedef {import('./session.js').Room} Room */
/** @typedef {{ room: Room, title: string, list: HTMLOListElement, unread: number, last: string }} Channel */

const LINES = 200

export class Talk {
  /** @type {Channel[]} The lobby first, then the room in the middle. */
  #channels = []
  /** @type {Channel | undefined} */
  #shown

  constructor() {
    this.title = find('talk-title')
    this.lines = find('lines')
    this.input = /** @type {HTMLInputElement} */ (find('text'))
    this.other = find('other-talk')
    this.people = find('people-list')
    find('say').addEventListener('submit', (event) => {
      event.preventDefault()
      this.#say()
    })
    this.other.addEventListener('click', () => {
      this.#show(this.#channels.find((channel) => channel !== this.#shown))
      this.input.focus()
    })
  }

  /**
   * Show the talk of *room* from now on, until it is left.
   * @param {Room} room
   * @param {string} title
   * @param {AbortSignal} [signal] ends it earlier
   */
  open(room, title, signal) {
    const channel = { room, title, list: h('ol', { class: 'lines' }), unread: 0, last: '' }
    this.#channels.push(channel)
    room.on('said', ({ text }, from) => this.#hear(channel, from, text), { signal })
    room.on('history', ({ lines }) => {
      channel.list.replaceChildren() // it may come again, with the lines that were said before
      channel.last = ''
      for (const { sender, text } of lines) this.#add(channel, sender, text)
    }, { signal })
    for (const type of /** @type {const} */ (['join', 'leave', 'away', 'back'])) {
      room.onEvent(type, ({ name }) => this.#moved(channel, type, name), { signal })
    }
    room.onEvent('reset', () => { if (channel === this.#shown) this.#drawPeople(room) }, { signal })
    this.#show(channel)
  }

  /** @param {Room} room */
  close(room) {
    this.#channels = this.#channels.filter((channel) => channel.room !== room)
    if (this.#shown?.room === room) this.#show(this.#channels[0])
    else this.#drawOther()
  }

  closeAll() {
    this.#channels = []
    this.#shown = undefined
  }

  async #say() {
    const text = this.input.value.trim()
    const room = this.#shown?.room
    if (!text || !room) return
    if (await act(this.input, () => room.request('say', { text }))) this.input.value = ''
  }

  /** @param {Channel} channel @param {string} from @param {string} text */
  #hear(channel, from, text) {
    this.#add(channel, from, text)
    if (from === channel.room.app.user) return
    announce(`${from} says: ${text}`)
    if (channel === this.#shown) return
    channel.unread += 1
    this.#drawOther()
  }

  /** @param {Channel} channel @param {'join' | 'leave' | 'away' | 'back'} type @param {string} name */
  #moved(channel, type, name) {
    const words = { join: 'joined', leave: 'left', away: 'is away', back: 'is back' }
    if (channel !== this.#channels[0]) {
      announce(`${name} ${words[type]}.`)
      this.#append(channel, h('li', { class: 'quiet' }, `${name} ${words[type]}`))
      channel.last = ''
    }
    if (channel === this.#shown) this.#drawPeople(channel.room)
  }

  /** @param {Channel} channel @param {string} from @param {string} text */
  #add(channel, from, text) {
    const isMine = from === channel.room.app.user
    const line = h('li', isMine ? { class: 'mine' } : {})
    if (from !== channel.last) line.append(h('b', {}, from))
    line.append(h('span', {}, text))
    channel.last = from
    this.#append(channel, line)
  }

  /** @param {Channel} channel @param {HTMLLIElement} line */
  #append({ list }, line) {
    const { scrollTop, scrollHeight, clientHeight } = this.lines
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 40
    list.append(line)
    if (list.children.length > LINES) list.firstElementChild?.remove()
    this.lines.dataset.empty = ''
    if (isAtEnd) this.lines.scrollTop = this.lines.scrollHeight
  }

  /** @param {Channel | undefined} channel */
  #show(channel) {
    this.#shown = channel
    if (!channel) return
    channel.unread = 0
    setText(this.title, channel.title)
    this.lines.replaceChildren(channel.list, h('p', { class: 'empty' }, 'Nobody has said anything yet.'))
    this.lines.scrollTop = this.lines.scrollHeight
    this.input.disabled = channel.room.watching
    this.input.placeholder = channel.room.watching ? 'Who watches cannot talk' : 'Say something'
    this.#drawOther()
    this.#drawPeople(channel.room)
  }

  #drawOther() {
    const other = this.#channels.find((channel) => channel !== this.#shown)
    this.other.hidden = !other
    if (other) setText(this.other, `${other.title}${other.unread ? ` (${other.unread} new)` : ''}`)
  }

  /** @param {Room} room */
  #drawPeople(room) {
    const items = [...room.members].map(([name, { away }]) => {
      const tags = name === room.app.user ? ['you'] : name.startsWith('bot-') ? ['bot'] : []
      if (away) tags.push('away')
      return h('li', away ? { class: 'away' } : {},
        h('span', { class: 'face', 'aria-hidden': 'true' }, [...name.replace(/^bot-/, '')][0] ?? ''),
        h('span', { class: 'name' }, name), ...tags.map((tag) => h('small', {}, tag)))
    })
    const unlisted = room.count - items.length
    if (unlisted > 0) items.push(h('li', { class: 'quiet' }, `and ${unlisted} more`))
    if (!items.length) items.push(h('li', { class: 'quiet' }, 'Nobody'))
    this.people.replaceChildren(...items)
    setText(find('people-title'), `Who is here (${room.count})`)
  }
}
