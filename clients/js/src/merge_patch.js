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

/**
 * The patch that makes one state of another.
 *
 * @param {State} from
 * @param {State} to
 * @returns {State} empty if they are the same
 */
export function patchBetween(from, to) {
  /** @type {State} */
  const patch = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const former = from[key];
    if (!isObject(value) || !isObject(former)) {
      if (JSON.stringify(former) !== JSON.stringify(value)) patch[key] = value;
    } else {
      const inner = patchBetween(former, value);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    }
  }
  return patch;
}

/** @param {unknown} value @returns {State} */
function asObject(value) {
  return isObject(value) ? value : {};
}

/** @param {unknown} value @returns {value is State} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
