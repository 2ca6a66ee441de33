/** The board of tic-tac-toe: nine squares, X begins. */

import { act, h, icon, rove } from './dom.js'

/** @typedef {{ squares: string[], players: string[], turn: number, phase: string, winner: string, line: number[] }} Board */

export const CROSS = 'M6 6l12 12M18 6L6 18'
export const RING = 'M12 5.5a6.5 6.5 0 1 0 .01 0'
const PATHS = new Map([['X', CROSS], ['O', RING]])

/** What a seat's player plays, as an icon. */
export const pieces = [() => piece('X'), () => piece('O')]

/** @param {string} mark */
function piece(mark) {
  const svg = icon(PATHS.get(mark) ?? '')
  svg.classList.add('piece', mark)
  return svg
}

/**
 * @param {(action: string, data: Record<string, number>) => Promise<unknown>} play
 */
export function tictactoeBoard(play) {
  const squares = Array.from({ length: 9 }, (_, square) => h('button', { type: 'button', class: 'square' }))
  const element = h('div', { class: 'board tictactoe', role: 'grid', 'aria-label': 'Board, three by three' })
  for (let row = 0; row < 9; row += 3) {
    const cells = squares.slice(row, row + 3).map((square) => h('div', { role: 'gridcell' }, square))
    element.append(h('div', { role: 'row' }, ...cells))
  }
  squares.forEach((button, square) => {
    button.addEventListener('click', () => act(button, () => play('move', { square })))
  })
  rove(element, squares, 3)

  return {
    element,
    focus: () => squares.find(({ tabIndex }) => tabIndex === 0)?.focus(),

    /** @param {Board} board @param {Board} [before] */
    update(board, before) {
      squares.forEach((button, square) => {
        const mark = board.squares[square] ?? ''
        const isWin = board.line.includes(square)
        if (button.dataset.mark !== mark) {
          button.dataset.mark = mark
          button.replaceChildren(...(mark ? [piece(mark)] : []))
        }
        button.classList.toggle('win', isWin)
        button.classList.toggle('last', Boolean(before && mark && mark !== before.squares[square]))
        button.ariaLabel = `square ${square + 1}, ${mark || 'empty'}${isWin ? ', wins' : ''}`
      })
    },

    /** What was played between two boards, for those who cannot see it. @param {Board} before @param {Board} board */
    played(before, board) {
      const square = board.squares.findIndex((mark, at) => mark && !before.squares[at])
      return square < 0 ? '' : `square ${square + 1}`
    },
  }
}
