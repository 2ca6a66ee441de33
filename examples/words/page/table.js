/** One room as its frames tell it: a value that the page shows. It knows neither page nor socket. */

/**
 * @typedef {object} Player
 * @property {string} color
 * @property {string} name
 * @property {number} score
 * @property {string} slug
 */

/** @typedef {{ kind: 'bot' | 'mine' | 'other', name: string, text: string }} Line */

const BOT = 'bot-of-the-room'

/**
 * Texts come as HTML in which what people wrote is escaped: turn that back, for textContent.
 * @param {string} html
 */
const plain = (html) => html.replaceAll('&lt;', '<')

/** What is known of the room that one wants to join, is in, or was refused. */
export class Table {
  /** @type {'joining' | 'refused' | 'gathering' | 'playing' | 'over'} */
  phase = 'joining'
  /** This client's slug. */
  me = ''
  isMaker = false
  /** @type {Player[]} in the order of turns */
  players = []
  /** @type {Line[]} */
  lines = []
  letter = ''
  /** Slug of the player to move. */
  turn = ''
  /** Whether this client has said its word: the server will answer. */
  hasSaid = false
  /** When the time for it is over, and how long it was, in milliseconds. */
  deadline = 0
  span = 0
  /** What the server said of a refusal or the end. */
  text = ''
  /** @type {Player[]} the best first */
  ranking = []
  /** @type {string[]} */
  words = []

  /**
   * @param {string} room
   * @param {boolean} isRandom whether the server says which room it is
   */
  constructor(room, isRandom) {
    this.room = room
    this.isRandom = isRandom
  }

  get isMyTurn() {
    return this.turn !== '' && this.turn === this.me && !this.hasSaid
  }

  /** @param {string} slug */
  nameOf(slug) {
    return this.players.find((player) => player.slug === slug)?.name ?? slug
  }

  /**
   * Take in one frame.
   * @param {import('./mesh.js').Frame} frame
   * @param {number} now in milliseconds
   * @returns {boolean} whether it was about this room
   */
  take({ action, message_body: body, IsTargetClient, target, sender }, now) {
    if (action === 'found-random-room-notify') this.room = body.roomname
    if (!IsTargetClient && target !== this.room) return false
    switch (action) {
      case 'know-yourself':
        this.me = body.sender
        this.phase = 'gathering'
        break
      case 'is-room-maker':
        this.isMaker = true
        break
      case 'fail-join-room-notify':
        this.phase = 'refused'
        this.text = plain(body.message)
        break
      case 'client-list-notify':
        this.players = body.clientsinroomessage
        break
      case 'room-setting-applied':
        this.#say(sender, body.message)
        break
      case 'send-message':
        // That a turn or the game is over is seen, and told with what comes next.
        if (sender === BOT && this.turn) this.turn = ''
        else this.#say(sender, body.message)
        break
      case 'room-bot-greetings':
        // It may begin anew, with another player.
        Object.assign(this, { phase: 'playing', letter: '', turn: '', hasSaid: false, deadline: 0, span: 0 })
        break
      case 'message-by-bot':
        this.#say(sender, body.message)
        this.players = body.clientstats
        this.letter = body.letter
        this.turn = body.whichclientturn?.slug ?? ''
        this.hasSaid = false
        this.span = body.timer * 1000
        this.deadline = now + this.span
        break
      case 'room-bot-end-game':
        this.phase = 'over'
        this.text = plain(body.message)
        this.ranking = body.client_list
        this.words = body.word_list
        break
    }
    return true
  }

  /**
   * @param {string} sender
   * @param {string} html
   */
  #say(sender, html) {
    const kind = sender === BOT ? 'bot' : sender === this.me ? 'mine' : 'other'
    const name = kind === 'bot' ? 'Bot' : this.nameOf(sender)
    this.lines.push({ kind, name, text: plain(html) })
  }
}
