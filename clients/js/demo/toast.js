import { byId } from './dom.js';

const SHOWN_MS = 4_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Says something that needs no answer. @param {string} text */
export function toast(text) {
  const place = byId('toast', HTMLElement);
  place.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => (place.textContent = ''), SHOWN_MS);
}
