/** @import { Key } from './i18n.js' */

/**
 * How a member, or the gateway, stands: `absent`, `here`, or `interrupted`, which is without a connection for now.
 *
 * @typedef {'absent' | 'here' | 'interrupted'} Standing
 */

/** Changes within this time are told together; those that cancel each other are not told. */
const GATHER_MS = 2_000;
/** Of more than so many people only the number is told. */
const NAMES_MAX = 3;

/**
 * @typedef {{ from: Standing, to: Standing, one: Key, many: Key, first?: boolean }} Sentence `first`: only, or never, the
 *   first time
 */

/** @type {Sentence[]} in the order in which they are told */
const SENTENCES = [
  { from: 'interrupted', to: 'here', one: 'told-back', many: 'told-back-many' },
  { from: 'here', to: 'interrupted', one: 'told-interrupted', many: 'told-interrupted-many' },
  { from: 'absent', to: 'here', one: 'told-present', many: 'told-present-many', first: true },
  { from: 'absent', to: 'here', one: 'told-joined', many: 'told-joined-many', first: false },
  { from: 'here', to: 'absent', one: 'told-left', many: 'told-left-many' },
  { from: 'interrupted', to: 'absent', one: 'told-left', many: 'told-left-many' },
];

/**
 * Tells those who do not see the stage who comes and goes, and whose connection is interrupted or back. It compares what
 * was told last with what is so now: a call of fifty, or a connection that flaps, takes a sentence or two, not a hundred.
 */
export class RollCall {
  #words;
  #say;
  /** Those that the listener was told of. @type {Map<string, { name: string, standing: Standing }>} by peer */
  #told = new Map();
  /** @type {Map<string, { name: string, standing: Standing }>} by peer */
  #now = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isFirst = true;

  /**
   * @param {{ t: (key: Key, values?: Record<string, string>) => string, list: (names: string[]) => string }} words
   * @param {(text: string) => void} say
   */
  constructor(words, say) {
    this.#words = words;
    this.#say = say;
  }

  /**
   * Somebody who is not announced: the listener knows already.
   *
   * @param {string} peer
   * @param {string} name
   */
  expect(peer, name) {
    this.#told.set(peer, { name, standing: 'here' });
    this.#now.set(peer, { name, standing: 'here' });
  }

  /**
   * @param {string} peer
   * @param {string} name
   * @param {Standing} standing
   */
  note(peer, name, standing) {
    this.#now.set(peer, { name, standing });
    this.#timer ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #tell() {
    this.#timer = undefined;
    this.#recognise();
    const isFirst = this.#isFirst;
    const sentences = SENTENCES.filter(({ first = isFirst }) => first === isFirst).flatMap((sentence) => this.#sentence(sentence));
    this.#isFirst = false;
    for (const [peer, { standing }] of this.#now) if (standing === 'absent') this.#now.delete(peer);
    this.#told = new Map(this.#now);
    if (sentences.length > 0) this.#say(sentences.join(' '));
  }

  /** Who left and came again as another peer, as after a restart of the gateway, was not seen to leave. */
  #recognise() {
    for (const [peer, { name, standing }] of this.#now) {
      if (standing === 'absent' || this.#told.has(peer)) continue;
      const gone = [...this.#now].find(([other, was]) => was.standing === 'absent' && was.name === name && this.#told.has(other));
      if (!gone) continue;
      this.#now.delete(gone[0]);
      this.#told.set(peer, { name, standing: 'here' });
    }
  }

  /** @param {Sentence} sentence @returns {string[]} none, where it applies to nobody */
  #sentence({ from, to, one, many }) {
    const names = this.#names(from, to);
    if (names.length === 0) return [];
    const { t, list } = this.#words;
    return [names.length > NAMES_MAX ? t(many, { count: String(names.length) }) : t(one, { names: list(names) })];
  }

  /**
   * @param {Standing} from
   * @param {Standing} to
   */
  #names(from, to) {
    return [...this.#now]
      .filter(([peer, { standing }]) => standing === to && (this.#told.get(peer)?.standing ?? 'absent') === from)
      .map(([, { name }]) => name);
  }
}
