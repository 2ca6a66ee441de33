/** One socket, and one login under the same name to each application of the demo. */

import { GoroomError, open } from './goroom.js'
import { alternatives } from './guests.js'

/** @typedef {import('./goroom.js').App} App */
/** @typedef {import('./goroom.js').Room} Room */
/** @typedef {import('./goroom.js').RoomInfo} RoomInfo */
/** @typedef {'tictactoe' | 'connectfour' | 'chat'} ApplicationName */

const NAME_TAKEN = 4

/**
 * The applications, in the order of the tabs: their names for people, and what they play in.
 * @type {Map<ApplicationName, { title: string, kind: string, place: string }>}
 */
export const APPLICATIONS = new Map([
  ['tictactoe', { title: 'Tic-tac-toe', kind: 'table', place: 'table' }],
  ['connectfour', { title: 'Connect four', kind: 'table', place: 'table' }],
  ['chat', { title: 'Chat', kind: 'hall', place: 'hall' }],
])

/**
 * Connect, and log in to every application.
 * @param {string} name
 * @param {{ isGuest: boolean }} options whether another name will do where this one is taken
 * @returns {Promise<Session>}
 */
export async function startSession(name, { isGuest }) {
  const connection = await open(new URL('.', location.href))
  try {
    for (const candidate of isGuest ? alternatives(name) : [name]) {
      const apps = await login(connection, candidate, isGuest)
      if (apps) return new Session(connection, apps)
    }
    throw new Error('Every name like this is taken')
  } catch (error) {
    connection.close()
    throw error
  }
}

/**
 * Log in everywhere under *name*, or nowhere.
 * @param {import('./goroom.js').Connection} connection
 * @param {string} name
 * @param {boolean} isGuest
 */
async function login(connection, name, isGuest) {
  /** @type {Map<ApplicationName, App>} */
  const apps = new Map()
  try {
    for (const application of APPLICATIONS.keys()) {
      apps.set(application, await connection.login(application, { name }))
    }
    return apps
  } catch (error) {
    if (!isGuest || !(error instanceof GoroomError) || error.code !== NAME_TAKEN) throw error
    await Promise.all([...apps.values()].map((app) => app.logout()))
    return undefined
  }
}

/** Logged in to every application. */
export class Session {
  #hasEnded = false

  /**
   * @param {import('./goroom.js').Connection} connection
   * @param {Map<ApplicationName, App>} apps
   */
  constructor(connection, apps) {
    this.connection = connection
    this.apps = apps
    this.name = this.app('chat').user
  }

  /** @param {ApplicationName} name */
  app(name) {
    const app = this.apps.get(name)
    if (!app) throw new Error(`not logged in to ${name}`)
    return app
  }

  /**
   * Call *listener* with "suspended" when the link is lost, and with "open" when every application
   * has come back.
   * @param {(state: 'suspended' | 'open') => void} listener
   */
  onLink(listener) {
    let isAway = false
    for (const app of this.apps.values()) {
      app.on('drop', () => {
        if (isAway) return
        isAway = true
        listener('suspended')
      })
      app.on('resume', () => {
        isAway = [...this.apps.values()].some(({ state }) => state !== 'open')
        if (!isAway) listener('open')
      })
    }
  }

  /**
   * Call *listener* once when the link does not come back, or an application has ended its part of it.
   * @param {(close: { code: number, reason: string }) => void} listener
   */
  onLost(listener) {
    for (const app of this.apps.values()) {
      app.on('close', (close) => {
        if (this.#hasEnded) return
        this.end()
        listener(close)
      })
    }
  }

  /** Log out everywhere and close the connection; no listener is told. */
  end() {
    this.#hasEnded = true
    this.connection.close()
  }
}
