/** The real server in a process of its own, and sockets to it that a test can lose. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import WebSocket from 'ws'

/** Start the server of server.py; on a free port where none is given. */
export async function startServer(port = 0) {
  const script = fileURLToPath(new URL('server.py', import.meta.url))
  const process_ = spawn(process.env.PYTHON ?? 'python3', [script, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(process_.stdout, 'data')
  const ended = once(process_, 'exit')
  return {
    port: Number(line),
    address: `ws://127.0.0.1:${Number(line)}/`,
    /** End it as an operator would. */
    stop: () => {
      process_.stdin.end()
      return ended
    },
    /** End it as a power cut would. */
    kill: () => {
      process_.kill('SIGKILL')
      return ended
    },
  }
}

/** A network of one client: its sockets can be lost, and new ones refused. */
export function network() {
  let isDown = false
  let newest
  class Socket extends WebSocket {
    #isStalled = false

    constructor(url, protocol) {
      super(isDown ? 'ws://127.0.0.1:9/' : url, protocol)
      newest = this
    }

    emit(event, ...values) {
      return this.#isStalled || super.emit(event, ...values)
    }

    stall() {
      this.#isStalled = true
    }
  }
  return {
    WebSocket: Socket,
    /** Lose the socket without a word. */
    cut: () => newest.terminate(),
    /** Let nothing more come over the socket, which stays open. */
    stall: () => newest.stall(),
    down: () => {
      isDown = true
      newest.terminate()
    },
    up: () => { isDown = false },
  }
}
