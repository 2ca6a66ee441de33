/** Small helpers for the page: elements, the live region, and refusals shown where the click was. */

/**
 * The element of the page with this id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function find(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`the page has no #${id}`)
  return /** @type {T} */ (element)
}

/**
 * Make an element. Strings among the children become text, never markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties] "class", "on" + event, else properties or attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [key, value] of Object.entries(properties)) {
    if (key === 'class') element.className = value
    else if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else if (key in element) Object.assign(element, { [key]: value })
    else element.setAttribute(key, value)
  }
  element.append(...children)
  return element
}

/**
 * Set an element's text; left alone where it is the same, so that nothing flickers.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/**
 * Make an icon of one path.
 * @param {string} path
 */
export function icon(path, viewBox = '0 0 24 24') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', viewBox)
  svg.setAttribute('aria-hidden', 'true')
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  shape.setAttribute('d', path)
  svg.append(shape)
  return svg
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

/** @type {() => void} */
let dismiss = () => {}

/**
 * Show a refusal at the place of the click, over the page so that nothing moves. It stays until the
 * next thing is done.
 * @param {HTMLElement} anchor
 * @param {string} text
 */
export function refuse(anchor, text) {
  dismiss()
  const note = h('p', { id: 'refusal', class: 'refusal' }, text)
  const dialog = anchor.closest('dialog') // what is outside of an open one is behind it
  ;(dialog ?? document.body).append(note)
  const base = dialog?.getBoundingClientRect() ?? { left: -scrollX, top: -scrollY }
  const box = anchor.getBoundingClientRect()
  const width = note.offsetWidth
  const middle = box.left + box.width / 2
  const left = Math.min(Math.max(8, middle - width / 2), document.documentElement.clientWidth - width - 8)
  note.style.left = `${left - base.left}px`
  note.style.top = `${box.bottom + 6 - base.top}px`
  note.style.setProperty('--tip', `${middle - left}px`)
  anchor.setAttribute('aria-describedby', 'refusal')
  announce(text)
  const events = ['pointerdown', 'keydown', 'scroll', 'resize']
  dismiss = () => {
    note.remove()
    anchor.removeAttribute('aria-describedby')
    for (const event of events) removeEventListener(event, dismiss, true)
    dismiss = () => {}
  }
  for (const event of events) addEventListener(event, dismiss, true)
}

/**
 * Do something that the server may refuse; a refusal is shown at *anchor*. While it runs, a second
 * click does nothing.
 * @param {HTMLElement} anchor
 * @param {() => Promise<unknown>} action
 * @returns {Promise<boolean>} whether it was done
 */
export async function act(anchor, action) {
  if (anchor.ariaBusy === 'true') return false
  anchor.ariaBusy = 'true'
  try {
    await action()
    return true
  } catch (error) {
    refuse(anchor, error instanceof Error ? error.message : String(error))
    return false
  } finally {
    anchor.ariaBusy = null
  }
}

/**
 * Let arrow keys move the focus among *elements*, one of which the Tab key reaches.
 * @param {HTMLElement} container
 * @param {HTMLElement[]} elements
 * @param {number} [columns] in one row; by default all
 * @param {(index: number) => void} [onMove]
 */
export function rove(container, elements, columns = elements.length, onMove = () => {}) {
  const select = (/** @type {number} */ index) => {
    elements.forEach((element, at) => { element.tabIndex = at === index ? 0 : -1 })
  }
  container.addEventListener('focusin', ({ target }) => {
    const index = elements.indexOf(/** @type {HTMLElement} */ (target))
    if (index >= 0) select(index)
  })
  container.addEventListener('keydown', (event) => {
    const index = elements.indexOf(/** @type {HTMLElement} */ (event.target))
    if (index < 0) return
    const column = index % columns
    /** @type {Record<string, number>} */
    const steps = {
      ArrowLeft: column > 0 ? -1 : 0,
      ArrowRight: column < columns - 1 ? 1 : 0,
      ArrowUp: index >= columns ? -columns : 0,
      ArrowDown: index + columns < elements.length ? columns : 0,
      Home: -column,
      End: columns - 1 - column,
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    elements[index + step]?.focus()
    onMove(index + step)
  })
  select(0)
}
