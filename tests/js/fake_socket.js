/**
 * A WebSocket without a wire: a test reads what the client sent and says what comes, and when.
 * Several frames in one turn of the event loop are what no real server can be made to send.
 */
export class FakeSocket {
  /** The newest one. @type {FakeSocket} */
  static newest
  /** @type {FakeSocket[]} */
  static all = []

  sent = []
  closedWith = undefined
  #read = 0

  constructor(url, protocol) {
    this.url = url
    this.protocol = protocol
    FakeSocket.newest = this
    FakeSocket.all.push(this)
    if (FakeSocket.isReachable) queueMicrotask(() => this.onopen?.())
  }

  /** Whether those made from now on are opened. */
  static isReachable = true

  /** End what is still open, so that no connection waits for the next test. */
  static reset() {
    FakeSocket.isReachable = true
    for (const socket of FakeSocket.all.splice(0)) socket.lose(4500)
  }

  /** The one that the client makes after this one. @returns {Promise<FakeSocket>} */
  async successor() {
    while (FakeSocket.newest === this) await turn()
    return FakeSocket.newest
  }

  send(text) {
    this.sent.push(JSON.parse(text))
  }

  close(code) {
    this.closedWith = code
  }

  /** Say that these frames came, all in this turn. */
  receive(...frames) {
    for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) })
  }

  /** Say that the link is gone. */
  lose(code = 1006, reason = '') {
    this.onclose({ code, reason })
  }

  /** The next frame that the client sent and the test has not read yet. */
  async next() {
    while (this.sent.length <= this.#read) await turn()
    return this.sent[this.#read++]
  }
}

/** Wait until everything that is ready to run has run. */
export const turn = () => new Promise((done) => setImmediate(done))
