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
export type State = 'connecting' | 'open' | 'closed';
export type Options = {
    signal?: AbortSignal;
};
export type Off = () => void;
export type Credentials = Record<string, any> | (() => Record<string, any> | Promise<Record<string, any>>);
export type LoginOptions = {
    name: string;
    credentials?: Credentials;
};
export type OpenOptions = {
    WebSocket?: new (url: string, protocol: string) => any;
    signal?: AbortSignal;
};
export type Listener = (data: any, from: string, action: string) => void;
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
    type: 'left';
    reason: string;
    message: string;
};
export type CloseEvent = {
    code: number;
    reason: string;
};
export type AppEvents = {
    join: Room;
    refused: GoroomError;
    close: CloseEvent;
};
export type Frame = Record<string, any> & {
    eventType: number;
};
/**
 * The server refused, or the link is closed.
 */
export declare class GoroomError extends Error {
    /** Number of the error; from 1000 up the application's own, 0 where the link is closed. */
    code: number;
    /** Name of the error, for programs. */
    reason: string;
    /** Path of the bad field in the data sent, such as `moves[1].square`, or "". */
    field: string;
    /** The action that was refused, or "". */
    action: string;
    /** Name of the room that refused, or "". */
    room: string;
}
/**
 * A room that this client is in, or watches.
 *
 * One object for one stay: a room that was left and joined again is a new one. The properties are
 * kept up to date and have changed before listeners hear of it.
 */
export declare class Room {
    #private;
    app: App;
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
     * @param {string} action
     * @param {Listener} listener
     * @param {Options} [options]
     */
    on(action: string, listener: Listener, options?: Options): Off;
    /**
     * Like `on`, for the next message only.
     * @param {string} action
     * @param {Listener} listener
     * @param {Options} [options]
     */
    once(action: string, listener: Listener, options?: Options): Off;
    /**
     * Call *listener* with each event of one type: "join", "leave", "away", "back" of other members,
     * "update" of the room's properties, "left" when this client is out.
     * @template {RoomEvent['type']} T
     * @param {T} type
     * @param {(event: Extract<RoomEvent, { type: T }>) => void} listener
     * @param {Options} [options]
     */
    onEvent<T extends RoomEvent['type']>(type: T, listener: (event: Extract<RoomEvent, {
        type: T;
    }>) => void, options?: Options): Off;
    /**
     * Send a message and wait for nothing. A refusal is the application's event "refused".
     * @param {string} action
     * @param {any} [data]
     * @throws {GoroomError} The link is closed.
     */
    send(action: string, data?: any): void;
    /**
     * Send a message and wait for its reply; what the message caused here has been heard before.
     * @param {string} action
     * @param {any} [data]
     * @param {Options} [options]
     * @returns {Promise<any>} what its handler returned
     * @throws {GoroomError} It was refused, or the link is closed.
     */
    request(action: string, data?: any, options?: Options): Promise<any>;
    /**
     * Leave the room, or stop watching it. Rejects where the room does not let go.
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
 */
export declare class App {
    #private;
    connection: Connection;
    /** Name of the application. */
    name: string;
    /** The user's name, as the server has it. */
    user: string;
    userId: string;
    state: State;
    /** The rooms that the user is in or this client watches, by name; at first those it was in. */
    joined: Map<string, Room>;
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
     * "refused" (error) something that was sent without waiting for a reply was refused;
     * "close" ({code, reason}) it is over: logged out, closed by either side, or the link is lost.
     * @template {keyof AppEvents} T
     * @param {T} event
     * @param {(value: AppEvents[T]) => void} listener
     * @param {Options} [options]
     */
    on<T extends keyof AppEvents>(event: T, listener: (value: AppEvents[T]) => void, options?: Options): Off;
    /**
     * Call *listener* with (data, from, action) for each message outside rooms; "*" hears all.
     * @param {string} action
     * @param {Listener} listener
     * @param {Options} [options]
     */
    onMessage(action: string, listener: Listener, options?: Options): Off;
    /**
     * Send a message to the application and wait for nothing.
     * @param {string} action
     * @param {any} [data]
     * @throws {GoroomError} The link is closed.
     */
    send(action: string, data?: any): void;
    /**
     * Send a message to the application and wait for its reply.
     * @param {string} action
     * @param {any} [data]
     * @param {Options} [options]
     * @returns {Promise<any>} what its handler returned
     * @throws {GoroomError} It was refused, or the link is closed.
     */
    request(action: string, data?: any, options?: Options): Promise<any>;
    /**
     * Join a room by name.
     * @param {string} name
     * @param {{ password?: string, signal?: AbortSignal }} [options]
     */
    join(name: string, { signal, ...data }?: {
        password?: string;
        signal?: AbortSignal;
    }): Promise<Room>;
    /**
     * Join the oldest room of *kind* that has a free seat, or make one; with a name, join that room
     * or make it. Further options are the new room's, as far as its kind takes them from clients.
     * @param {string} kind
     * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
     */
    joinOrCreate(kind: string, { name, signal, ...data }?: {
        name?: string;
        signal?: AbortSignal;
    } & Record<string, any>): Promise<Room>;
    /**
     * Make a room and join it; refused if there is one of that name.
     * @param {string} kind
     * @param {{ name?: string, signal?: AbortSignal } & Record<string, any>} [options]
     */
    create(kind: string, { name, signal, ...data }?: {
        name?: string;
        signal?: AbortSignal;
    } & Record<string, any>): Promise<Room>;
    /**
     * Watch a room without joining it, where it lets itself be watched.
     * @param {string} name
     * @param {Options} [options]
     */
    watch(name: string, { signal }?: Options): Promise<Room>;
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
 * One socket; several applications may be logged in to over it.
 */
export declare class Connection {
    #private;
    state: State;
    /** Milliseconds that the newest reply took, its handler's time included; 0 before the first. */
    latency: number;
    /**
     * Log in to an application; where the URL names one already, to that one without *application*.
     * @param {string | undefined} application
     * @param {LoginOptions} options
     * @returns {Promise<App>}
     */
    login(application: string | undefined, options: LoginOptions): Promise<App>;
    /** Close the socket. Every login on it hears "close" before this returns. */
    close(): void;
}
/**
 * Open a connection without logging in.
 *
 * @param {string | URL} url of a WebSocket; in a browser it may be relative to the page
 * @param {OpenOptions} [options] WebSocket: the class to use where there is no global one (Node 20: `ws`)
 * @returns {Promise<Connection>}
 * @throws {GoroomError} There is no connection to be had; reason "closed".
 */
export declare function open(url: string | URL, { WebSocket, signal }?: OpenOptions): Promise<Connection>;
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
export declare function connect(url: string | URL, { app, signal, WebSocket, ...login }: OpenOptions & LoginOptions & {
    app?: string;
}): Promise<App>;
