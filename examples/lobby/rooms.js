/** The list of rooms: one tab for each application, one row for each room. It is live. */

import { act, find, h, icon, rove, setText } from './dom.js'
import { APPLICATIONS } from './session.js'

/** @typedef {import('./session.js').ApplicationName} ApplicationName */
/** @typedef {import('./session.js').RoomInfo} RoomInfo */
/** @typedef {{ item: HTMLLIElement, phase: HTMLElement, seats: HTMLElement, detail: HTMLElement, verb: HTMLButtonElement, info: RoomInfo }} Row */

const LOCK = 'M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5z'
const SEATS_DRAWN = 8

export class RoomList {
  /** @type {Map<ApplicationName, RoomInfo[]>} */
  #lists = new Map()
  /** @type {Map<string, Row>} */
  #rows = new Map()
  /** @type {ApplicationName} */
  #shown = 'tictactoe'
  #isHeld = false

  /**
   * @param {{ enter: (application: ApplicationName, room: RoomInfo, verb: string) => Promise<void>,
   *   create: (application: ApplicationName, options: Record<string, any>) => Promise<void>,
   *   isHere: (application: ApplicationName, room: string) => boolean, name: () => string }} page
   */
  constructor(page) {
    this.page = page
    this.list = find('room-list')
    this.empty = find('no-rooms')
    this.tabs = [...APPLICATIONS].map(([name, { title }]) => h('button', {
      type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': 'room-panel', onclick: () => this.show(name),
    }, h('span', {}, title), h('small', {}, '\u00a0')))
    const names = [...APPLICATIONS.keys()]
    find('tabs').append(...this.tabs)
    rove(find('tabs'), this.tabs, this.tabs.length, (index) => this.show(names[index] ?? 'tictactoe'))
    this.#prepareForm()
    // Nothing moves under the pointer or the focus: rows that are gone stay until it has left.
    const panel = find('room-panel')
    for (const event of ['pointerenter', 'focusin']) panel.addEventListener(event, () => { this.#isHeld = true })
    for (const event of ['pointerleave', 'focusout']) panel.addEventListener(event, () => { this.#release(panel) })
    this.show(this.#shown)
  }

  /** @param {HTMLElement} panel */
  #release(panel) {
    this.#isHeld = panel.matches(':hover') && matchMedia('(hover: hover)').matches
    if (!this.#isHeld) this.#draw()
  }

  /**
   * Watch the lists of a new session.
   * @param {import('./session.js').Session} session
   */
  async attach(session) {
    this.#lists.clear()
    await Promise.all([...session.apps].map(([name, app]) => app.watchRooms((rooms) => {
      this.#lists.set(name, rooms)
      this.#drawCounts()
      if (name === this.#shown) this.#draw()
    })))
  }

  /** @param {ApplicationName} name */
  show(name) {
    this.#shown = name
    const names = [...APPLICATIONS.keys()]
    this.tabs.forEach((tab, index) => {
      tab.ariaSelected = String(names[index] === name)
      tab.tabIndex = names[index] === name ? 0 : -1
    })
    find('room-panel').setAttribute('aria-labelledby', `tab-${name}`)
    setText(find('open-new'), `New ${APPLICATIONS.get(name)?.place}`)
    this.#toggleForm(false)
    this.#isHeld = false
    this.#draw()
  }

  /** Draw again what depends on where the user is. */
  refresh() {
    for (const row of this.#rows.values()) this.#fill(row)
  }

  #drawCounts() {
    [...APPLICATIONS].forEach(([name, { place }], index) => {
      const count = this.#lists.get(name)?.length ?? 0
      const small = this.tabs[index]?.lastElementChild
      if (small) setText(small, `${count} ${place}${count === 1 ? '' : 's'}`)
    })
  }

  #draw() {
    const rooms = this.#lists.get(this.#shown)
    if (!rooms) return
    this.list.ariaBusy = null
    const listed = new Set(rooms.map(({ name }) => name))
    for (const [name, row] of this.#rows) {
      if (listed.has(name) && row.item.dataset.application === this.#shown) continue
      if (this.#isHeld && row.item.dataset.application === this.#shown) {
        row.item.classList.add('gone')
        this.#setVerb(row, 'Gone', false)
      } else {
        row.item.remove()
        this.#rows.delete(name)
      }
    }
    for (const ghost of this.list.querySelectorAll('.ghost')) ghost.remove()
    for (const info of rooms) {
      const row = this.#rows.get(info.name) ?? this.#addRow(info)
      row.info = info
      row.item.classList.remove('gone')
      this.#fill(row)
    }
    this.empty.hidden = this.list.children.length > 0
    setText(this.empty, `No ${APPLICATIONS.get(this.#shown)?.place} is open. Open the first one.`)
  }

  /** @param {RoomInfo} info */
  #addRow(info) {
    const application = this.#shown
    const row = {
      info,
      phase: h('small'),
      seats: h('span', { class: 'dots' }),
      detail: h('span', { class: 'detail' }),
      verb: h('button', { type: 'button', class: 'verb' }),
      item: h('li', { class: 'row' }),
    }
    const title = h('span', {}, h('span', { class: 'name' }, info.name))
    if (info.password) title.append(icon(LOCK), h('span', { class: 'unseen' }, 'with a password'))
    title.append(row.phase)
    row.item.dataset.application = application
    row.item.append(h('div', { class: 'what' }, title, h('span', {}, row.seats, row.detail)), row.verb)
    row.verb.addEventListener('click', () => {
      if (row.verb.ariaDisabled === 'true') return
      act(row.verb, () => this.page.enter(application, row.info, row.verb.textContent ?? ''))
    })
    this.#rows.set(info.name, row)
    this.list.append(row.item)
    return row
  }

  /** @param {Row} row */
  #fill(row) {
    const { name, count, capacity, locked, spectators, properties } = row.info
    const players = Array.isArray(properties.players) ? properties.players : []
    const phase = typeof properties.phase === 'string' ? properties.phase : ''
    setText(row.phase, phase)
    setText(row.detail, players.join(', ') || (phase ? 'nobody yet' : 'seats'))
    this.#fillSeats(row.seats, count, capacity)
    const isHere = this.page.isHere(this.#shown, name)
    row.item.classList.toggle('here', isHere)
    if (isHere) this.#setVerb(row, 'Here', false)
    else if (count < capacity && !locked) this.#setVerb(row, 'Join', true)
    else if (spectators) this.#setVerb(row, 'Watch', true)
    else this.#setVerb(row, locked ? 'Locked' : 'Full', false)
  }

  /** @param {HTMLElement} seats @param {number} count @param {number} capacity */
  #fillSeats(seats, count, capacity) {
    const words = `${count} of ${capacity}`
    if (seats.dataset.words === words) return
    seats.dataset.words = words
    if (capacity > SEATS_DRAWN) {
      seats.replaceChildren(words)
      return
    }
    const dots = Array.from({ length: capacity }, (_, seat) => h('i', { class: seat < count ? 'taken' : '' }))
    seats.replaceChildren(h('span', { class: 'unseen' }, `${words} seats taken`), ...dots)
  }

  /** @param {Row} row @param {string} verb @param {boolean} isOpen */
  #setVerb({ verb: button, info }, verb, isOpen) {
    setText(button, verb)
    button.ariaLabel = `${verb} ${info.name}`
    button.ariaDisabled = isOpen ? null : 'true'
    button.classList.toggle('strong', verb === 'Join')
  }

  #prepareForm() {
    const name = h('input', { id: 'new-name', maxLength: 64, autocomplete: 'off', required: true })
    const password = h('input', { id: 'new-password', type: 'password', maxLength: 128, autocomplete: 'new-password' })
    const hidden = h('input', { id: 'new-hidden', type: 'checkbox' })
    const submit = h('button', { class: 'strong' }, 'Open')
    const form = find('new-room')
    form.append(
      h('label', { htmlFor: 'new-name' }, 'Name'), name,
      h('label', { htmlFor: 'new-password' }, 'Password, if any'), password,
      h('label', { class: 'check' }, hidden, 'Keep it out of the list'),
      h('div', { class: 'bar' },
        h('button', { type: 'button', onclick: () => this.#toggleForm(false) }, 'Cancel'), submit))
    form.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#toggleForm(false)
    })
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      const options = {
        name: name.value,
        ...(password.value && { password: password.value }),
        ...(hidden.checked && { hidden: true }),
      }
      if (await act(name, () => this.page.create(this.#shown, options))) this.#toggleForm(false)
    })
    find('open-new').addEventListener('click', () => {
      const mine = [...this.page.name()].slice(0, 50).join('') // the server takes 64 in all
      name.value = `${mine}'s ${APPLICATIONS.get(this.#shown)?.place}`
      this.#toggleForm(true)
      name.select()
    })
  }

  /** @param {boolean} isOpen */
  #toggleForm(isOpen) {
    const button = find('open-new')
    const hadFocus = find('new-room').contains(document.activeElement)
    find('new-room').hidden = !isOpen
    button.hidden = isOpen
    button.ariaExpanded = String(isOpen)
    if (hadFocus && !isOpen) button.focus()
  }
}
