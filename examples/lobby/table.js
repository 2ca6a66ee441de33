/** A table in the middle of the page: its seats, what is going on, the board. */

import { connectfourBoard, pieces as discs } from './connectfour.js'
import { act, announce, h, setText } from './dom.js'
import { APPLICATIONS } from './session.js'
import { pieces as marks, tictactoeBoard } from './tictactoe.js'

/** @typedef {{ players: string[], turn: number, phase: string, winner: string }} Game */

export class Table {
  /** @type {any} The newest board. */
  #board
  #wantsAgain = ''
  /** @type {Map<string, number>} When those who are away have to be back. */
  #awayUntil = new Map()
  #forfeited = ''

  /**
   * @param {HTMLElement} container
   * @param {import('./session.js').ApplicationName} application
   * @param {import('./session.js').Room} room
   * @param {{ leave: () => void, sit: () => Promise<void>, changed: () => void, signal: AbortSignal }} page
   */
  constructor(container, application, room, page) {
    const isFour = application === 'connectfour'
    this.room = room
    this.me = room.app.user
    this.page = page
    this.pieces = isFour ? discs : marks
    const play = async (/** @type {string} */ action, /** @type {any} */ data) => {
      if (!room.watching) await room.request(action, data)
    }
    this.board = /** @type {any} */ (isFour ? connectfourBoard(play) : tictactoeBoard(play))
    this.seats = h('ul', { class: 'seats', 'aria-label': 'Seats' })
    this.status = h('p', { class: 'status' }, 'Fetching the board')
    this.again = h('button', { type: 'button', class: 'strong', hidden: true, onclick: () => this.#again() }, 'Play again')
    this.sit = h('button', { type: 'button', class: 'strong', hidden: true, onclick: () => act(this.sit, page.sit) }, 'Sit down')
    this.note = h('p', { class: 'quiet' })
    const copy = h('button', { type: 'button', class: 'plain', onclick: () => this.#copy(copy) }, 'Copy link')
    container.replaceChildren(
      h('div', { class: 'bar' },
        h('h1', {}, h('span', { class: 'name' }, room.name), h('small', {}, APPLICATIONS.get(application)?.title ?? '')),
        copy,
        h('button', { type: 'button', onclick: page.leave }, 'Leave')),
      this.seats, this.status, this.board.element,
      h('div', { class: 'after' }, this.again, this.sit, this.note))
    this.#listen(page.signal)
    this.#draw()
    if (room.watching) this.#look()
  }

  /** What the tab's title says. */
  get title() {
    return `${this.status.textContent} · ${this.room.name}`
  }

  /** Whether leaving now gives a game up. */
  get isPlaying() {
    return this.#board?.phase === 'playing' && this.#isPlayer()
  }

  focus() {
    this.board.focus()
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { room } = this
    const draw = () => this.#draw()
    room.on('board', (board) => this.#take(board), { signal })
    room.on('wants_again', ({ by }) => {
      this.#wantsAgain = by
      if (by !== this.me) announce(`${by} wants to play again.`)
      draw()
    }, { signal })
    room.on('forfeited', ({ by }) => {
      this.#forfeited = by
      announce(`${by} gave the game up.`)
      draw()
    }, { signal })
    room.onEvent('away', ({ name, seconds }) => {
      this.#awayUntil.set(name, Date.now() + seconds * 1000)
      draw()
    }, { signal })
    for (const type of /** @type {const} */ (['join', 'leave', 'back', 'update'])) {
      room.onEvent(type, draw, { signal })
    }
    room.onEvent('reset', () => this.#look(), { signal })
    const ticking = setInterval(() => { if (this.#awayUntil.size) draw() }, 1000)
    signal.addEventListener('abort', () => clearInterval(ticking))
  }

  /** Who watches, or has missed something for good, is told nothing until the next move: ask the lobby. */
  async #look() {
    const before = this.#board
    try {
      const board = await this.room.app.request('look', { table: this.room.name })
      if (this.#board === before) this.#take(board)
    } catch {
      if (!this.#board) setText(this.status, 'The board comes with the next move')
    }
  }

  /** @param {any} board */
  #take(board) {
    const before = this.#board
    this.#board = board
    const isSameGame = before?.phase === 'playing' && before.players.join() === board.players.join()
    this.board.update(board, isSameGame ? before : undefined)
    if (board.phase !== 'over') this.#wantsAgain = ''
    if (board.phase === 'playing') this.#forfeited = ''
    this.#draw()
    const mover = isSameGame ? before.players[before.turn] : undefined
    const played = mover && mover !== this.me ? this.board.played(before, board) : ''
    if (played) announce(`${mover} plays ${played}.`)
    if (played || board.phase !== before?.phase) announce(`${this.status.textContent}.`)
  }

  async #again() {
    if (await act(this.again, () => this.room.request('again'))) this.focus()
  }

  /** @param {HTMLButtonElement} button */
  async #copy(button) {
    await act(button, async () => {
      await navigator.clipboard.writeText(location.href)
      button.textContent = 'Copied'
      setTimeout(() => { button.textContent = 'Copy link' }, 2000)
    })
  }

  #isPlayer() {
    return !this.room.watching && this.#game().players.includes(this.me)
  }

  /** @returns {Game} */
  #game() {
    const { phase = 'waiting', players = [] } = this.room.properties
    return this.#board ?? { players, phase, turn: 0, winner: '' }
  }

  #draw() {
    const game = this.#game()
    const isPlayer = this.#isPlayer()
    if (this.#board) setText(this.status, this.#status(game))
    this.board.element.dataset.phase = game.phase
    this.board.element.classList.toggle('mine', isPlayer && game.phase === 'playing' && game.players[game.turn] === this.me)
    this.#drawSeats(game)
    this.status.classList.toggle('good', game.phase === 'playing' && isPlayer && game.players[game.turn] === this.me)
    const wantsMe = this.#wantsAgain && this.#wantsAgain !== this.me
    this.again.hidden = !(isPlayer && game.phase === 'over' && this.#wantsAgain !== this.me)
    this.sit.hidden = !(this.room.watching && this.room.count < this.room.capacity)
    const away = this.#awayNote(game)
    let note = ''
    if (away) note = away
    else if (this.#forfeited) note = `${this.#forfeited} gave the game up.`
    else if (this.room.watching) note = 'You are watching.'
    else if (wantsMe) note = `${this.#wantsAgain} wants to play again.`
    else if (this.#wantsAgain) note = 'Waiting for the other side to say yes.'
    else if (game.phase === 'waiting') note = 'Send the link to a friend. If nobody comes, a bot sits down.'
    setText(this.note, note)
    this.page.changed()
  }

  /** @param {Game} game */
  #awayNote({ players }) {
    const name = players.find((player) => this.room.members.get(player)?.away)
    for (const known of this.#awayUntil.keys()) {
      if (!this.room.members.get(known)?.away) this.#awayUntil.delete(known)
    }
    if (!name) return ''
    const seconds = Math.ceil(((this.#awayUntil.get(name) ?? 0) - Date.now()) / 1000)
    return seconds > 0 ? `${name} is away, with ${seconds} s to come back.` : `${name} is away.`
  }

  /** @param {Game} game */
  #drawSeats(game) {
    const seats = this.pieces.map((piece, seat) => {
      const name = game.players[seat]
      const isTurn = game.phase === 'playing' && seat === game.turn
      const tags = name === this.me ? ['you'] : []
      if (name && this.room.members.get(name)?.away) tags.push('away')
      const item = h('li', { class: `seat${name ? '' : ' free'}${isTurn ? ' turn' : ''}${name && name === game.winner ? ' won' : ''}` },
        piece(), h('span', { class: 'who' }, h('span', { class: 'name' }, name ?? 'Free seat'), ...tags.map((tag) => h('small', {}, tag))))
      if (isTurn) item.setAttribute('aria-current', 'true')
      return item
    })
    this.seats.replaceChildren(...seats)
  }

  /** @param {Game} game */
  #status({ phase, players, turn, winner }) {
    if (phase === 'waiting') return 'Waiting for an opponent'
    if (phase === 'over') return winner === '' ? 'A draw' : `${winner === this.me ? 'You' : winner} won`
    return players[turn] === this.me ? 'Your turn' : `${players[turn]} to move`
  }
}
