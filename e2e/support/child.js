/** A program that a test starts and that never outlives it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Nothing else of this shell's: a REDIS_URL of one's own must not change what is tested. */
export const ENVIRONMENT = { PATH: process.env['PATH'] ?? '' };

/** @type {Set<Child>} */
const running = new Set();

// Whatever ends this process ends its children: a failed assertion, Ctrl-C, the runner's time-out (SIGTERM).
process.once('exit', () => {
  for (const child of running) child.signal('SIGKILL');
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.once(signal, () => process.exit(1));

export class Child {
  /** All that it has written, to either stream. */
  output = '';
  #process;
  #ended;
  /** @type {Error | undefined} */
  #notStarted;

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {{ cwd?: string, env?: Record<string, string> }} [options] `env`: beside {@link ENVIRONMENT}
   */
  constructor(program, args, { cwd, env } = {}) {
    this.#process = spawn(program, args, { cwd, env: { ...ENVIRONMENT, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    running.add(this);
    this.#ended = once(this.#process, 'exit')
      .catch((error) => (this.#notStarted = error))
      .finally(() => running.delete(this));
  }

  /** Throws, with what it wrote, if it does not run (any more). */
  mustRun() {
    if (this.#notStarted) throw this.#notStarted;
    const { spawnfile, exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode) {
      throw new Error(`${spawnfile} has ended with ${signalCode ?? exitCode}:\n${this.output}`);
    }
  }

  /** @param {NodeJS.Signals} signal to this process alone, by its id */
  signal(signal) {
    this.#process.kill(signal);
  }

  /** Waits until it has ended by itself. @returns {Promise<number | null>} its exit code; none if a signal ended it */
  async ended() {
    await this.#ended;
    return this.#process.exitCode;
  }

  /** Ends it at once, and waits until it is gone. */
  async kill() {
    this.signal('SIGKILL');
    await this.#ended;
  }
}
