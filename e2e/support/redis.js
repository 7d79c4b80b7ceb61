import { Child } from './child.js';
import { freePort } from './free_port.js';
import { until } from './until.js';

/** Ports that another process may snatch between the choice and the start. */
const ATTEMPTS = 10;

/** A Redis of its own on a free port of the loopback address, that keeps nothing. */
export class Redis {
  #server;
  #port;

  /**
   * @param {Child} server
   * @param {number} port
   */
  constructor(server, port) {
    this.#server = server;
    this.#port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** @returns {Promise<Redis>} once it answers */
  static async start() {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const server = launch(port);
      try {
        await untilReady(server);
        return new Redis(server, port);
      } catch (error) {
        await server.kill();
        if (attempt === ATTEMPTS || !server.output.includes('Address already in use')) throw error;
      }
    }
  }

  /** Kills it, and starts another on the same port, which knows nothing. */
  async restartEmpty() {
    await this.stop();
    this.#server = launch(this.#port);
    await untilReady(this.#server);
  }

  async stop() {
    await this.#server.kill();
  }
}

/** @param {number} port */
function launch(port) {
  return new Child('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']);
}

/** @param {Child} server */
async function untilReady(server) {
  await until('redis-server accepts connections', () => {
    server.mustRun();
    return server.output.includes('Ready to accept connections');
  });
}
