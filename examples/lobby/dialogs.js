/** The two questions that the page asks. Escape is "no". */

import { act, h } from './dom.js'

/**
 * Show *content* in a dialog until it is closed; resolves to its return value.
 * @param {HTMLElement} content
 * @returns {Promise<string>}
 */
function ask(content) {
  const dialog = h('dialog', { 'aria-labelledby': 'question' }, content)
  document.body.append(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue)
    })
  })
}

/**
 * Ask whether to leave a game that is going on.
 * @returns {Promise<boolean>}
 */
export async function mayLeave() {
  const answer = await ask(h('form', { method: 'dialog' },
    h('p', { id: 'question' }, 'The game is still going on. If you leave, it counts as given up.'),
    h('div', { class: 'bar' },
      h('button', { value: '' }, 'Stay'),
      h('button', { value: 'leave', class: 'danger' }, 'Leave'))))
  return answer === 'leave'
}

/**
 * Ask for the password of a room until *attempt* accepts one, or it is given up.
 * @param {string} name of the room
 * @param {(password: string) => Promise<void>} attempt
 */
export async function askPassword(name, attempt) {
  const input = h('input', { id: 'password', type: 'password', autocomplete: 'off', required: true, maxLength: 128 })
  const form = h('form', {},
    h('p', { id: 'question' }, `${name} has a password.`),
    h('label', { for: 'password' }, 'Password'),
    input,
    h('div', { class: 'bar' },
      h('button', { type: 'button', onclick: () => form.closest('dialog')?.close() }, 'Cancel'),
      h('button', { class: 'strong' }, 'Join')))
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (await act(input, () => attempt(input.value))) form.closest('dialog')?.close()
  })
  await ask(form)
}
