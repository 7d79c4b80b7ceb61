/** @import { State } from './protocol.js' */

/**
 * JSON Merge Patch (RFC 7396 section 2), as the gateway merges a member's state: `null` removes.
 *
 * @param {State} target
 * @param {State} patch
 * @returns {State} a new value
 */
export function mergePatch(target, patch) {
  const merged = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? mergePatch(asObject(merged[key]), value) : value;
  }
  return merged;
}

/** @param {unknown} value @returns {State} */
function asObject(value) {
  return isObject(value) ? value : {};
}

/** @param {unknown} value @returns {value is State} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
