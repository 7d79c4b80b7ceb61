/**
 * What the browser remembers of this person. Where it keeps no storage for the page (cookies blocked, a sandboxed frame,
 * a full quota) the memory lasts as long as the page.
 */

/** @type {Map<string, string>} */
const page = new Map();

/**
 * @param {string} key
 * @returns {string | undefined}
 */
export function recall(key) {
  try {
    return page.get(key) ?? localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
    page.delete(key);
  } catch {
    page.set(key, value);
  }
}
