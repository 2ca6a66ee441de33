/** Small helpers for the page. */

/** @param {string} id */
export function find(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`the page has no #${id}`)
  return element
}

/**
 * Make an element. Strings among the children become text, never markup.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
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
