/** The board of connect four: seven columns of six, four in a row win. */

import { act, h, icon, rove } from './dom.js'

/** @typedef {{ columns: string[][], players: string[], turn: number, phase: string, winner: string, line: number[][] }} Board */

const ROWS = 6
const SOLID = 'M12 4a8 8 0 1 0 .01 0'
const HOLLOW = `${SOLID}M12 9a3 3 0 1 0 .01 0`
const MARKS = ['R', 'Y']

/** What a seat's player plays, as an icon. */
export const pieces = MARKS.map((mark) => () => {
  const svg = icon(mark === 'R' ? SOLID : HOLLOW)
  svg.classList.add('piece', mark)
  return svg
})

/**
 * @param {(action: string, data: Record<string, number>) => Promise<unknown>} play
 */
export function connectfourBoard(play) {
  const slots = Array.from({ length: 7 }, () => Array.from({ length: ROWS }, () => h('span', { class: 'slot' })))
  const columns = slots.map((column, number) => {
    const button = h('button', { type: 'button', class: 'column' }, ...[...column].reverse())
    button.addEventListener('click', () => act(button, () => play('drop', { column: number })))
    return button
  })
  const element = h('div', { class: 'board connectfour', role: 'toolbar', 'aria-label': 'Board, seven columns' }, ...columns)
  rove(element, columns)

  return {
    element,
    focus: () => columns.find(({ tabIndex }) => tabIndex === 0)?.focus(),

    /** @param {Board} board @param {Board} [before] */
    update(board, before) {
      const winning = new Set(board.line.map(String))
      slots.forEach((column, x) => {
        const discs = board.columns[x] ?? []
        column.forEach((slot, y) => {
          const mark = discs[y] ?? ''
          slot.className = `slot ${mark}`
          slot.classList.toggle('win', winning.has(`${x},${y}`))
          slot.classList.toggle('next', y === discs.length)
          slot.classList.toggle('last', Boolean(before && mark && !before.columns[x]?.[y]))
        })
        const whose = discs.map((mark) => board.players[MARKS.indexOf(mark)] ?? mark)
        const button = columns[x]
        if (button) button.ariaLabel = `column ${x + 1}, ${whose.length ? `from below: ${whose.join(', ')}` : 'empty'}`
      })
    },

    /** What was played between two boards, for those who cannot see it. @param {Board} before @param {Board} board */
    played(before, board) {
      const column = board.columns.findIndex((discs, x) => discs.length > (before.columns[x]?.length ?? 0))
      return column < 0 ? '' : `column ${column + 1}`
    },
  }
}
