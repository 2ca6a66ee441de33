/** Uses of connect<Schema>() with the types that `goroom types --ts` writes: right ones, and wrong ones. */

import { connect, open, type App, type Room } from './goroom.js'
import type { Chat, Tictactoe, TicTacToeBoard } from './lobby.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Equal<A, B>) => {}

const app = await connect<Tictactoe>('ws://localhost/', { app: 'tictactoe', name: 'ada' })
const room = await app.joinOrCreate('table', { capacity: 2 })
same<typeof app, App<Tictactoe>>(true)

room.on('board', (board, from) => {
  same<typeof board, TicTacToeBoard>(true)
  same<typeof from, string>(true)
})
room.once('said', ({ text }) => same<typeof text, string>(true))
room.on('*', (data, from, action) => console.log(data.anything, from, action))
room.send('move', { square: 4 })
room.send('move', { square: 4 }, { volatile: true })
room.send('again')
const board = await room.request('look')
same<typeof board, TicTacToeBoard>(true)
await room.request('look', undefined, { signal: AbortSignal.timeout(1) })
await app.request('look', { table: 'table-1' })
app.onMessage('greeting', (greeting) => console.log(greeting))
app.on('reset', ({ room: which, reason }) => which?.send('move', { square: reason.length }))
app.on('join', (joined) => joined.send('again'))
for (const joined of app.joined.values()) joined.on('forfeited', ({ by }) => console.log(by))
const byName = await app.join('table-1')
byName.on('board', ({ squares }) => console.log(squares))
;(await app.watch<'table'>('table-1')).on('board', (seen) => same<typeof seen, TicTacToeBoard>(true))

// @ts-expect-error nothing of this name is sent
room.on('bord', () => {})
// @ts-expect-error a board has no such field
room.on('board', ({ colour }) => console.log(colour))
// @ts-expect-error nothing of this name is taken
room.send('mvoe', { square: 4 })
// @ts-expect-error the square is a number
room.send('move', { square: 'four' })
// @ts-expect-error a move has a square
room.send('move')
// @ts-expect-error "again" has no data
room.send('again', { square: 4 })
// @ts-expect-error the reply is a board
const text: string = await room.request('look')
// @ts-expect-error nothing of this name is sent outside rooms
app.onMessage('board', () => {})
// @ts-expect-error the application takes a table
await app.request('look', { tabel: 'table-1' })
// @ts-expect-error there is no such kind
await app.joinOrCreate('tabel')
// @ts-expect-error there is no such event
app.on('drpo', () => {})
console.log(text)

// Several kinds, several applications.
interface Two {
  app: { sends: {}, takes: {} }
  rooms: {
    table: { sends: { board: number[] }, takes: { move: { data: { square: number }, reply: boolean } } }
    hall: { sends: { said: { text: string } }, takes: { say: { data: { text: string }, reply: null } } }
  }
}
const connection = await open('ws://localhost/')
const two = await connection.login<Two>('two', { name: 'ada' })
const either = await two.join('somewhere')
either.on('board', (squares) => same<typeof squares, number[]>(true))
either.on('said', (said) => same<typeof said, { text: string }>(true))
const moved = await either.request('move', { square: 1 })
same<typeof moved, boolean>(true)
const hall = await two.joinOrCreate('hall')
// @ts-expect-error a hall takes no moves
hall.send('move', { square: 1 })
await connection.login<Chat>('chat', { name: 'ada' })

// Without types everything goes.
const free = await connect('ws://localhost/', { app: 'x', name: 'ada' })
const any: Room = await free.joinOrCreate('anything')
any.on('whatever', ({ deep: { down } }) => console.log(down))
any.send('whatever', [1, 2, 3])
const reply = await any.request('whatever')
console.log(reply.anything)
