import { find } from './dom.js';

/**
 * A part of the page beside the stage.
 *
 * @typedef {object} Panel
 * @property {HTMLButtonElement} button opens and closes it
 * @property {HTMLElement} element with a `.panel-title` and a `.panel-close`
 * @property {HTMLElement} [field] to write in at once, where that does not bring up a keyboard over half of the screen
 * @property {(isOpen: boolean) => void} onToggle
 */

/** What can be opened beside the stage, one at a time. Escape closes it, and the focus goes back to where it was opened. */
export class Panels {
  #signal;
  /** @type {Panel | undefined} */
  #open;

  /** @param {AbortSignal} signal ends it */
  constructor(signal) {
    this.#signal = signal;
    document.addEventListener('keydown', (event) => this.#pressed(event), { signal });
  }

  /** @param {Panel} panel */
  add(panel) {
    const signal = this.#signal;
    panel.button.addEventListener('click', () => this.#toggle(panel), { signal });
    find(panel.element, '.panel-close', HTMLButtonElement).addEventListener('click', () => this.close(), { signal });
  }

  close() {
    const panel = this.#open;
    if (!panel) return;
    const hadFocus = panel.element.contains(document.activeElement);
    this.#open = undefined;
    show(panel, false);
    if (hadFocus) panel.button.focus();
  }

  /** @param {Panel} panel */
  #toggle(panel) {
    if (this.#open === panel) return this.close();
    this.close();
    this.#open = panel;
    show(panel, true);
    const writes = panel.field && matchMedia('(pointer: fine)').matches;
    (writes && panel.field ? panel.field : find(panel.element, '.panel-title', HTMLElement)).focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed({ key, isComposing }) {
    // What is being composed, and a dialog above the page, take it first.
    if (key === 'Escape' && !isComposing && !document.querySelector('dialog[open]')) this.close();
  }
}

/**
 * @param {Panel} panel
 * @param {boolean} isOpen
 */
function show({ button, element, onToggle }, isOpen) {
  element.hidden = !isOpen;
  button.setAttribute('aria-expanded', String(isOpen));
  onToggle(isOpen);
}
