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
    this.listened(name);
    return () => void listeners.delete(listener);
  }

  /**
   * Somebody listens.
   *
   * @internal
   * @param {keyof Events} _name
   */
  listened(_name) {}

  /**
   * @internal
   * @param {keyof Events} name
   */
  hasListeners(name) {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
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
