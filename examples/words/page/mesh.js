/** One socket of mesh frames, several to a message at times, one a line. */

/**
 * @typedef {object} Frame
 * @property {string} action
 * @property {any} message_body
 * @property {boolean} IsTargetClient
 * @property {string} target a room, or for IsTargetClient the one client
 * @property {string} sender
 */

export const GLOBAL_ROOM = 'mesh-global'

/** A connection to the server; it connects once. */
export class Mesh {
  #socket
  #hasEnded = false

  /**
   * @param {string | URL} url
   * @param {{ open: () => void, frame: (frame: Frame) => void, close: () => void }} listener
   */
  constructor(url, listener) {
    this.#socket = new WebSocket(url)
    this.#socket.addEventListener('open', () => listener.open())
    this.#socket.addEventListener('message', ({ data }) => {
      for (const line of data.split(/\r?\n/)) {
        if (line && !this.#hasEnded) listener.frame(JSON.parse(line))
      }
    })
    this.#socket.addEventListener('close', () => {
      if (!this.#hasEnded) listener.close()
    })
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /**
   * @param {string} action
   * @param {string} target the room whose business it is
   * @param {Record<string, unknown>} [body]
   */
  send(action, target, body = {}) {
    this.#socket.send(JSON.stringify({ action, message_body: body, target }))
  }

  /** Close it without telling the listener. */
  end() {
    this.#hasEnded = true
    this.#socket.close()
  }
}
