/**
 * Typed events: `on` returns the function that ends the subscription.
 *
 * Not an EventTarget, because a `CustomEvent` hides what it carries behind `detail` and has no types per event name.
 *
 * @template {object} Events event name → what its listeners are given
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<(event: any) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(event: Events[Name]) => void} listener
   * @returns {() => void} ends the subscription
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * Calls every listener, in the order they came. One that throws does not keep the others from hearing; its error is
   * reported like any uncaught one.
   *
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} event
   * @protected
   * @internal
   */
  emit(name, event) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
