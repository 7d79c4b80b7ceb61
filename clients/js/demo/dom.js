/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  return checked(document.getElementById(id), type, `#${id}`);
}

/**
 * @template {Element} T
 * @param {ParentNode} parent
 * @param {string} selector
 * @param {new () => T} type
 * @returns {T}
 */
export function find(parent, selector, type) {
  return checked(parent.querySelector(selector), type, selector);
}

/**
 * A button that is either on or off, as the one on a phone that mutes: its text, which is its accessible name, stands in the
 * page, names what pressing it brings about and stays; icon, colour and `aria-pressed` tell whether it is so. A text that
 * changed along would be read as «Unmute, pressed», and one that differs from the name cannot be said to a computer that is
 * controlled by voice (WCAG 2.5.3).
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} pressed
 * @param {string} icon
 */
function showToggle(button, pressed, icon) {
  button.setAttribute('aria-pressed', String(pressed));
  find(button, 'use', SVGUseElement).setAttribute('href', `#icon-${icon}`);
}

/**
 * @param {HTMLButtonElement} button
 * @param {boolean} muted
 */
export function showMicrophone(button, muted) {
  showToggle(button, muted, muted ? 'mic-off' : 'mic');
}

/**
 * @param {HTMLButtonElement} button
 * @param {boolean} videoOff
 */
export function showCamera(button, videoOff) {
  showToggle(button, videoOff, videoOff ? 'camera-off' : 'camera');
}

/**
 * @param {HTMLButtonElement} button
 * @param {boolean} sharing
 */
export function showScreen(button, sharing) {
  showToggle(button, sharing, sharing ? 'screen-off' : 'screen');
}

/**
 * @template {Element} T
 * @param {Element | null} element
 * @param {new () => T} type
 * @param {string} what
 * @returns {T}
 */
function checked(element, type, what) {
  if (element instanceof type) return element;
  throw new TypeError(`The page has no ${type.name} ${what}.`);
}
