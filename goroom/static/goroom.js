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
 * - A lost link comes back by itself: App and Room objects and their listeners stay, what was missed
 *   is heard once and in order, what was sent is done once. Where that cannot be, "reset" says so.
 * - A login ends with "close": by `close` and `logout`, where the server says not to come back
 *   (close codes 4500-4999), and where it refuses the login on the way back.
 *
 * @module
 */

/**
 * What the messages of an application are: made by `goroom types --ts`, given as `connect<Schema>()`.
 * Each `takes` is `{ data, reply }`, its data undefined where the message has none.
 * @typedef {{ sends: object, takes: object }} Messages
 */
/** @typedef {{ app: Messages, rooms: object }} Schema */
/**
 * Actions: the names of the messages, of one kind of room or of any of several.
 * @template T
 * @typedef {T extends any ? keyof T & string : never} Actions
 */
/**
 * @template T, A
 * @typedef {T extends any ? A extends keyof T ? T[A] : never : never} Named
 */
/**
 * The arguments behind the action: data may be left out where there is none.
 * @template T, O
 * @typedef {T extends { data: infer D } ? undefined extends D ? [data?: D, options?: O]
 *   : [data: D, options?: O] : [data?: any, options?: O]} Rest
 */
/**
 * @template T
 * @typedef {T extends { reply: infer R } ? R : any} Reply
 */
/**
 * A listener's data: anything for "*".
 * @template T, A
 * @typedef {A extends '*' ? any : Named<T, A>} Heard
 */
/**
 * Rooms of the kind K.
 * @template {Schema} S
 * @template {keyof S['rooms']} K
 * @typedef {Room<S['rooms'][K] extends Messages ? S['rooms'][K] : any>} RoomOf
 */
/** @typedef {'connecting' | 'open' | 'suspended' | 'closed'} State "suspended": the link is lost and being restored. */
/** @typedef {{ signal?: AbortSignal }} Options */
/** @typedef {{ volatile?: boolean }} SendOptions volatile: worth nothing later; lost where the link is. */
/** @typedef {() => void} Off Takes the listener away; a second call does nothing. */
/** @typedef {Record<string, any> | (() => Record<string, any> | Promise<Record<string, any>>)} Credentials */
/**
 * resume: false where a lost link is to end the login.
 * @typedef {{ name: string, credentials?: Credentials, resume?: boolean }} LoginOptions
 */
/**
 * WebSocket: the class to use where there is no global one (Node 20: `ws`).
 * heartbeat: after `idleMs` of silence (15,000) the server is asked for a word; where none comes
 * for `replyMs` (10,000), the link is lost. Connecting again may take as long.
 * backoff: a new try waits a random part of `minMs` (200), doubled with each try, up to `maxMs` (10,000).
 * @typedef {{ WebSocket?: new (url: string, protocol: string) => any, signal?: AbortSignal,
 *   heartbeat?: { idleMs?: number, replyMs?: number },
 *   backoff?: { minMs?: number, maxMs?: number } }} OpenOptions
 */
/**
 * `from` is "" where the server speaks.
 * @template [T=any]
 * @typedef {(data: T, from: string, action: string) => void} Listener
 */
/**
 * A room in the list of rooms.
 * @typedef {{ name: string, kind: string, count: number, capacity: number, locked: boolean,
 *   password: boolean, spectators: boolean, properties: Record<string, any>, maker: string }} RoomInfo
 */
/**
 * What happens in a room, in order. "reset": events were missed for good, and the room is as it now
 * is. "left" is the last: this client is no longer in the room.
 * @typedef {{ type: 'message', action: string, data: any, from: string }
 *   | { type: 'join' | 'back', name: string }
 *   | { type: 'leave', name: string, reason: string, message: string }
 *   | { type: 'away', name: string, seconds: number }
 *   | { type: 'update', changes: Record<string, any> }
 *   | { type: 'reset', reason: ResetReason }
 *   | { type: 'left', reason: string, message: string }} RoomEvent
 */
/**
 * Why not all that was missed can be heard: "history", it is more than the server keeps; "epoch",
 * it was another login, or another life of the room or server; "gone", the room was closed;
 * "kicked", the user is no longer in it.
 * @typedef {'history' | 'epoch' | 'gone' | 'kicked'} ResetReason
 */
/** @typedef {{ code: number, reason: string }} CloseEvent */
/**
 * @template {Schema} [S=any]
 * @typedef {{ join: RoomOf<S, keyof S['rooms']>, refused: GoroomError, drop: CloseEvent, resume: undefined,
 *   reset: { room: RoomOf<S, keyof S['rooms']> | undefined, reason: ResetReason }, close: CloseEvent }} AppEvents
 */
/** @typedef {Record<string, any> & { eventType: number }} Frame */
/**
 * What was asked of the server and has not been answered. With an id it has been sent.
 * text: the frame without the id, as it was when it was asked.
 * @typedef {{ frame: Frame, text: string, id: number, at: number, take: (reply: Frame) => void, fail: (error: GoroomError) => void }} Command
 */

const SUBPROTOCOL = 'goroom.json'

// Numbers of events on the wire.
const DISCONNECTION = 2
const JOIN_APP = 3
const JOIN_ROOM = 4
const LEAVE_ROOM = 5
const LOGIN = 6
const LOGOUT = 7
const RECONNECT = 8
const SUBSCRIBE_ROOM = 9
const UNSUBSCRIBE_ROOM = 10
const MESSAGE = 11
const ROOM_ADD = 12
const ROOM_REMOVE = 13
const ROOM_UPDATE = 20
const MEMBER_AWAY = 21
const MEMBER_BACK = 22

/** The error of a command that was done, and whose answer is forgotten. */
const ALREADY_DONE = 28

/** The close code of a link over which too much came at once. */
const MESSAGE_TOO_BIG = 1009

/** Events that an iterator keeps for a loop that does not come round; then the loop fails. */
const ITERATOR_EVENTS = 1000

/** Answers that the server keeps for a login, and so the most that are asked for at a time. */
const REMEMBERED_REPLIES = 64

/** Commands that wait while the link is lost; then sending throws. */
const QUEUED_COMMANDS = 64

/**
 * The server refused, or the link is closed.
 */
export class GoroomError extends Error {
  /** @internal @param {Record<string, any>} error @param {Frame} [frame] */
  constructor({ code = 0, reason = '', message = '', field = '' }, frame) {
    super(message)
    this.name = 'GoroomError'
    /** Number of the error; from 1000 up the application's own, 0 where this client says so. */
    this.code = /** @type {number} */ (code)
    /**
     * Name of the error, for programs. Of this client: "closed", the login is over; "lost", nobody
     * knows whether it was done; "overflow", too much waits.
     */
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

/** Whether a close code says not to come back. @param {number} code */
const isFinal = (code) => code >= 4500 && code < 5000

/**
 * A frame as JSON. Half an emoji, which no server could read, becomes U+FFFD.
 * @param {Frame} frame
 */
const encode = (frame) => JSON.stringify(frame).replace(/\\(?:ud[89a-f]..|.)/g, (found) => found[5] ? '\ufffd' : found)

/**
 * A sequence of events, and the place in it that this client has come to.
 * @typedef {{ epoch: string, seq: number, sub: number }} Place
 */

/** @param {Place} place */
const placeOf = ({ epoch, seq, sub }) => ({ epoch, seq, sub })

/**
 * Whether an event is newer than *place*.
 * @param {Place} place
 * @param {Frame} frame
 */
const isNewer = (place, { seq, sub = 0 }) => seq > place.seq || (seq === place.seq && sub > place.sub)

/**
 * Whether an event is to be heard: it has no place or is newer than *place*, which it then takes.
 * @param {Place} place
 * @param {Frame} frame
 * @param {Connection} connection
 */
function advance(place, frame, { _deduplicates }) {
  if (frame.seq === undefined) return true
  if (!isNewer(place, frame)) return !_deduplicates
  place.seq = frame.seq
  place.sub = frame.sub ?? 0
  return true
}

/**
 * A room that this client is in, or watches.
 *
 * One object for one stay, lost links included: a room that was left and joined again is a new one.
 * The properties are kept up to date and have changed before listeners hear of it.
 *
 * @template {Messages} [M=any] its messages; see connect()
 */
export class Room {
  #messages = new Listeners()
  #events = new Listeners()
  /** @type {Set<(event: RoomEvent) => void>} */
  #iterators = new Set()

  /** @internal @type {Frame} How it was joined, and is again after a login. */
  _entry = { eventType: JOIN_ROOM }
  /** @internal Whether it is being joined again. */
  _isComingBack = false
  /** @internal */
  _isLeaving = false

  /** @internal @param {App<any>} app @param {string} name */
  constructor(app, name) {
    /** @type {App<any>} */
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
   * @template {Actions<M['sends']> | '*'} A
   * @param {A} action
   * @param {Listener<Heard<M['sends'], A>>} listener
   * @param {Options} [options]
   */
  on(action, listener, options) {
    return this.#messages.add(action, listener, options)
  }

  /**
   * Like `on`, for the next message only.
   * @template {Actions<M['sends']> | '*'} A
   * @param {A} action
   * @param {Listener<Heard<M['sends'], A>>} listener
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
   * "update" of the room's properties, "reset" when events were missed for good, "left" when this
   * client is out.
   * @template {RoomEvent['type']} T
   * @param {T} type
   * @param {(event: Extract<RoomEvent, { type: T }>) => void} listener
   * @param {Options} [options]
   */
  onEvent(type, listener, options) {
    return this.#events.add(type, listener, options)
  }

  /**
   * Send a message and wait for nothing. A refusal is the application's event "refused". While the
   * link is lost it waits, but not a volatile one.
   * @template {Actions<M['takes']>} A
   * @param {A} action
   * @param {Rest<Named<M['takes'], A>, SendOptions>} rest data, options
   * @throws {GoroomError} The room was left, the login is over, or too much waits for the link.
   */
  send(action, ...[data, options]) {
    this.#check()
    this.app._send({ eventType: MESSAGE, roomName: this.name, action, data }, options)
  }

  /**
   * Send a message and wait for its reply; what the message caused here has been heard before.
   * @template {Actions<M['takes']>} A
   * @param {A} action
   * @param {Rest<Named<M['takes'], A>, Options>} rest data, options
   * @returns {Promise<Reply<Named<M['takes'], A>>>} what its handler returned
   * @throws {GoroomError} It was refused or is lost, the room was left, the login is over, or too
   *   much waits for the link.
   */
  async request(action, ...[data, options]) {
    this.#check()
    const frame = { eventType: MESSAGE, roomName: this.name, action, data }
    return this.app._request(frame, (reply) => reply.data, options)
  }

  /** Another stay in the room of this name is another Room's. */
  #check() {
    if (!this.hasLeft || this.app.state === 'closed') return
    throw new GoroomError({ code: 9, reason: 'not_in_room', message: 'The room was left' })
  }

  /**
   * Leave the room, or stop watching it; nothing is done where that is over. Rejects where the room
   * does not let go.
   * @returns {Promise<void>}
   */
  async leave() {
    if (this.hasLeft) return
    const eventType = this.watching ? UNSUBSCRIBE_ROOM : LEAVE_ROOM
    this._isLeaving = true
    try {
      await this.app._request({ eventType, roomName: this.name }, () => this._end('left'))
    } catch (error) {
      if (!this.hasLeft) throw error // else it was left before the link was lost
    } finally {
      this._isLeaving = false
    }
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
    const { kind, capacity, count, members = [], away = [], properties = {}, maker = '', locked = false, epoch } = data
    this.watching = eventType === SUBSCRIBE_ROOM
    if (epoch === this.epoch && isNewer({ epoch, seq, sub }, /** @type {any} */ (this))) return // an answer of before
    Object.assign(this, { kind, capacity, count, properties, maker, locked, epoch, seq, sub })
    this.members.clear()
    for (const name of members) this.#setMember(name, away.includes(name))
  }

  /** @param {string} name @param {boolean} away */
  #setMember(name, away) {
    this.members.set(name, { away: away && name !== this.app.user })
  }

  /** @internal @param {Frame} frame */
  _receive(frame) {
    const { eventType, sender: name = '', data, action = '' } = frame
    if (!advance(this, frame, this.app.connection)) return
    if (eventType === MESSAGE) {
      this.#messages.emit(action, data, name, action)
      if (action !== '*') this.#messages.emit('*', data, name, action)
      this.#pass({ type: 'message', action, data, from: name })
    } else if (eventType === JOIN_ROOM) {
      this.#setMember(name, false)
      this.count += 1
      this._tell({ type: 'join', name })
    } else if (eventType === LEAVE_ROOM && name) {
      this.members.delete(name)
      this.count -= 1
      this._tell({ type: 'leave', name, reason: data.reason ?? '', message: data.message ?? '' })
    } else if (eventType === LEAVE_ROOM || eventType === UNSUBSCRIBE_ROOM) {
      this._end(data.reason, data.message)
    } else if (eventType === ROOM_UPDATE) {
      const { roomName, appName, ...changes } = data
      for (const key of /** @type {const} */ (['count', 'capacity', 'locked', 'properties'])) {
        if (key in changes) Object.assign(this, { [key]: changes[key] })
      }
      this._tell({ type: 'update', changes })
    } else if (name !== this.app.user) { // one's own absence is told by "drop" and "resume"
      if (eventType === MEMBER_AWAY) {
        this.#setMember(name, true)
        this._tell({ type: 'away', name, seconds: data.seconds })
      } else if (eventType === MEMBER_BACK) {
        this.#setMember(name, false)
        this._tell({ type: 'back', name })
      }
    }
  }

  /** @internal @param {string} reason @param {string} [message] */
  _end(reason, message = '') {
    if (this.hasLeft) return
    this.hasLeft = true
    this.app.joined.delete(this.name)
    this._tell({ type: 'left', reason, message })
  }

  /** @internal @param {RoomEvent} event */
  _tell(event) {
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
 *
 * @template {Schema} [S=any] its messages; see connect()
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
  #options
  /** @type {{ resolve: (app: any) => void, reject: (error: any) => void } | undefined} Until it is logged in. */
  #opening
  #lastId = 0
  /** @type {number | undefined} The id of the LOGIN or RECONNECT that is not answered yet. */
  #greeting
  /** What a RECONNECT is allowed by, once; "" where there is nothing to resume. */
  #token = ''
  /** Names the tries to resume after one loss, so that a reply that was lost can be had again. */
  #attempt = ''
  /** @type {any} Of the next try to have credentials. */
  #timer
  #isLoggingOut = false
  /** @type {Map<number, Command>} What was sent, in order. */
  #pending = new Map()
  /** @type {Command[]} What is to be sent when the link is back, or answers have come. */
  #queue = []
  /** @type {Map<string, Frame[]>} Rooms that the answer to a join under way may be about, and what came of them. */
  #unclaimed = new Map()

  /** @internal @param {Connection} connection @param {string} name @param {LoginOptions} options */
  constructor(connection, name, options) {
    this.connection = connection
    /** Name of the application. */
    this.name = name
    /** The user's name, as the server has it. */
    this.user = ''
    this.userId = ''
    this.state = /** @type {State} */ ('connecting')
    /** The rooms that the user is in or this client watches, by name; at first those it was in. */
    this.joined = /** @type {Map<string, RoomOf<S, keyof S['rooms']>>} */ (new Map())
    /** Names the application's own sequence. */
    this.epoch = ''
    /** Place of the newest event outside rooms, with `sub`. */
    this.seq = 0
    this.sub = 0
    this.#options = options
  }

  /** Milliseconds that the newest reply took, its handler's time included; 0 before the first. */
  get latency() {
    return this.connection.latency
  }

  /**
   * Call *listener* when something becomes of this login:
   * "join" (room) the server, or another connection of the user, put the user into a room;
   * "refused" (error) something that was sent without waiting for a reply was refused, or is lost;
   * "drop" ({code, reason}) the link is lost and being restored: state "suspended";
   * "resume" () it is back; what was missed follows;
   * "reset" ({room, reason}) not all that was missed can be heard, in a room or outside (undefined);
   * "close" ({code, reason}) it is over: logged out, closed by either side, or not to come back.
   * @template {keyof AppEvents<S>} T
   * @param {T} event
   * @param {(value: AppEvents<S>[T]) => void} listener
   * @param {Options} [options]
   */
  on(event, listener, options) {
    if (!['join', 'refused', 'drop', 'resume', 'reset', 'close'].includes(event)) {
      throw new TypeError(`App.on knows no ${event}: messages are heard by onMessage`)
    }
    return this.#events.add(event, listener, options)
  }

  /**
   * Call *listener* with (data, from, action) for each message outside rooms; "*" hears all.
   * @template {Actions<S['app']['sends']> | '*'} A
   * @param {A} action
   * @param {Listener<Heard<S['app']['sends'], A>>} listener
   * @param {Options} [options]
   */
  onMessage(action, listener, options) {
    return this.#messages.add(action, listener, options)
  }

  /**
   * Send a message to the application and wait for nothing; see Room.send.
   * @template {Actions<S['app']['takes']>} A
   * @param {A} action
   * @param {Rest<Named<S['app']['takes'], A>, SendOptions>} rest data, options
   * @throws {GoroomError} The login is over, or too much waits for the link.
   */
  send(action, ...[data, options]) {
    this._send({ eventType: MESSAGE, action, data }, options)
  }

  /**
   * Send a message to the application and wait for its reply; see Room.request.
   * @template {Actions<S['app']['takes']>} A
   * @param {A} action
   * @param {Rest<Named<S['app']['takes'], A>, Options>} rest data, options
   * @returns {Promise<Reply<Named<S['app']['takes'], A>>>} what its handler returned
   * @throws {GoroomError} It was refused or is lost, the login is over, or too much waits for the link.
   */
  request(action, ...[data, options]) {
    return this._request({ eventType: MESSAGE, action, data }, (reply) => reply.data, options)
  }

  /**
   * Join a room by name.
   * @template {keyof S['rooms']} [K=keyof S['rooms']]
   * @param {string} name
   * @param {{ password?: string, signal?: AbortSignal }} [options]
   * @returns {Promise<RoomOf<S, K>>}
   */
  join(name, { signal, ...data } = {}) {
    return this.#enter({ eventType: JOIN_ROOM, roomName: name, data }, signal)
  }

  /**
   * Join the oldest room of *kind* that has a free seat, or make one; with a name, join that room
   * or make it. Further options are the new room's, as far as its kind takes them from clients.
   * @template {keyof S['rooms'] & string} K
   * @param {K} kind
   * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
   * @returns {Promise<RoomOf<S, K>>}
   */
  joinOrCreate(kind, { name, signal, ...data } = {}) {
    return this.#enter({ eventType: JOIN_ROOM, roomName: name, data: { ...data, kind, create: 'if_missing' } }, signal)
  }

  /**
   * Make a room and join it; refused if there is one of that name.
   * @template {keyof S['rooms'] & string} K
   * @param {K} kind
   * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
   * @returns {Promise<RoomOf<S, K>>}
   */
  create(kind, { name, signal, ...data } = {}) {
    return this.#enter({ eventType: JOIN_ROOM, roomName: name, data: { ...data, kind, create: true } }, signal)
  }

  /**
   * Watch a room without joining it, where it lets itself be watched.
   * @template {keyof S['rooms']} [K=keyof S['rooms']]
   * @param {string} name
   * @param {Options} [options]
   * @returns {Promise<RoomOf<S, K>>}
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
    signal?.throwIfAborted()
    this.#watchers += 1
    let off = () => {}
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      off()
      signal?.removeEventListener('abort', end)
      this.#watchers -= 1
      if (this.#watchers) return
      // Where the link is lost, so is the subscription.
      if (this.#list && this.state === 'open') this.#unsubscribe()
      this.#list = this.#listed = undefined
    }
    signal?.addEventListener('abort', end)
    const listed = this.#listed ??= this.#subscribe(() => this.connection._hold())
    try {
      await new Promise((resolve, reject) => {
        off = () => reject(signal?.reason)
        listed.then(resolve, reject)
      })
    } catch (error) {
      end()
      throw error
    }
    signal?.throwIfAborted()
    off = this.#lists.add('', listener)
    listener(this.#rooms())
    return end
  }

  /**
   * End this login; the connection stays for others.
   * @returns {Promise<void>}
   */
  async logout() {
    this.#isLoggingOut = true
    try {
      await this._request({ eventType: LOGOUT }, () => this._end(1000, 'logged_out'))
    } catch (error) {
      if (this.state !== 'closed') throw error // else it was logged out before the link was lost
    } finally {
      this.#isLoggingOut = false
    }
  }

  /** Close the connection, with every login on it. */
  close() {
    this.connection.close()
  }

  #rooms() {
    return [...(this.#list?.values() ?? [])]
  }

  /** @param {() => void} then called when the list is there */
  #subscribe(then) {
    return this._request({ eventType: SUBSCRIBE_ROOM }, ({ data }) => {
      if (!this.#watchers) return this.#unsubscribe() // all have stopped waiting for it
      this.#list = new Map()
      for (const room of data.rooms) this.#list.set(room.roomName, infoOf(room))
      then()
    })
  }

  #unsubscribe() {
    this._request({ eventType: UNSUBSCRIBE_ROOM }, () => {}).catch(() => {})
  }

  #tellList() {
    if (this.#list) this.#lists.emit('', this.#rooms())
  }

  // -- rooms -------------------------------------------------------------------------------

  /**
   * @param {Frame} frame
   * @param {AbortSignal} [signal]
   * @returns {Promise<Room<any>>}
   */
  #enter(frame, signal) {
    const { eventType } = frame
    const accept = (/** @type {Frame} */ reply) => {
      // Where the room came with a resume, its place is newer there, and events may wait.
      const [placed = reply, ...events] = this.#claim(reply.data.roomName) ?? []
      const room = this.#place({ ...placed, eventType })
      const held = events.map((event) => () => this._receive(event))
      if (placed.reset) held.unshift(() => this.#reset(room, placed.reset))
      this.connection._hold(held)
      const { create } = frame.data ?? {}
      room._entry = { eventType, data: { ...frame.data, ...(create && { create: 'if_missing' }) } }
      return room
    }
    const undo = (/** @type {Frame} */ { data: { roomName } }) => {
      this.#claim(roomName)
      this._send({ eventType: eventType === JOIN_ROOM ? LEAVE_ROOM : UNSUBSCRIBE_ROOM, roomName })
    }
    return this._request(frame, accept, { signal }, undo)
  }

  /** @param {string} name */
  #claim(name) {
    const frames = this.#unclaimed.get(name)
    this.#unclaimed.delete(name)
    return frames
  }

  /** Hear what came of rooms that no join asked for, once no join is under way. */
  #release() {
    if ([...this.#pending.values()].some(({ frame }) => frame.eventType === JOIN_ROOM)) return
    for (const name of [...this.#unclaimed.keys()]) {
      for (const frame of this.#claim(name) ?? []) this._receive(frame)
    }
  }

  /** @param {Frame} frame @param {ResetReason} [reason] */
  #place(frame, reason) {
    const name = frame.data.roomName
    /** @type {Room<any>} */
    const room = this.joined.get(name) ?? new Room(this, name)
    this.joined.set(name, /** @type {any} */ (room))
    room._place(frame)
    const why = room._isComingBack ? 'epoch' : reason
    room._isComingBack = false
    if (why) this.#reset(room, why)
    return room
  }

  /** @param {Frame} frame The server has put the user into a room. */
  #seat(frame) {
    const room = this.#place(frame)
    this.#events.emit('join', room)
    if (frame.reset) this.#reset(room, frame.reset)
  }

  /** @param {Room<any> | undefined} room @param {ResetReason} reason */
  #reset(room, reason) {
    this.#events.emit('reset', { room, reason })
    room?._tell({ type: 'reset', reason })
  }

  /** @param {Room<any>} room @param {ResetReason} reason */
  #lose(room, reason) {
    if (room._isLeaving) return room._end('left')
    this.#reset(room, reason)
    room._end(reason)
  }

  // -- commands ----------------------------------------------------------------------------

  /** @internal @param {Frame} frame @param {SendOptions} [options] */
  _send(frame, { volatile } = {}) {
    if (volatile && this.state !== 'closed') {
      const text = this.#encode(frame)
      if (this.state === 'open') this.connection._send(text)
      return
    }
    const refuse = (/** @type {GoroomError} */ error) => this.#events.emit('refused', error)
    this.#command(frame, ({ error }) => {
      if (error?.code && error.code !== ALREADY_DONE) refuse(new GoroomError(error, frame))
    }, (error) => {
      if (error.reason === 'lost') refuse(error)
    })
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
    return new Promise((resolve, reject) => {
      const take = (/** @type {Frame} */ reply) => {
        signal?.removeEventListener('abort', abort)
        if (reply.error?.code) reject(new GoroomError(reply.error, frame))
        else if (signal?.aborted) undo?.(reply)
        else resolve(accept(reply))
      }
      const fail = (/** @type {GoroomError} */ error) => {
        signal?.removeEventListener('abort', abort)
        reject(error)
      }
      const command = this.#command(frame, take, fail)
      const abort = () => {
        this.#queue = this.#queue.filter((other) => other !== command)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort)
    })
  }

  /** @param {Frame} frame @param {Command['take']} take @param {Command['fail']} fail */
  #command(frame, take, fail) {
    if (this.state === 'closed') throw closed(0, '')
    if (this.state !== 'open' && this.#queue.length >= QUEUED_COMMANDS) {
      throw new GoroomError({ reason: 'overflow', message: 'Too much waits for the link' }, frame)
    }
    const command = { frame, text: this.#encode(frame), id: 0, at: 0, take, fail }
    this.#queue.push(command)
    this.#pump()
    return command
  }

  /** Send what waits, as far as the server remembers its answers should the link be lost. */
  #pump() {
    while (this.state === 'open' && this.#pending.size < REMEMBERED_REPLIES) {
      const command = this.#queue.shift()
      if (!command) return
      this.#issue(command)
    }
  }

  /** @param {Command} command Sent for the first time, or again. */
  #issue(command) {
    command.id ||= this.#lastId += 1
    command.at = performance.now()
    this.#pending.set(command.id, command)
    this.connection._send(`{"id":${command.id},${command.text.slice(1)}`)
  }

  /** @internal @param {Frame} frame */
  _transmit(frame) {
    this.connection._send(this.#encode(frame))
  }

  /** @param {Frame} frame */
  #encode(frame) {
    return encode(this.name ? { appName: this.name, ...frame } : frame)
  }

  // -- the login ---------------------------------------------------------------------------

  /** @internal @returns {Promise<App<any>>} */
  _open() {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject }
      if (this.connection.state === 'open') this._greet()
    })
  }

  /** @internal Resume, or log in. @param {number} [tries] to have credentials on this link */
  async _greet(tries = 0) {
    const { connection } = this
    const socket = connection._socket
    if (!this.#token) this.#giveUp()
    try {
      const frame = this.#token ? this.#reconnect() : await this.#login()
      if (socket !== connection._socket || this.state === 'closed') return
      this.#greeting = this.#lastId += 1
      this._transmit({ ...frame, id: this.#greeting })
    } catch (error) {
      if (this.#opening) return this._end(0, '', error)
      // Credentials that cannot be had now may be had later; other logins go on.
      ;(globalThis.reportError ?? console.error)(error)
      if (socket !== connection._socket || this.state === 'closed') return
      this.#timer = setTimeout(() => this._greet(tries + 1), connection._delay(tries))
    }
  }

  /** Nothing of the old login can be had: nobody knows what became of what was sent. */
  #giveUp() {
    if (this.#isLoggingOut) this._end(1000, 'logged_out')
    for (const room of [...this.joined.values()]) if (room._isLeaving) room._end('left')
    this.#unclaimed.clear()
    this.#fail([...this.#pending.values()], { reason: 'lost', message: 'Nobody knows whether it was done' })
    this.#pending.clear()
  }

  /** @param {Command[]} commands @param {Record<string, any>} error */
  #fail(commands, error) {
    for (const { frame, fail } of commands) fail(new GoroomError(error, frame))
  }

  #reconnect() {
    this.#attempt ||= String(crypto.getRandomValues(new BigUint64Array(2)))
    /** @type {Record<string, Place>} */
    const rooms = Object.create(null) // a room may be called __proto__
    for (const [name, room] of this.joined) if (!room._isComingBack) rooms[name] = placeOf(room)
    return { eventType: RECONNECT, data: { token: this.#token, attempt: this.#attempt, app: placeOf(this), rooms } }
  }

  async #login() {
    const { name, credentials = {}, resume = true } = this.#options
    const more = typeof credentials === 'function' ? await credentials() : credentials
    return { eventType: LOGIN, data: { ...more, username: name, ...(resume && { resume }) } }
  }

  /** @param {Frame} reply The answer to LOGIN or RECONNECT. */
  #welcome({ data, error, ...frame }) {
    const isResumed = this.#token !== ''
    if (error?.code) {
      this.#token = ''
      if (isResumed && error.reason !== 'kicked') return this._greet()
      return this._end(error.code, error.reason, new GoroomError(error))
    }
    const opening = this.#opening
    this.#opening = undefined
    this.state = 'open'
    this.name ||= data.appName
    this.user = data.userName
    this.userId = data.userId
    this.#token = data.token ?? ''
    this.#attempt = ''
    if (isResumed) this.#resumed(data)
    else this.#loggedIn(data, !opening)
    if (!opening) return
    this.connection._hold()
    opening.resolve(this)
  }

  /** @param {Record<string, any>} data @param {boolean} isAgain */
  #loggedIn({ epoch, seq = 0, sub = 0, rooms = [] }, isAgain) {
    Object.assign(this, { epoch, seq, sub })
    const known = [...this.joined.values()]
    for (const room of known) room._isComingBack = true
    const here = new Set(rooms.map((/** @type {any} */ { roomName }) => roomName))
    for (const room of known) if (!here.has(room.name)) this.#joinAgain(room)
    if (isAgain) this.#flush()
    if (this.state !== 'open') return // a listener has closed it
    for (const room of rooms) this.#place({ eventType: JOIN_ROOM, data: room, seq: room.seq, sub: room.sub })
    if (isAgain) this.#reset(undefined, 'epoch')
  }

  /** @param {Room<any>} room */
  #joinAgain(room) {
    const frame = { roomName: room.name, ...room._entry }
    this.#issue({
      frame, text: this.#encode(frame), id: 0, at: 0,
      take: (reply) => {
        if (!reply.error?.code) this.#place({ ...reply, eventType: room._entry.eventType })
        else if (room._isComingBack) this.#lose(room, 'gone')
      },
      fail: () => {}, // the next login joins again
    })
  }

  /** @param {Record<string, any>} data */
  #resumed({ app, rooms }) {
    const isJoining = [...this.#pending.values()].some(({ frame }) => frame.eventType === JOIN_ROOM)
    this.#unclaimed.clear()
    if (app.reset) Object.assign(this, placeOf(app))
    for (const command of this.#pending.values()) this.#issue(command)
    this.#flush()
    if (app.reset) this.#reset(undefined, app.reset)
    if (this.state !== 'open') return // a listener has closed it
    for (const [name, { seq, sub, reset, ...data }] of Object.entries(rooms)) {
      const room = this.joined.get(name)
      if (reset === 'gone' || reset === 'kicked') {
        if (room) this.#lose(room, reset)
      } else if (data.roomName) {
        const eventType = room?.watching ? SUBSCRIBE_ROOM : JOIN_ROOM
        const frame = { eventType, appName: this.name, roomName: name, data, seq, sub, reset }
        if (room) this.#place(frame, reset)
        else if (isJoining) this.#unclaimed.set(name, [frame])
        else this.#seat(frame)
      }
    }
  }

  /** Send what waited for the link, and say that it is back. */
  #flush() {
    this.#pump()
    if (this.#list) this.#subscribe(() => this.#tellList()).catch(() => {})
    this.#events.emit('resume')
  }

  /** @internal @param {Frame} frame */
  _receive(frame) {
    const { eventType, roomName, sender, id, code, error } = frame
    if (id !== undefined) return this.#answer(frame)
    if (eventType === DISCONNECTION) {
      if (isFinal(code)) this._end(code, error?.message ?? '')
      else this.connection._lose(this.connection._socket, code, error?.message ?? '')
      return
    }
    if (error?.code) return this.#events.emit('refused', new GoroomError(error, frame))
    if (!roomName) return this.#receiveOwn(frame)
    const unclaimed = this.#unclaimed.get(roomName)
    if (unclaimed) unclaimed.push(frame)
    else if (eventType === JOIN_ROOM && !sender) this.#seat(frame)
    else this.joined.get(roomName)?._receive(frame)
  }

  /** @param {Frame} reply */
  #answer(reply) {
    const { id } = reply
    if (id === this.#greeting) {
      this.#greeting = undefined
      return this.#welcome(reply)
    }
    const command = this.#pending.get(id)
    if (!command) return
    this.#pending.delete(id)
    this.connection.latency = performance.now() - command.at
    this.connection._tries = 0
    this.#pump()
    command.take(reply)
    if (this.#unclaimed.size) this.#release()
  }

  /** @param {Frame} frame An event outside rooms. */
  #receiveOwn(frame) {
    const { eventType, sender = '', data, action = '' } = frame
    if (!advance(this, frame, this.connection)) return
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
    this.#tellList()
  }

  /** @internal @param {CloseEvent} close The link is lost. */
  _drop(close) {
    clearTimeout(this.#timer)
    if (this.#options.resume === false) return this._end(close.code, close.reason)
    if (this.state !== 'open') return
    this.state = 'suspended'
    this.#events.emit('drop', close)
  }

  /** @internal What is not answered, with its size in bytes. */
  get _sizes() {
    return [...this.#pending.values()].map(({ id, text }) => ({ app: this, id, size: new Blob([text]).size }))
  }

  /** @internal Whether there is something to come back to. */
  get _isRestorable() {
    return !this.#opening && this.#options.resume !== false
  }

  /** @internal Log out without waiting for the reply. */
  _leave() {
    if (this.state !== 'open') return
    for (const { text } of this.#queue) this.connection._send(text)
    this._transmit({ eventType: LOGOUT })
  }

  /** @internal @param {number} code @param {string} reason @param {unknown} [cause] */
  _end(code, reason, cause = closed(code, reason)) {
    if (this.state === 'closed') return
    this.state = 'closed'
    clearTimeout(this.#timer)
    this.connection._forget(this)
    this.#opening?.reject(cause)
    this.#fail([...this.#pending.values(), ...this.#queue.splice(0)], closed(code, reason))
    this.#pending.clear()
    for (const room of [...this.joined.values()]) room._end('disconnected')
    this.#events.emit('close', { code, reason })
  }
}

/**
 * One socket, and the next one when that is lost; several applications may be logged in to over it.
 */
export class Connection {
  /** @type {Set<App<any>>} */
  #apps = new Set()
  /** @type {Array<() => void> | undefined} What came while frames are held. */
  #held
  #url
  #options
  #end = new AbortController()
  /** @type {any} Of what is to be done next where nothing comes. */
  #timer
  /** @internal @type {any} */
  _socket
  #openedAt = 0
  /** @internal Tries to connect since the link was good: answered a command, or stayed. */
  _tries = 0
  /** @internal Whether events that were heard are not heard again; tests switch it off. */
  _deduplicates = true

  /** @internal @param {string} url @param {OpenOptions} options */
  constructor(url, { WebSocket = globalThis.WebSocket, heartbeat, backoff }) {
    this.state = /** @type {State} */ ('connecting')
    /** Milliseconds that the newest reply took, its handler's time included; 0 before the first. */
    this.latency = 0
    this.#url = url
    this.#options = { WebSocket, idleMs: 15_000, replyMs: 10_000, minMs: 200, maxMs: 10_000, ...heartbeat, ...backoff }
  }

  /**
   * Log in to an application; where the URL names one already, to that one without *application*.
   * While the link is lost it waits.
   * @template {Schema} [S=any]
   * @param {string | undefined} application
   * @param {LoginOptions} options
   * @returns {Promise<App<S>>}
   */
  async login(application = '', options) {
    if (this.state === 'closed') throw closed(0, '')
    if ([...this.#apps].some(({ name }) => name === application)) {
      throw new Error(`already logged in to ${application}`)
    }
    const app = new App(this, application, options)
    this.#apps.add(app)
    return app._open()
  }

  /** Log out everywhere and close the socket. Every login hears "close" before this returns. */
  close() {
    for (const app of this.#apps) app._leave()
    this._socket?.close(1000)
    this.#over(1000, 'closed')
  }

  /**
   * @internal
   * @param {AbortSignal} [signal]
   * @returns {Promise<Connection>}
   */
  _open(signal) {
    return new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal?.reason)
        this.close()
      }
      signal?.addEventListener('abort', abort)
      this.#end.signal.addEventListener('abort', () => {
        signal?.removeEventListener('abort', abort)
        reject(this.#end.signal.reason)
      })
      this.#dial(() => {
        signal?.removeEventListener('abort', abort)
        resolve(this)
      })
      this.#watchNetwork()
    })
  }

  /** Be quick where the machine says that its network, or the one who looks, has gone or come. */
  #watchNetwork() {
    const { document, addEventListener } = /** @type {any} */ (globalThis)
    const { signal } = this.#end
    addEventListener?.('offline', () => this._lose(this._socket, 1006, 'offline'), { signal })
    addEventListener?.('online', () => this.#wake(), { signal })
    document?.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#wake()
    }, { signal })
  }

  #wake() {
    if (this.state === 'open') this.#probe()
    else if (!this._socket) this.#dial()
  }

  /** @param {() => void} [opened] */
  #dial(opened) {
    const { WebSocket, replyMs } = this.#options
    const socket = this._socket = new WebSocket(this.#url, SUBPROTOCOL)
    const lose = (/** @type {number} */ code, /** @type {string} */ reason) => this._lose(socket, code, reason)
    this.#wait(replyMs, () => lose(1006, 'timeout'))
    socket.onopen = () => {
      if (socket !== this._socket) return
      if (socket.protocol !== SUBPROTOCOL) return lose(1002, 'no ' + SUBPROTOCOL)
      this.state = 'open'
      this.#openedAt = performance.now()
      if (opened) this.#listen() // else an answer is to come at once
      opened?.()
      for (const app of this.#apps) app._greet()
    }
    socket.onerror = () => {} // says nothing that "close" does not say
    socket.onclose = (/** @type {CloseEvent} */ { code, reason }) => this.#take(() => lose(code, reason))
    socket.onmessage = (/** @type {{ data: string }} */ { data }) => {
      if (socket !== this._socket) return
      this.#listen()
      this.#take(() => { if (socket === this._socket) this.#receive(data) })
    }
  }

  #listen() {
    this.#wait(this.#options.idleMs, () => this.#probe())
  }

  /** Ask for a word, so that a link that is dead is not taken for a quiet one. */
  #probe() {
    const { replyMs } = this.#options
    const socket = this._socket
    const apps = [...this.#apps]
    if (!apps.length) return this.#listen()
    // Not of a login that waits for an answer: any other frame says that it has come.
    const app = apps.find(({ state }) => state === 'open')
    app?._transmit({ eventType: JOIN_APP, id: 0 })
    this.#wait(replyMs, () => this._lose(socket, 1006, 'timeout'))
  }

  /** @param {number} ms @param {() => void} then unless something else is waited for before */
  #wait(ms, then) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
  }

  /**
   * @internal The link is lost: come back, where there is something to come back to.
   * @param {any} socket
   * @param {number} code
   * @param {string} reason
   */
  _lose(socket, code, reason) {
    if (!socket || socket !== this._socket) return
    this._socket = undefined
    socket.close()
    if (isFinal(code) || ![...this.#apps].some((app) => app._isRestorable)) return this.#over(code, reason)
    if (this.state === 'open' && performance.now() - this.#openedAt > this.#options.maxMs) this._tries = 0
    this.state = 'suspended'
    this.#wait(this._delay(this._tries++), () => this.#dial())
    for (const app of [...this.#apps]) app._drop({ code, reason })
    if (code === MESSAGE_TOO_BIG) this.#refuseLargest()
  }

  /** @internal Milliseconds to wait after so many *tries*. @param {number} tries */
  _delay(tries) {
    const { minMs, maxMs } = this.#options
    return Math.random() * Math.min(maxMs, minMs * 2 ** tries)
  }

  /** Do not send again what would end the next link, too. */
  #refuseLargest() {
    const [largest] = [...this.#apps].flatMap((app) => app._sizes).sort((a, b) => b.size - a.size)
    const error = { code: 24, reason: 'too_large', message: 'Too large for the server' }
    largest?.app._receive({ eventType: 0, id: largest.id, error })
  }

  /** @internal @param {string} text */
  _send(text) {
    this._socket?.send(text)
  }

  /** @internal @param {App<any>} app */
  _forget(app) {
    this.#apps.delete(app)
  }

  /** @internal Keep what comes next until listeners can have been added. @param {Array<() => void>} [first] */
  _hold(first = []) {
    if (this.#held) return
    this.#held = first
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
    let frame
    try {
      frame = JSON.parse(text)
      frame.data ??= {}
    } catch {
      return this._lose(this._socket, 1002, 'no frame')
    }
    const name = frame.appName
    for (const app of this.#apps) {
      // On an endpoint bound to one application, frames do not name it.
      if (!name || !app.name || app.name === name) return app._receive(frame)
    }
  }

  /** @param {number} code @param {string} reason */
  #over(code, reason) {
    if (this.state === 'closed') return
    this.state = 'closed'
    this._socket = undefined
    clearTimeout(this.#timer)
    this.#end.abort(new GoroomError({ reason: 'closed', message: `No connection to ${this.#url} (${code})` }))
    for (const app of [...this.#apps]) app._end(code, reason)
  }
}

/**
 * Open a connection without logging in. It comes back by itself only while somebody is logged in.
 *
 * @param {string | URL} url of a WebSocket; in a browser it may be relative to the page
 * @param {OpenOptions} [options]
 * @returns {Promise<Connection>}
 * @throws {GoroomError} There is no connection to be had; reason "closed".
 */
export async function open(url, options = {}) {
  options.signal?.throwIfAborted()
  const address = new URL(url, globalThis.location?.href)
  address.protocol = address.protocol.replace('http', 'ws')
  address.hash = ''
  return new Connection(address.href, options)._open(options.signal)
}

/**
 * Open a connection and log in.
 *
 * @template {Schema} [S=any] what its messages are: `connect<Tictactoe>(...)`
 * @param {string | URL} url
 * @param {OpenOptions & LoginOptions & { app?: string }} options app: the application, where the
 *   URL does not name it; name: the user's; credentials: what else the application asks for, or a
 *   function that returns it, called at each login
 * @returns {Promise<App<S>>}
 * @throws {GoroomError} There is no connection, or the login was refused; then it is closed again.
 */
export async function connect(url, { app, ...options }) {
  const { signal } = options
  const connection = await open(url, options)
  const abort = () => connection.close()
  signal?.addEventListener('abort', abort)
  try {
    signal?.throwIfAborted()
    return await connection.login(app, options)
  } catch (error) {
    connection.close()
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
