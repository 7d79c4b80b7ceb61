/**
 * Requests for devices go one after another: two at once would leave a track that nobody stops. A prompt may stay open for
 * as long as the person likes; `stop` settles every request that waits for one, and later requests do not wait for it.
 */
export class DeviceRequests {
  #last = Promise.resolve();
  #stopping = new AbortController();

  /**
   * @template T
   * @param {(stopped: AbortSignal) => Promise<T>} task what it still gets once `stopped` is to be let go
   * @returns {Promise<T>} rejects with an AbortError when stopped
   */
  run(task) {
    const { signal } = this.#stopping;
    const done = this.#last.then(() => {
      signal.throwIfAborted();
      return task(signal);
    });
    this.#last = done.then(
      () => {},
      () => {},
    );
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop);
      done.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }

  stop() {
    this.#stopping.abort();
    this.#stopping = new AbortController();
    this.#last = Promise.resolve();
  }
}
