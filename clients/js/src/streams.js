/** @typedef {{ signals: number, bytes: number, movedAt: number }} Stream `movedAt`: when it began or was answered last */

/** A stream at its bound that has had no answer for so long does not hold broadcasts back any more. */
const STALLED_MS = 1_000;

/**
 * What each receiver has not answered. One receiver may have a part of what may be unanswered altogether, so that a member
 * that does not confirm slows its own stream and not those of the others.
 */
export class Streams {
  #signalsMax;
  #bytesMax;
  #now;
  /** @type {Map<string, Stream>} those that have something unanswered, by receiver */
  #streams = new Map();

  /**
   * @param {number} signalsMax for one receiver
   * @param {number} bytesMax likewise
   * @param {() => number} now
   */
  constructor(signalsMax, bytesMax, now) {
    this.#signalsMax = Math.max(1, Math.floor(signalsMax));
    this.#bytesMax = bytesMax;
    this.#now = now;
  }

  /**
   * Whether one more signal keeps within the bound. The only one does, however large.
   *
   * @param {string} receiver
   * @param {number} bytes
   */
  takes(receiver, bytes) {
    const stream = this.#streams.get(receiver);
    return !stream || (stream.signals < this.#signalsMax && stream.bytes + bytes <= this.#bytesMax);
  }

  /** How long until a receiver that does not answer counts as stalled. @param {string} receiver */
  stalledInMs(receiver) {
    const stream = this.#streams.get(receiver);
    return stream ? Math.max(0, stream.movedAt + STALLED_MS - this.#now()) : Infinity;
  }

  /**
   * @param {Iterable<string>} receivers
   * @param {number} bytes
   */
  begin(receivers, bytes) {
    for (const receiver of receivers) {
      const stream = this.#streams.get(receiver) ?? { signals: 0, bytes: 0, movedAt: this.#now() };
      stream.signals += 1;
      stream.bytes += bytes;
      this.#streams.set(receiver, stream);
    }
  }

  /**
   * @param {Iterable<string>} receivers
   * @param {number} bytes
   */
  end(receivers, bytes) {
    for (const receiver of receivers) {
      const stream = this.#streams.get(receiver);
      if (!stream) continue;
      stream.signals -= 1;
      stream.bytes -= bytes;
      stream.movedAt = this.#now();
      if (stream.signals === 0) this.#streams.delete(receiver);
    }
  }
}
