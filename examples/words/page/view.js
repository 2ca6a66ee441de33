/** What the page shows of a table. Text from people and from the server goes in as text, never as markup. */

/** @typedef {import('./table.js').Table} Table */
/** @typedef {import('./table.js').Player} Player */
/** @typedef {'start' | 'refused' | 'room' | 'game' | 'over'} View */

const COLORS = new Set(['yellow', 'red', 'orange', 'blue', 'purple', 'pink', 'white'])
const FEWEST_PLAYERS = 2

/**
 * The element of the page with this id.
 * @param {string} id
 */
export function find(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`the page has no #${id}`)
  return element
}

/**
 * Make an element. Strings among the children become text.
 * @param {string} tag
 * @param {string} name its class
 * @param {...(Node | string)} children
 */
function h(tag, name, ...children) {
  const element = document.createElement(tag)
  if (name) element.className = name
  element.append(...children)
  return element
}

/**
 * Set an element's text; left alone where it is the same, so that nothing flickers.
 * @param {string} id
 * @param {string} text
 */
function write(id, text) {
  const element = find(id)
  if (element.textContent !== text) element.textContent = text
}

/** @type {string[]} */
const unsaid = []

/**
 * Say in the page's one live region what others did.
 * @param {string} text
 */
export function announce(text) {
  unsaid.push(text)
  if (unsaid.length > 1) return
  // Together what came together: each change of the region may cut off the one before.
  setTimeout(() => { find('said').textContent = unsaid.splice(0).join(' ') }, 100)
}

/** @param {View} view */
export function showView(view) {
  document.body.dataset.view = view
  for (const id of ['start', 'refused', 'room', 'game', 'over']) find(id).hidden = id !== view
  find('people').hidden = view !== 'room' && view !== 'game' && view !== 'over'
  find('talk').hidden = find('people').hidden
}

/** @param {Table} table */
export function showRoom(table) {
  showPlayers(table)
  showLines(table)
  if (table.phase === 'refused') write('refused-text', table.text)
  else if (table.phase === 'gathering') showGathering(table)
  else if (table.phase === 'playing') showGame(table)
  else if (table.phase === 'over') showEnd(table)
  document.title = `${titleOf(table)} · Words battle`
}

/** @param {Table} table */
function titleOf(table) {
  if (table.phase === 'refused') return 'Not here'
  if (table.phase === 'over') return 'Game over'
  if (table.phase !== 'playing') return `Room ${table.room}`
  if (!table.turn) return 'Get ready'
  if (table.turn === table.me) return `Your turn: ${table.letter.toUpperCase()}`
  return `${table.nameOf(table.turn)} to move`
}

/** @param {Table} table */
function showGathering(table) {
  const isEnough = table.players.length >= FEWEST_PLAYERS
  write('room-title', table.isRandom ? 'Waiting for somebody' : `Room ${table.room}`)
  let hint = 'It begins as soon as somebody comes.'
  if (!table.isRandom && !table.isMaker) hint = 'The maker of the room begins.'
  else if (!table.isRandom) hint = isEnough ? 'Begin when everybody is here.' : 'Send the address to a friend.'
  write('room-hint', hint)
  find('share').hidden = table.isRandom
  const address = /** @type {HTMLInputElement} */ (find('address'))
  address.value = location.href
  const begins = table.isMaker && !table.isRandom
  find('settings').hidden = !begins
  find('begin').hidden = !begins || !isEnough
}

/** @param {Table} table */
function showGame(table) {
  const isMine = table.isMyTurn
  find('game').classList.toggle('mine', isMine)
  write('letter', table.letter.toUpperCase())
  let status = 'A moment, please'
  if (isMine) status = `Your turn: a word with ${table.letter.toUpperCase()}`
  else if (table.turn && !table.hasSaid) status = `${table.nameOf(table.turn)} looks for a word`
  else if (table.span && !table.letter) status = 'Time to talk. The game begins in a moment'
  else if (!table.span) status = 'Welcome'
  write('status', status)
  const word = /** @type {HTMLInputElement} */ (find('word'))
  word.disabled = !isMine
  word.placeholder = isMine ? `A word with ${table.letter.toUpperCase()}` : 'Not your turn'
  if (!isMine) word.value = ''
  const send = /** @type {HTMLButtonElement} */ (find('word-form').querySelector('button'))
  send.disabled = !isMine
}

/**
 * Draw how much of the turn's time is left.
 * @param {Table} table
 * @param {number} now
 */
export function showTime(table, now) {
  const left = table.turn || !table.letter ? Math.max(table.deadline - now, 0) : 0
  write('clock', left ? String(Math.ceil(left / 1000)) : '')
  find('time').style.transform = `scaleX(${table.span ? left / table.span : 0})`
}

/** @param {Table} table */
function showEnd(table) {
  const [first, second] = table.ranking
  const isDraw = first && second && first.score === second.score
  let title = 'Game over'
  if (isDraw) title = 'A draw'
  else if (first) title = first.slug === table.me ? 'You won' : `${first.name} won`
  write('over-title', title)
  write('over-text', table.text)
  const rows = table.ranking.map((player) => {
    const place = 1 + table.ranking.filter(({ score }) => score > player.score).length
    return h('li', place === 1 ? 'first' : '',
      h('span', 'place', String(place)), face(player), nameOf(player, table), h('span', 'score', String(player.score)))
  })
  find('ranking').replaceChildren(...rows)
  write('words-title', table.words.length ? 'Words' : 'Not one word')
  find('words').replaceChildren(...table.words.map((word) => h('li', '', word)))
  write('again', table.isRandom ? 'Play again' : 'Play again, in the next room')
}

/** @param {Table} table */
function showPlayers(table) {
  write('people-title', table.phase === 'over' ? 'Still here' : 'Players')
  const rows = table.players.map((player) => h('li', player.slug === table.turn ? 'turn' : '',
    face(player), nameOf(player, table), h('span', 'score', table.phase === 'playing' ? String(player.score) : '')))
  find('players').replaceChildren(...rows)
}

/** @param {Player} player */
function face(player) {
  const element = h('span', 'face', [...player.name].slice(0, 2).join(''))
  if (COLORS.has(player.color)) element.classList.add(player.color)
  element.ariaHidden = 'true'
  return element
}

/**
 * @param {Player} player
 * @param {Table} table
 */
function nameOf(player, table) {
  const element = h('span', 'name', player.name)
  element.title = player.slug
  if (player.slug === table.me) element.append(h('small', '', ' you'))
  return element
}

/** @param {Table} table */
function showLines(table) {
  const list = find('lines')
  if (table.lines.length < list.children.length) list.replaceChildren()
  for (const line of table.lines.slice(list.children.length)) {
    list.append(h('li', line.kind, h('b', '', line.name), ' ', line.text))
  }
  find('scroll').scrollTop = find('scroll').scrollHeight
}
