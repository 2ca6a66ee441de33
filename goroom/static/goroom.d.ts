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
export type Messages = {
    sends: object;
    takes: object;
};
export type Schema = {
    app: Messages;
    rooms: object;
};
export type Actions<T> = T extends any ? keyof T & string : never;
export type Named<T, A> = T extends any ? A extends keyof T ? T[A] : never : never;
export type Rest<T, O> = T extends {
    data: infer D;
} ? undefined extends D ? [data?: D, options?: O] : [data: D, options?: O] : [data?: any, options?: O];
export type Reply<T> = T extends {
    reply: infer R;
} ? R : any;
export type Heard<T, A> = A extends '*' ? any : Named<T, A>;
export type RoomOf<S extends Schema, K extends keyof S['rooms']> = Room<S['rooms'][K] extends Messages ? S['rooms'][K] : any>;
export type State = 'connecting' | 'open' | 'suspended' | 'closed';
export type Options = {
    signal?: AbortSignal;
};
export type SendOptions = {
    volatile?: boolean;
};
export type Off = () => void;
export type Credentials = Record<string, any> | (() => Record<string, any> | Promise<Record<string, any>>);
export type LoginOptions = {
    name: string;
    credentials?: Credentials;
    resume?: boolean;
};
export type OpenOptions = {
    WebSocket?: new (url: string, protocol: string) => any;
    signal?: AbortSignal;
    heartbeat?: {
        idleMs?: number;
        replyMs?: number;
    };
    backoff?: {
        minMs?: number;
        maxMs?: number;
    };
};
export type Listener<T = any> = (data: T, from: string, action: string) => void;
export type RoomInfo = {
    name: string;
    kind: string;
    count: number;
    capacity: number;
    locked: boolean;
    password: boolean;
    spectators: boolean;
    properties: Record<string, any>;
    maker: string;
};
export type RoomEvent = {
    type: 'message';
    action: string;
    data: any;
    from: string;
} | {
    type: 'join' | 'back';
    name: string;
} | {
    type: 'leave';
    name: string;
    reason: string;
    message: string;
} | {
    type: 'away';
    name: string;
    seconds: number;
} | {
    type: 'update';
    changes: Record<string, any>;
} | {
    type: 'reset';
    reason: ResetReason;
} | {
    type: 'left';
    reason: string;
    message: string;
};
export type ResetReason = 'history' | 'epoch' | 'gone' | 'kicked';
export type CloseEvent = {
    code: number;
    reason: string;
};
export type AppEvents<S extends Schema = any> = {
    join: RoomOf<S, keyof S['rooms']>;
    refused: GoroomError;
    drop: CloseEvent;
    resume: undefined;
    reset: {
        room: RoomOf<S, keyof S['rooms']> | undefined;
        reason: ResetReason;
    };
    close: CloseEvent;
};
export type Frame = Record<string, any> & {
    eventType: number;
};
export type Command = {
    frame: Frame;
    text: string;
    id: number;
    at: number;
    take: (reply: Frame) => void;
    fail: (error: GoroomError) => void;
};
/**
 * The server refused, or the link is closed.
 */
export declare class GoroomError extends Error {
    /** Number of the error; from 1000 up the application's own, 0 where this client says so. */
    code: number;
    /**
     * Name of the error, for programs. Of this client: "closed", the login is over; "lost", nobody
     * knows whether it was done; "overflow", too much waits.
     */
    reason: string;
    /** Path of the bad field in the data sent, such as `moves[1].square`, or "". */
    field: string;
    /** The action that was refused, or "". */
    action: string;
    /** Name of the room that refused, or "". */
    room: string;
}
export type Place = {
    epoch: string;
    seq: number;
    sub: number;
};
/**
 * A room that this client is in, or watches.
 *
 * One object for one stay, lost links included: a room that was left and joined again is a new one.
 * The properties are kept up to date and have changed before listeners hear of it.
 *
 * @template {Messages} [M=any] its messages; see connect()
 */
export declare class Room<M extends Messages = any> {
    #private;
    /** @type {App<any>} */
    app: App<any>;
    name: string;
    kind: string;
    /** Most members. */
    capacity: number;
    /** How many members there are; `members` may hold fewer, but never more than are there. */
    count: number;
    /** The members by name, this client's user among them; of very full rooms the first 200. */
    members: Map<string, {
        away: boolean;
    }>;
    /** Free values that the room's author chose. */
    properties: Record<string, any>;
    /** Whether it is locked, as far as this client was told. */
    locked: boolean;
    /** The user whose client made it, or "". */
    maker: string;
    /** Whether this client only watches: it hears what is for everybody and may not speak. */
    watching: boolean;
    /** Whether this client is no longer in the room. */
    hasLeft: boolean;
    /** Names the sequence that `seq` counts in. */
    epoch: string;
    /** Place of the newest event, with `sub`. */
    seq: number;
    sub: number;
    /**
     * Call *listener* with (data, from, action) for each message named *action*; "*" hears all.
     * @template {Actions<M['sends']> | '*'} A
     * @param {A} action
     * @param {Listener<Heard<M['sends'], A>>} listener
     * @param {Options} [options]
     */
    on<A extends Actions<M['sends']> | '*'>(action: A, listener: Listener<Heard<M['sends'], A>>, options?: Options): Off;
    /**
     * Like `on`, for the next message only.
     * @template {Actions<M['sends']> | '*'} A
     * @param {A} action
     * @param {Listener<Heard<M['sends'], A>>} listener
     * @param {Options} [options]
     */
    once<A extends Actions<M['sends']> | '*'>(action: A, listener: Listener<Heard<M['sends'], A>>, options?: Options): Off;
    /**
     * Call *listener* with each event of one type: "join", "leave", "away", "back" of other members,
     * "update" of the room's properties, "reset" when events were missed for good, "left" when this
     * client is out.
     * @template {RoomEvent['type']} T
     * @param {T} type
     * @param {(event: Extract<RoomEvent, { type: T }>) => void} listener
     * @param {Options} [options]
     */
    onEvent<T extends RoomEvent['type']>(type: T, listener: (event: Extract<RoomEvent, {
        type: T;
    }>) => void, options?: Options): Off;
    /**
     * Send a message and wait for nothing. A refusal is the application's event "refused". While the
     * link is lost it waits, but not a volatile one.
     * @template {Actions<M['takes']>} A
     * @param {A} action
     * @param {Rest<Named<M['takes'], A>, SendOptions>} rest data, options
     * @throws {GoroomError} The room was left, the login is over, or too much waits for the link.
     */
    send<A extends Actions<M['takes']>>(action: A, ...[data, options]: Rest<Named<M['takes'], A>, SendOptions>): void;
    /**
     * Send a message and wait for its reply; what the message caused here has been heard before.
     * @template {Actions<M['takes']>} A
     * @param {A} action
     * @param {Rest<Named<M['takes'], A>, Options>} rest data, options
     * @returns {Promise<Reply<Named<M['takes'], A>>>} what its handler returned
     * @throws {GoroomError} It was refused or is lost, the room was left, the login is over, or too
     *   much waits for the link.
     */
    request<A extends Actions<M['takes']>>(action: A, ...[data, options]: Rest<Named<M['takes'], A>, Options>): Promise<Reply<Named<M['takes'], A>>>;
    /**
     * Leave the room, or stop watching it; nothing is done where that is over. Rejects where the room
     * does not let go.
     * @returns {Promise<void>}
     */
    leave(): Promise<void>;
    /**
     * The room's events from now on, one after the other; the last is "left". Ends by itself, or by
     * leaving the loop.
     * @returns {AsyncIterableIterator<RoomEvent>}
     */
    [Symbol.asyncIterator](): AsyncIterableIterator<RoomEvent>;
}
/**
 * One login to one application.
 *
 * @template {Schema} [S=any] its messages; see connect()
 */
export declare class App<S extends Schema = any> {
    #private;
    connection: Connection;
    /** Name of the application. */
    name: string;
    /** The user's name, as the server has it. */
    user: string;
    userId: string;
    state: State;
    /** The rooms that the user is in or this client watches, by name; at first those it was in. */
    joined: Map<string, RoomOf<S, keyof S["rooms"]>>;
    /** Names the application's own sequence. */
    epoch: string;
    /** Place of the newest event outside rooms, with `sub`. */
    seq: number;
    sub: number;
    /** Milliseconds that the newest reply took, its handler's time included; 0 before the first. */
    get latency(): number;
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
    on<T extends keyof AppEvents<S>>(event: T, listener: (value: AppEvents<S>[T]) => void, options?: Options): Off;
    /**
     * Call *listener* with (data, from, action) for each message outside rooms; "*" hears all.
     * @template {Actions<S['app']['sends']> | '*'} A
     * @param {A} action
     * @param {Listener<Heard<S['app']['sends'], A>>} listener
     * @param {Options} [options]
     */
    onMessage<A extends Actions<S['app']['sends']> | '*'>(action: A, listener: Listener<Heard<S['app']['sends'], A>>, options?: Options): Off;
    /**
     * Send a message to the application and wait for nothing; see Room.send.
     * @template {Actions<S['app']['takes']>} A
     * @param {A} action
     * @param {Rest<Named<S['app']['takes'], A>, SendOptions>} rest data, options
     * @throws {GoroomError} The login is over, or too much waits for the link.
     */
    send<A extends Actions<S['app']['takes']>>(action: A, ...[data, options]: Rest<Named<S['app']['takes'], A>, SendOptions>): void;
    /**
     * Send a message to the application and wait for its reply; see Room.request.
     * @template {Actions<S['app']['takes']>} A
     * @param {A} action
     * @param {Rest<Named<S['app']['takes'], A>, Options>} rest data, options
     * @returns {Promise<Reply<Named<S['app']['takes'], A>>>} what its handler returned
     * @throws {GoroomError} It was refused or is lost, the login is over, or too much waits for the link.
     */
    request<A extends Actions<S['app']['takes']>>(action: A, ...[data, options]: Rest<Named<S['app']['takes'], A>, Options>): Promise<Reply<Named<S['app']['takes'], A>>>;
    /**
     * Join a room by name.
     * @template {keyof S['rooms']} [K=keyof S['rooms']]
     * @param {string} name
     * @param {{ password?: string, signal?: AbortSignal }} [options]
     * @returns {Promise<RoomOf<S, K>>}
     */
    join<K extends keyof S['rooms'] = keyof S['rooms']>(name: string, { signal, ...data }?: {
        password?: string;
        signal?: AbortSignal;
    }): Promise<RoomOf<S, K>>;
    /**
     * Join the oldest room of *kind* that has a free seat, or make one; with a name, join that room
     * or make it. Further options are the new room's, as far as its kind takes them from clients.
     * @template {keyof S['rooms'] & string} K
     * @param {K} kind
     * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
     * @returns {Promise<RoomOf<S, K>>}
     */
    joinOrCreate<K extends keyof S['rooms'] & string>(kind: K, { name, signal, ...data }?: {
        name?: string;
        signal?: AbortSignal;
    } & Record<string, any>): Promise<RoomOf<S, K>>;
    /**
     * Make a room and join it; refused if there is one of that name.
     * @template {keyof S['rooms'] & string} K
     * @param {K} kind
     * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
     * @returns {Promise<RoomOf<S, K>>}
     */
    create<K extends keyof S['rooms'] & string>(kind: K, { name, signal, ...data }?: {
        name?: string;
        signal?: AbortSignal;
    } & Record<string, any>): Promise<RoomOf<S, K>>;
    /**
     * Watch a room without joining it, where it lets itself be watched.
     * @template {keyof S['rooms']} [K=keyof S['rooms']]
     * @param {string} name
     * @param {Options} [options]
     * @returns {Promise<RoomOf<S, K>>}
     */
    watch<K extends keyof S['rooms'] = keyof S['rooms']>(name: string, { signal }?: Options): Promise<RoomOf<S, K>>;
    /**
     * The rooms of the application that are not hidden.
     * @param {Options} [options]
     * @returns {Promise<RoomInfo[]>}
     */
    rooms(options?: Options): Promise<RoomInfo[]>;
    /**
     * Call *listener* with the list of rooms, now and at each change, until the returned function is
     * called or the signal aborts. The list is in the order in which the rooms were made.
     * @param {(rooms: RoomInfo[]) => void} listener
     * @param {Options} [options]
     * @returns {Promise<Off>} settled when the listener has had the first list
     */
    watchRooms(listener: (rooms: RoomInfo[]) => void, { signal }?: Options): Promise<Off>;
    /**
     * End this login; the connection stays for others.
     * @returns {Promise<void>}
     */
    logout(): Promise<void>;
    /** Close the connection, with every login on it. */
    close(): void;
}
/**
 * One socket, and the next one when that is lost; several applications may be logged in to over it.
 */
export declare class Connection {
    #private;
    state: State;
    /** Milliseconds that the newest reply took, its handler's time included; 0 before the first. */
    latency: number;
    /**
     * Log in to an application; where the URL names one already, to that one without *application*.
     * While the link is lost it waits.
     * @template {Schema} [S=any]
     * @param {string | undefined} application
     * @param {LoginOptions} options
     * @returns {Promise<App<S>>}
     */
    login<S extends Schema = any>(application: string | undefined, options: LoginOptions): Promise<App<S>>;
    /** Log out everywhere and close the socket. Every login hears "close" before this returns. */
    close(): void;
}
/**
 * Open a connection without logging in. It comes back by itself only while somebody is logged in.
 *
 * @param {string | URL} url of a WebSocket; in a browser it may be relative to the page
 * @param {OpenOptions} [options]
 * @returns {Promise<Connection>}
 * @throws {GoroomError} There is no connection to be had; reason "closed".
 */
export declare function open(url: string | URL, options?: OpenOptions): Promise<Connection>;
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
export declare function connect<S extends Schema = any>(url: string | URL, { app, ...options }: OpenOptions & LoginOptions & {
    app?: string;
}): Promise<App<S>>;
