import { getLocalDevices, watchLocalDevices } from '/sdk/index.js';

/** Where the others are heard, in browsers that let a page choose. While the chosen device is not there, it is the usual one. */
export class Loudspeaker {
  /** Whether this browser lets a page choose. */
  static isSupported = 'setSinkId' in HTMLMediaElement.prototype;
  /** Of the chosen device; the browser's own choice by default. @type {string | undefined} */
  #id;
  /** @type {Set<HTMLMediaElement>} */
  #elements = new Set();

  /** @param {string | undefined} id as it was chosen the last time, and may be gone */
  constructor(id) {
    this.#id = id;
    if (Loudspeaker.isSupported) watchLocalDevices(() => this.#applyToAll());
  }

  get id() {
    return this.#id;
  }

  /** @param {string} id @returns {Promise<void>} rejects where the browser does not take it; then the former one stays */
  async choose(id) {
    await new Audio().setSinkId(id);
    this.#id = id;
    await this.#applyToAll();
  }

  /** @param {HTMLMediaElement} element */
  add(element) {
    this.#elements.add(element);
    if (this.#id !== undefined) this.#applyToAll();
  }

  /** @param {HTMLMediaElement} element */
  remove(element) {
    this.#elements.delete(element);
  }

  async #applyToAll() {
    const id = this.#id;
    if (!Loudspeaker.isSupported || id === undefined) return;
    const isThere = (await getLocalDevices('audiooutput')).some(({ deviceId }) => deviceId === id);
    const sinkId = isThere ? id : '';
    const others = [...this.#elements].filter((element) => element.sinkId !== sinkId);
    // One that vanishes at this very moment is followed by another `devicechange`.
    await Promise.allSettled(others.map((element) => element.setSinkId(sinkId)));
  }
}
