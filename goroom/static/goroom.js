/**
 * goroom's client for browsers and Node: one ES module, no dependency, no build step.
 *
 *     import { connect } from '/goroom.js'
 *     const app = await connect('ws://localhost:8080/', { app: 'tictactoe', name: 'ada' })
 *     const room = await app.joinOrCreate('table')
 *     room.on('board', (board) => draw(board))
 *     await room.request('move', { square: 4 })      // rejects with a GoroomError
 *
 * - `on` of a Room hears messages by the names their author gave them. What the room itself does is
 *   heard by `onEvent`, so that no author's "join" or "update" is mistaken for the room's.
 * - `on` of an App hears what becomes of the login; messages of the application: `onMessage`.
 * - Nothing is lost between a promise and its listeners: what the server sends behind its reply to
 *   `connect`, `login`, `join` and `watch` waits until the code that awaited them has run up to its
 *   next wait for something else.
 * - Events of one room come in the order in which the room made them, each once. There is no order
 *   between rooms.
 * - A listener that throws stops no other; the error is reported as an uncaught one.
 * - A lost link is not restored: it ends in state "closed" and the event "close".
 *
 * @module
 */

/** @typedef {'connecting' | 'open' | 'closed'} State */
/** @typedef {{ signal?: AbortSignal }} Options */
/** @typedef {() => void} Off Takes the listener away; a second call does nothing. */
/** @typedef {Record<string, any> | (() => Record<string, any> | Promise<Record<string, any>>)} Credentials */
/** @typedef {{ name: string, credentials?: Credentials }} LoginOptions */
/** @typedef {{ WebSocket?: new (url: string, protocol: string) => any, signal?: AbortSignal }} OpenOptions */
/** @typedef {(data: any, from: string, action: string) => void} Listener `from` is "" where the server speaks. */
/**
 * A room in the list of rooms.
 * @typedef {{ name: string, kind: string, count: number, capacity: number, locked: boolean,
 *   password: boolean, spectators: boolean, properties: Record<string, any>, maker: string }} RoomInfo
 */
/**
 * What happens in a room, in order. "left" is the last: this client is no longer in the room.
 * @typedef {{ type: 'message', action: string, data: any, from: string }
 *   | { type: 'join' | 'back', name: string }
 *   | { type: 'leave', name: string, reason: string, message: string }
 *   | { type: 'away', name: string, seconds: number }
 *   | { type: 'update', changes: Record<string, any> }
 *   | { type: 'left', reason: string, message: string }} RoomEvent
 */
/** @typedef {{ code: number, reason: string }} CloseEvent */
/** @typedef {{ join: Room, refused: GoroomError, close: CloseEvent }} AppEvents */
/** @typedef {Record<string, any> & { eventType: number }} Frame */

const SUBPROTOCOL = 'goroom.json'

// Numbers of events on the wire.
const DISCONNECTION = 2
const JOIN_ROOM = 4
const LEAVE_ROOM = 5
const LOGIN = 6
const LOGOUT = 7
const SUBSCRIBE_ROOM = 9
const UNSUBSCRIBE_ROOM = 10
const MESSAGE = 11
const ROOM_ADD = 12
const ROOM_REMOVE = 13
const ROOM_UPDATE = 20
const MEMBER_AWAY = 21
const MEMBER_BACK = 22

/** Events that an iterator keeps for a loop that does not come round; then the loop fails. */
const ITERATOR_EVENTS = 1000

/**
 * The server refused, or the link is closed.
 */
export class GoroomError extends Error {
  /** @internal @param {Record<string, any>} error @param {Frame} [frame] */
  constructor({ code = 0, reason = '', message = '', field = '' }, frame) {
    super(message)
    this.name = 'GoroomError'
    /** Number of the error; from 1000 up the application's own, 0 where the link is closed. */
    this.code = /** @type {number} */ (code)
    /** Name of the error, for programs. */
    this.reason = /** @type {string} */ (reason)
    /** Path of the bad field in the data sent, such as `moves[1].square`, or "". */
    this.field = /** @type {string} */ (field)
    /** The action that was refused, or "". */
    this.action = /** @type {string} */ (frame?.action ?? '')
    /** Name of the room that refused, or "". */
    this.room = /** @type {string} */ (frame?.roomName ?? '')
  }
}

/** Listeners by name. */
class Listeners {
  /** @type {Map<string, Set<(...values: any[]) => void>>} */
  #sets = new Map()

  /**
   * @param {string} name
   * @param {(...values: any[]) => void} listener
   * @param {Options} [options]
   * @returns {Off}
   */
  add(name, listener, { signal } = {}) {
    if (typeof listener !== 'function') throw new TypeError(`the listener of ${name} is no function`)
    if (signal?.aborted) return () => {}
    const call = (/** @type {any[]} */ ...values) => listener(...values)
    const set = this.#sets.get(name) ?? new Set()
    this.#sets.set(name, set.add(call))
    const off = () => {
      set.delete(call)
      signal?.removeEventListener('abort', off)
    }
    signal?.addEventListener('abort', off)
    return off
  }

  /** @param {string} name @param {any[]} values */
  emit(name, ...values) {
    const set = this.#sets.get(name)
    for (const listener of [...(set ?? [])]) {
      if (!set?.has(listener)) continue // an earlier one took it away
      try {
        listener(...values)
      } catch (error) {
        queueMicrotask(() => { throw error })
      }
    }
  }
}

/**
 * Run *callback* when everything that now waits for a settled promise has run.
 * Not setTimeout: in a tab that nobody looks at it takes a second.
 * @param {() => void} callback
 */
function afterThisTurn(callback) {
  if ('setImmediate' in globalThis) {
    /** @type {any} */ (globalThis).setImmediate(callback) // Node
    return
  }
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    callback()
  }
  port2.postMessage(null)
}

/** @param {number} code @param {string} reason */
const closed = (code, reason) =>
  new GoroomError({ reason: 'closed', message: `The connection is closed (${code}${reason && ' ' + reason})` })

/**
 * @param {Record<string, any>} data
 * @returns {RoomInfo}
 */
const infoOf = ({ roomName, appName, ...more }) => /** @type {any} */ ({ name: roomName, ...more })

/**
 * Whether an event is newer than the place of *holder*, which it then takes.
 * @param {{ seq: number, sub: number }} holder
 * @param {Frame} frame
 */
function advance(holder, { seq, sub = 0 }) {
  if (seq === undefined) return true
  if (seq < holder.seq || (seq === holder.seq && sub <= holder.sub)) return false
  holder.seq = seq
  holder.sub = sub
  return true
}

/**
 * A room that this client is in, or watches.
 *
 * One object for one stay: a room that was left and joined again is a new one. The properties are
 * kept up to date and have changed before listeners hear of it.
 */
export class Room {
  #messages = new Listeners()
  #events = new Listeners()
  /** @type {Set<(event: RoomEvent) => void>} */
  #iterators = new Set()

  /** @internal @param {App} app @param {string} name */
  constructor(app, name) {
    this.app = app
    this.name = name
    this.kind = ''
    /** Most members. */
    this.capacity = 0
    /** How many members there are; `members` may hold fewer, but never more than are there. */
    this.count = 0
    /** The members by name, this client's user among them; of very full rooms the first 200. */
    this.members = /** @type {Map<string, { away: boolean }>} */ (new Map())
    /** Free values that the room's author chose. */
    this.properties = /** @type {Record<string, any>} */ ({})
    /** Whether it is locked, as far as this client was told. */
    this.locked = false
    /** The user whose client made it, or "". */
    this.maker = ''
    /** Whether this client only watches: it hears what is for everybody and may not speak. */
    this.watching = false
    /** Whether this client is no longer in the room. */
    this.hasLeft = false
    /** Names the sequence that `seq` counts in. */
    this.epoch = ''
    /** Place of the newest event, with `sub`. */
    this.seq = 0
    this.sub = 0
  }

  /**
   * Call *listener* with (data, from, action) for each message named *action*; "*" hears all.
   * @param {string} action
   * @param {Listener} listener
   * @param {Options} [options]
   */
  on(action, listener, options) {
    return this.#messages.add(action, listener, options)
  }

  /**
   * Like `on`, for the next message only.
   * @param {string} action
   * @param {Listener} listener
   * @param {Options} [options]
   */
  once(action, listener, options) {
    const off = this.on(action, (...values) => {
      off()
      listener(...values)
    }, options)
    return off
  }

  /**
   * Call *listener* with each event of one type: "join", "leave", "away", "back" of other members,
   * "update" of the room's properties, "left" when this client is out.
   * @template {RoomEvent['type']} T
   * @param {T} type
   * @param {(event: Extract<RoomEvent, { type: T }>) => void} listener
   * @param {Options} [options]
   */
  onEvent(type, listener, options) {
    return this.#events.add(type, listener, options)
  }

  /**
   * Send a message and wait for nothing. A refusal is the application's event "refused".
   * @param {string} action
   * @param {any} [data]
   * @throws {GoroomError} The link is closed.
   */
  send(action, data) {
    this.app._send({ eventType: MESSAGE, roomName: this.name, action, data })
  }

  /**
   * Send a message and wait for its reply; what the message caused here has been heard before.
   * @param {string} action
   * @param {any} [data]
   * @param {Options} [options]
   * @returns {Promise<any>} what its handler returned
   * @throws {GoroomError} It was refused, or the link is closed.
   */
  request(action, data, options) {
    const frame = { eventType: MESSAGE, roomName: this.name, action, data }
    return this.app._request(frame, (reply) => reply.data, options)
  }

  /**
   * Leave the room, or stop watching it. Rejects where the room does not let go.
   * @returns {Promise<void>}
   */
  leave() {
    const eventType = this.watching ? UNSUBSCRIBE_ROOM : LEAVE_ROOM
    return this.app._request({ eventType, roomName: this.name }, () => this._end('left'))
  }

  /**
   * The room's events from now on, one after the other; the last is "left". Ends by itself, or by
   * leaving the loop.
   * @returns {AsyncIterableIterator<RoomEvent>}
   */
  [Symbol.asyncIterator]() {
    /** @type {RoomEvent[]} */
    const events = []
    /** @type {Array<() => void>} */
    const waiting = []
    let isOver = this.hasLeft
    let isLate = false
    const take = (/** @type {RoomEvent} */ event) => {
      isLate ||= events.push(event) > ITERATOR_EVENTS
      if (isLate || event.type === 'left') end()
      waiting.shift()?.()
    }
    const end = () => {
      isOver = true
      this.#iterators.delete(take)
    }
    if (!isOver) this.#iterators.add(take)
    const next = async () => {
      if (!events.length && !isOver) await new Promise((done) => waiting.push(() => done(null)))
      if (isLate) throw new GoroomError({ reason: 'overflow', message: 'The loop over the room is too slow' })
      const value = events.shift()
      return value ? { value, done: false } : { value: undefined, done: true }
    }
    const stop = async () => {
      end()
      for (const wake of waiting.splice(0)) wake()
      return { value: undefined, done: true }
    }
    return /** @type {any} */ ({ next, return: stop, [Symbol.asyncIterator]() { return this } })
  }

  /** @internal @param {Frame} frame What the server says of the room on joining. */
  _place({ eventType, data, seq = 0, sub = 0 }) {
    const { kind, capacity, count, members = [], properties = {}, maker = '', locked = false, epoch } = data
    Object.assign(this, { kind, capacity, count, properties, maker, locked, epoch, seq, sub })
    this.watching = eventType === SUBSCRIBE_ROOM
    this.members.clear()
    for (const name of members) this.members.set(name, { away: false })
    return this
  }

  /** @internal @param {Frame} frame */
  _receive(frame) {
    const { eventType, sender: name = '', data, action = '' } = frame
    if (!advance(this, frame)) return
    if (eventType === MESSAGE) {
      this.#messages.emit(action, data, name, action)
      if (action !== '*') this.#messages.emit('*', data, name, action)
      this.#pass({ type: 'message', action, data, from: name })
    } else if (eventType === JOIN_ROOM) {
      this.members.set(name, { away: false })
      this.count += 1
      this.#tell({ type: 'join', name })
    } else if (eventType === LEAVE_ROOM && name) {
      this.members.delete(name)
      this.count -= 1
      this.#tell({ type: 'leave', name, reason: data.reason ?? '', message: data.message ?? '' })
    } else if (eventType === LEAVE_ROOM || eventType === UNSUBSCRIBE_ROOM) {
      this._end(data.reason, data.message)
    } else if (eventType === ROOM_UPDATE) {
      const { roomName, appName, ...changes } = data
      for (const key of /** @type {const} */ (['count', 'capacity', 'locked', 'properties'])) {
        if (key in changes) Object.assign(this, { [key]: changes[key] })
      }
      this.#tell({ type: 'update', changes })
    } else if (eventType === MEMBER_AWAY) {
      this.members.set(name, { away: true })
      this.#tell({ type: 'away', name, seconds: data.seconds })
    } else if (eventType === MEMBER_BACK) {
      this.members.set(name, { away: false })
      this.#tell({ type: 'back', name })
    }
  }

  /** @internal @param {string} reason @param {string} [message] */
  _end(reason, message = '') {
    if (this.hasLeft) return
    this.hasLeft = true
    this.app.joined.delete(this.name)
    this.#tell({ type: 'left', reason, message })
  }

  /** @param {RoomEvent} event */
  #tell(event) {
    this.#events.emit(event.type, event)
    this.#pass(event)
  }

  /** @param {RoomEvent} event */
  #pass(event) {
    for (const take of [...this.#iterators]) take(event)
  }
}

/**
 * One login to one application.
 */
export class App {
  #messages = new Listeners()
  #events = new Listeners()
  #lists = new Listeners()
  #watchers = 0
  /** @type {Map<string, RoomInfo> | undefined} The live list, while somebody watches it. */
  #list
  /** @type {Promise<void> | undefined} */
  #listed
  #lastId = 0
  /** @type {Map<number, { take: (reply: Frame) => void, fail: (error: Error) => void }>} */
  #pending = new Map()

  /** @internal @param {Connection} connection @param {string} name */
  constructor(connection, name) {
    this.connection = connection
    /** Name of the application. */
    this.name = name
    /** The user's name, as the server has it. */
    this.user = ''
    this.userId = ''
    this.state = /** @type {State} */ ('connecting')
    /** The rooms that the user is in or this client watches, by name; at first those it was in. */
    this.joined = /** @type {Map<string, Room>} */ (new Map())
    /** Names the application's own sequence. */
    this.epoch = ''
    /** Place of the newest event outside rooms, with `sub`. */
    this.seq = 0
    this.sub = 0
  }

  /** Milliseconds that the newest reply took, its handler's time included; 0 before the first. */
  get latency() {
    return this.connection.latency
  }

  /**
   * Call *listener* when something becomes of this login:
   * "join" (room) the server, or another connection of the user, put the user into a room;
   * "refused" (error) something that was sent without waiting for a reply was refused;
   * "close" ({code, reason}) it is over: logged out, closed by either side, or the link is lost.
   * @template {keyof AppEvents} T
   * @param {T} event
   * @param {(value: AppEvents[T]) => void} listener
   * @param {Options} [options]
   */
  on(event, listener, options) {
    if (!['join', 'refused', 'close'].includes(event)) {
      throw new TypeError(`App.on knows no ${event}: messages of the application are heard by onMessage`)
    }
    return this.#events.add(event, listener, options)
  }

  /**
   * Call *listener* with (data, from, action) for each message outside rooms; "*" hears all.
   * @param {string} action
   * @param {Listener} listener
   * @param {Options} [options]
   */
  onMessage(action, listener, options) {
    return this.#messages.add(action, listener, options)
  }

  /**
   * Send a message to the application and wait for nothing.
   * @param {string} action
   * @param {any} [data]
   * @throws {GoroomError} The link is closed.
   */
  send(action, data) {
    this._send({ eventType: MESSAGE, action, data })
  }

  /**
   * Send a message to the application and wait for its reply.
   * @param {string} action
   * @param {any} [data]
   * @param {Options} [options]
   * @returns {Promise<any>} what its handler returned
   * @throws {GoroomError} It was refused, or the link is closed.
   */
  request(action, data, options) {
    return this._request({ eventType: MESSAGE, action, data }, (reply) => reply.data, options)
  }

  /**
   * Join a room by name.
   * @param {string} name
   * @param {{ password?: string, signal?: AbortSignal }} [options]
   */
  join(name, { signal, ...data } = {}) {
    return this.#enter({ eventType: JOIN_ROOM, roomName: name, data }, signal)
  }

  /**
   * Join the oldest room of *kind* that has a free seat, or make one; with a name, join that room
   * or make it. Further options are the new room's, as far as its kind takes them from clients.
   * @param {string} kind
   * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
   */
  joinOrCreate(kind, { name, signal, ...data } = {}) {
    const made = { ...data, kind, create: 'if_missing' }
    return this.#enter({ eventType: JOIN_ROOM, roomName: name, data: made }, signal)
  }

  /**
   * Make a room and join it; refused if there is one of that name.
   * @param {string} kind
   * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
   */
  create(kind, { name, signal, ...data } = {}) {
    const made = { ...data, kind, create: true }
    return this.#enter({ eventType: JOIN_ROOM, roomName: name, data: made }, signal)
  }

  /**
   * Watch a room without joining it, where it lets itself be watched.
   * @param {string} name
   * @param {Options} [options]
   */
  watch(name, { signal } = {}) {
    return this.#enter({ eventType: SUBSCRIBE_ROOM, roomName: name }, signal)
  }

  /**
   * The rooms of the application that are not hidden.
   * @param {Options} [options]
   * @returns {Promise<RoomInfo[]>}
   */
  async rooms(options) {
    let rooms = /** @type {RoomInfo[]} */ ([])
    const off = await this.watchRooms((list) => { rooms = list }, options)
    off()
    return rooms
  }

  /**
   * Call *listener* with the list of rooms, now and at each change, until the returned function is
   * called or the signal aborts. The list is in the order in which the rooms were made.
   * @param {(rooms: RoomInfo[]) => void} listener
   * @param {Options} [options]
   * @returns {Promise<Off>} settled when the listener has had the first list
   */
  async watchRooms(listener, { signal } = {}) {
    this.#watchers += 1
    const stop = () => {
      this.#watchers -= 1
      if (this.#watchers) return
      this.#list = this.#listed = undefined
      if (this.state === 'open') this._request({ eventType: UNSUBSCRIBE_ROOM }, () => {}).catch(() => {})
    }
    this.#listed ??= this._request({ eventType: SUBSCRIBE_ROOM }, ({ data }) => {
      this.#list = new Map()
      for (const room of data.rooms) this.#list.set(room.roomName, infoOf(room))
      this.connection._hold()
    })
    try {
      await this.#listed
      signal?.throwIfAborted()
    } catch (error) {
      stop()
      throw error
    }
    let off = () => {
      off = () => {}
      remove()
      signal?.removeEventListener('abort', end)
      stop()
    }
    const end = () => off()
    const remove = this.#lists.add('', listener)
    signal?.addEventListener('abort', end)
    listener(this.#rooms())
    return end
  }

  /**
   * End this login; the connection stays for others.
   * @returns {Promise<void>}
   */
  logout() {
    return this._request({ eventType: LOGOUT }, () => this._end(1000, 'logged_out'))
  }

  /** Close the connection, with every login on it. */
  close() {
    this.connection.close()
  }

  #rooms() {
    return [...(this.#list?.values() ?? [])]
  }

  /**
   * @param {Frame} frame
   * @param {AbortSignal} [signal]
   * @returns {Promise<Room>}
   */
  #enter(frame, signal) {
    const accept = (/** @type {Frame} */ reply) => {
      this.connection._hold()
      return this.#place(reply)
    }
    const eventType = frame.eventType === JOIN_ROOM ? LEAVE_ROOM : UNSUBSCRIBE_ROOM
    const undo = (/** @type {Frame} */ { data }) => this._send({ eventType, roomName: data.roomName })
    return this._request(frame, accept, { signal }, undo)
  }

  /** @param {Frame} frame */
  #place(frame) {
    const name = frame.data.roomName
    const room = this.joined.get(name) ?? new Room(this, name)
    this.joined.set(name, room)
    return room._place(frame)
  }

  /** @internal @param {Frame} frame */
  _send(frame) {
    if (this.state === 'closed') throw closed(0, '')
    this.connection._send(this.name ? { appName: this.name, ...frame } : frame)
  }

  /**
   * @internal
   * @template T
   * @param {Frame} frame
   * @param {(reply: Frame) => T} accept called with the reply before any later frame is looked at
   * @param {Options} [options]
   * @param {(reply: Frame) => void} [undo] called instead where the signal has aborted meanwhile
   * @returns {Promise<T>}
   */
  async _request(frame, accept, { signal } = {}, undo) {
    signal?.throwIfAborted()
    const id = this.#lastId + 1
    this._send({ ...frame, id })
    this.#lastId = id
    const started = performance.now()
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal?.reason)
      signal?.addEventListener('abort', abort)
      const settle = (/** @type {() => void} */ outcome) => {
        signal?.removeEventListener('abort', abort)
        this.#pending.delete(id)
        outcome()
      }
      const take = (/** @type {Frame} */ reply) => {
        this.connection.latency = performance.now() - started
        if (reply.error?.code) reject(new GoroomError(reply.error, frame))
        else if (signal?.aborted) undo?.(reply)
        else resolve(accept(reply))
      }
      this.#pending.set(id, {
        take: (reply) => settle(() => take(reply)),
        fail: (error) => settle(() => reject(error)),
      })
    })
  }

  /** @internal @param {LoginOptions} options */
  async _login({ name, credentials = {} }) {
    const more = typeof credentials === 'function' ? await credentials() : credentials
    const accept = (/** @type {Frame} */ { data }) => {
      this.connection._hold()
      this.state = 'open'
      this.name ||= data.appName
      this.user = data.userName
      this.userId = data.userId
      Object.assign(this, { epoch: data.epoch, seq: data.seq ?? 0, sub: data.sub ?? 0 })
      for (const room of data.rooms ?? []) {
        this.#place({ eventType: JOIN_ROOM, data: room, seq: room.seq, sub: room.sub })
      }
      return this
    }
    return this._request({ eventType: LOGIN, data: { ...more, username: name } }, accept)
  }

  /** @internal @param {Frame} frame */
  _receive(frame) {
    const { eventType, roomName, sender, id, code, error } = frame
    const pending = this.#pending.get(id)
    if (pending) return pending.take(frame)
    if (eventType === DISCONNECTION) return this._end(code, error?.message ?? '')
    if (error?.code) return this.#events.emit('refused', new GoroomError(error, frame))
    if (!roomName) return this.#receiveOwn(frame)
    if (eventType === JOIN_ROOM && !sender) return this.#events.emit('join', this.#place(frame))
    this.joined.get(roomName)?._receive(frame)
  }

  /** @param {Frame} frame An event outside rooms. */
  #receiveOwn(frame) {
    const { eventType, sender = '', data, action = '' } = frame
    if (!advance(this, frame)) return
    if (eventType === MESSAGE) {
      this.#messages.emit(action, data, sender, action)
      if (action !== '*') this.#messages.emit('*', data, sender, action)
      return
    }
    const known = this.#list?.get(data.roomName)
    if (eventType === ROOM_REMOVE) this.#list?.delete(data.roomName)
    else if (eventType === ROOM_ADD || (eventType === ROOM_UPDATE && known)) {
      this.#list?.set(data.roomName, { ...known, ...infoOf(data) })
    }
    if (this.#list) this.#lists.emit('', this.#rooms())
  }

  /** @internal @param {number} code @param {string} reason */
  _end(code, reason) {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.connection._forget(this)
    for (const { fail } of [...this.#pending.values()]) fail(closed(code, reason))
    for (const room of [...this.joined.values()]) room._end('disconnected')
    this.#events.emit('close', { code, reason })
  }
}

/**
 * One socket; several applications may be logged in to over it.
 */
export class Connection {
  #socket
  /** @type {Set<App>} */
  #apps = new Set()
  /** @type {Array<() => void> | undefined} What came while frames are held. */
  #held

  /** @internal @param {any} socket */
  constructor(socket) {
    this.state = /** @type {State} */ ('connecting')
    /** Milliseconds that the newest reply took, its handler's time included; 0 before the first. */
    this.latency = 0
    this.#socket = socket
  }

  /**
   * Log in to an application; where the URL names one already, to that one without *application*.
   * @param {string | undefined} application
   * @param {LoginOptions} options
   * @returns {Promise<App>}
   */
  async login(application = '', options) {
    if (this.state !== 'open') throw closed(0, '')
    if ([...this.#apps].some(({ name }) => name === application)) {
      throw new Error(`this connection is logged in to ${application || 'its application'} already`)
    }
    const app = new App(this, application)
    this.#apps.add(app)
    try {
      return await app._login(options)
    } catch (error) {
      this.#apps.delete(app)
      throw error
    }
  }

  /** Close the socket. Every login on it hears "close" before this returns. */
  close() {
    this.#socket.close(1000)
    this.#end(1000, 'closed')
  }

  /**
   * @internal
   * @param {string} url
   * @param {AbortSignal} [signal]
   * @returns {Promise<Connection>}
   */
  _opened(url, signal) {
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      const abort = () => {
        socket.close()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort)
      socket.onopen = () => {
        signal?.removeEventListener('abort', abort)
        this.state = 'open'
        resolve(this)
      }
      socket.onerror = () => {} // says nothing that "close" does not say
      socket.onclose = (/** @type {CloseEvent} */ { code, reason }) => {
        signal?.removeEventListener('abort', abort)
        reject(new GoroomError({ reason: 'closed', message: `No connection to ${url} (${code})` }))
        this.#take(() => this.#end(code, reason))
      }
      socket.onmessage = (/** @type {{ data: string }} */ { data }) => this.#take(() => this.#receive(data))
    })
  }

  /** @internal @param {Frame} frame */
  _send(frame) {
    this.#socket.send(JSON.stringify(frame))
  }

  /** @internal @param {App} app */
  _forget(app) {
    this.#apps.delete(app)
  }

  /** @internal Keep what comes next until listeners can have been added. */
  _hold() {
    if (this.#held) return
    this.#held = []
    afterThisTurn(() => {
      const held = this.#held ?? []
      this.#held = undefined
      for (const step of held) this.#take(step) // a reply among them may hold the rest again
    })
  }

  /** @param {() => void} step */
  #take(step) {
    if (this.#held) this.#held.push(step)
    else step()
  }

  /** @param {string} text */
  #receive(text) {
    if (this.state === 'closed') return
    const frame = JSON.parse(text)
    frame.data ??= {}
    const name = frame.appName
    for (const app of this.#apps) {
      // On an endpoint bound to one application, frames do not name it.
      if (!name || !app.name || app.name === name) return app._receive(frame)
    }
  }

  /** @param {number} code @param {string} reason */
  #end(code, reason) {
    if (this.state === 'closed') return
    this.state = 'closed'
    for (const app of [...this.#apps]) app._end(code, reason)
  }
}

/**
 * Open a connection without logging in.
 *
 * @param {string | URL} url of a WebSocket; in a browser it may be relative to the page
 * @param {OpenOptions} [options] WebSocket: the class to use where there is no global one (Node 20: `ws`)
 * @returns {Promise<Connection>}
 * @throws {GoroomError} There is no connection to be had; reason "closed".
 */
export async function open(url, { WebSocket = globalThis.WebSocket, signal } = {}) {
  signal?.throwIfAborted()
  const address = new URL(url, globalThis.location?.href)
  address.protocol = address.protocol.replace('http', 'ws')
  address.hash = ''
  const connection = new Connection(new WebSocket(address.href, SUBPROTOCOL))
  return connection._opened(address.href, signal)
}

/**
 * Open a connection and log in.
 *
 * @param {string | URL} url
 * @param {OpenOptions & LoginOptions & { app?: string }} options app: the application, where the
 *   URL does not name it; name: the user's; credentials: what else the application asks for, or a
 *   function that returns it
 * @returns {Promise<App>}
 * @throws {GoroomError} There is no connection, or the login was refused; then it is closed again.
 */
export async function connect(url, { app, signal, WebSocket, ...login }) {
  const connection = await open(url, { signal, WebSocket })
  const abort = () => connection.close()
  signal?.addEventListener('abort', abort)
  try {
    signal?.throwIfAborted()
    return await connection.login(app, login)
  } catch (error) {
    connection.close()
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
