import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Child, ENVIRONMENT } from './child.js';
import { until } from './until.js';

/** One gateway process. */
export class Gateway {
  #settings;
  #process;
  /** `127.0.0.1:<port>` */
  #address;
  /** The same of its ops routes. */
  #ops = '';

  /**
   * @param {Record<string, string | number>} settings
   * @param {Child} process
   * @param {string} address
   */
  constructor(settings, process, address) {
    this.#settings = settings;
    this.#process = process;
    this.#address = address;
  }

  /**
   * @param {Record<string, string | number>} [settings] as for `--set`
   * @returns {Promise<Gateway>} once it is ready
   */
  static async start(settings = {}) {
    const gateway = new Gateway(settings, launch(settings, '127.0.0.1:0'), '');
    await gateway.#untilReady();
    return gateway;
  }

  /** Where its demo page is. */
  get url() {
    return `${this.#settings['tls.cert_file'] ? 'https' : 'http'}://${this.#address}/`;
  }

  get log() {
    return this.#process.output;
  }

  /** Clients connected at this moment, as it counts them. @returns {Promise<number>} */
  async connections() {
    const health = await (await fetch(`http://${this.#ops}/health`)).json();
    return health.connections;
  }

  /** Whether it wants new connections. */
  async isReady() {
    return fetch(`http://${this.#ops}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Asks it to drain (SIGTERM). @returns {Promise<number | null>} its exit code, once it has ended */
  async drain() {
    this.#process.signal('SIGTERM');
    return this.#process.ended();
  }

  /** Hangs up (SIGHUP), and waits until it has logged this. @param {string} words */
  async hangUp(words) {
    const before = this.log.length;
    this.#process.signal('SIGHUP');
    await until(words, () => this.log.slice(before).includes(words));
  }

  /** Ends it at once (SIGKILL), as a machine would that loses its power. */
  async kill() {
    await this.#process.kill();
  }

  /** Kills it, and starts another on the same port. */
  async restart() {
    await this.kill();
    this.#process = launch(this.#settings, this.#address);
    await this.#untilReady();
  }

  /**
   * A token that this gateway takes, from the program's own `token`.
   *
   * @param {...string} args as `--user`, `ada`
   */
  async mint(...args) {
    const command = ['token', ...assignments(this.#settings), ...args];
    const { stdout } = await promisify(execFile)(binary(), command, { env: ENVIRONMENT });
    return stdout.trim();
  }

  async #untilReady() {
    const [, address, ops] = await until(
      'the gateway says where it listens',
      () => {
        this.#process.mustRun();
        return this.log.match(/"listen":"([^"]+)","ops_listen":"([^"]+)"/) ?? [];
      },
      (match) => match.length > 0,
    );
    this.#address = /** @type {string} */ (address);
    this.#ops = /** @type {string} */ (ops);
    await until(`the gateway at ${this.url} is ready`, () => {
      this.#process.mustRun();
      return this.isReady();
    });
  }
}

/**
 * @param {Record<string, string | number>} settings
 * @param {string} listen
 */
function launch(settings, listen) {
  return new Child(binary(), ['--listen', listen, '--log-format', 'json', ...assignments(settings)]);
}

/** @param {Record<string, string | number>} settings */
function assignments(settings) {
  return Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
}

function binary() {
  const { GATEWAY_BIN } = process.env;
  if (!GATEWAY_BIN) throw new Error('GATEWAY_BIN must name the gateway; `cargo xtask test --only browser` sees to it.');
  return GATEWAY_BIN;
}
