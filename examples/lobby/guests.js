/** Names for guests. */

const HOW = ['brisk', 'calm', 'clever', 'daring', 'gentle', 'jolly', 'keen', 'lucky', 'merry', 'nimble', 'quiet', 'witty']
const WHO = ['badger', 'crane', 'dormouse', 'fox', 'heron', 'lynx', 'magpie', 'newt', 'otter', 'puffin', 'robin', 'wren']

/** @param {string[]} words */
const any = (words) => words[Math.floor(Math.random() * words.length)]

/** The name that this browser had last, or a new one. */
export function guestName() {
  return localStorage.getItem('name') ?? `${any(HOW)}-${any(WHO)}`
}

/**
 * Keep a name for the next visit.
 * @param {string} name
 */
export function keepName(name) {
  localStorage.setItem('name', name)
}

/**
 * The names to try, one after the other, where *name* may be taken: itself, then with a number.
 * @param {string} name
 */
export function* alternatives(name) {
  yield name
  const stem = name.replace(/-\d+$/, '').slice(0, 58)
  for (let number = 2; number < 10; number += 1) yield `${stem}-${number}`
  for (let n = 0; n < 10; n += 1) yield `${stem}-${10 + Math.floor(Math.random() * 9990)}`
}
