/** The link to the mirror: one socket after the other, and who it is bound to. */

const LONGEST_WAIT = 30

/**
 * Keeps a socket open, names it to the server, and comes back by itself.
 *
 * @typedef {{ code: string, message: string, websocketId: string, userId: string, channel: string }} Frame
 */
export class Link {
  /** @type {WebSocket | undefined} */
  #socket
  #tries = 0
  #timer = 0
  #hasEnded = false

  /**
   * @param {URL} url
   * @param {string} userId whom each socket is bound to
   * @param {(frame: Frame) => void} onFrame
   * @param {(state: 'connecting' | 'open' | 'away', seconds?: number) => void} onState
   */
  constructor(url, userId, onFrame, onState) {
    this.url = url
    this.userId = userId
    this.onFrame = onFrame
    this.onState = onState
    addEventListener('online', () => { if (!this.#socket) this.open() })
    addEventListener('offline', () => this.#socket?.close())
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** Connect now. */
  open() {
    clearInterval(this.#timer)
    if (this.#socket || this.#hasEnded) return
    this.onState('connecting')
    const socket = new WebSocket(this.url)
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(data)))
    socket.addEventListener('close', () => {
      this.#socket = undefined
      if (!this.#hasEnded) this.#waitFor(Math.min(LONGEST_WAIT, 2 ** this.#tries++))
    })
  }

  /** Connect no more. */
  end() {
    this.#hasEnded = true
    clearInterval(this.#timer)
    this.#socket?.close()
  }

  /**
   * Send a frame, if the link is open.
   * @param {string} code
   * @param {Partial<Frame>} fields
   */
  send(code, fields) {
    if (this.isOpen) this.#socket?.send(JSON.stringify({ code, ...fields }))
    return this.isOpen
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (frame.code === 'registered.success') {
      this.#tries = 0
      this.send('register.userId', { websocketId: frame.websocketId, userId: this.userId })
      this.onState('open')
    }
    this.onFrame(frame)
  }

  /** @param {number} seconds */
  #waitFor(seconds) {
    // Not all at the same moment: a server that has just started would have them all at once.
    let left = Math.ceil(seconds * (1 + Math.random() / 2))
    this.onState('away', left)
    this.#timer = setInterval(() => {
      left -= 1
      if (left > 0) this.onState('away', left)
      else this.open()
    }, 1000)
  }
}
