/** Names for guests and for rooms, as short as the game wants them. */

const GUESTS = ['Badger', 'Crane', 'Heron', 'Lynx', 'Magpie', 'Newt', 'Otter', 'Puffin', 'Robin', 'Wren']
const LETTERS = 'abcdefghijkmnpqrstuvwxyz'
const ROOM_CHARACTERS = 10

/** @param {number} count */
const below = (count) => Math.floor(Math.random() * count)

/** The name that this browser had last, or a new one. */
export function guestName() {
  return localStorage.getItem('name') ?? `${GUESTS[below(GUESTS.length)]}${10 + below(90)}`
}

/**
 * Keep a name for the next visit.
 * @param {string} name
 */
export function keepName(name) {
  localStorage.setItem('name', name)
}

/** A name for a room that nobody else will think of. */
export function roomName() {
  return Array.from({ length: 8 }, () => LETTERS[below(LETTERS.length)]).join('')
}

/**
 * The room of the next game: the same for all who played in *name*.
 * @param {string} name
 */
export function nextRoom(name) {
  const number = /\d*$/.exec(name)?.[0] ?? ''
  const next = String(Number(number || 1) + 1)
  return name.slice(0, Math.min(name.length - number.length, ROOM_CHARACTERS - next.length)) + next
}
