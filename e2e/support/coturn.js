import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { freePort } from './free_port.js';
import { until } from './until.js';

/** Ports that another process may snatch between the choice and the start. */
const ATTEMPTS = 10;

/** A TURN server on a free port of the loopback address, which takes credentials made with a secret. */
export class Coturn {
  #server;
  #folder;
  url;
  /** What it shares with the gateways. */
  secret;

  /**
   * @param {Child} server
   * @param {string} folder
   * @param {number} port
   * @param {string} secret
   */
  constructor(server, folder, port, secret) {
    this.#server = server;
    this.#folder = folder;
    this.url = `turn:127.0.0.1:${port}?transport=udp`;
    this.secret = secret;
  }

  /** @param {string} [secret] @returns {Promise<Coturn>} once it listens */
  static async start(secret = '0123456789abcdef0123456789abcdef') {
    for (let attempt = 1; ; attempt++) {
      const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'coturn-'))];
      const server = launch(port, folder, secret);
      try {
        await until('coturn listens', () => (server.mustRun(), server.output), (output) => /listener opened on: 127\.0\.0\.1:/.test(output));
        return new Coturn(server, folder, port, secret);
      } catch (error) {
        await server.kill();
        await rm(folder, { recursive: true });
        if (attempt === ATTEMPTS || !server.output.includes('Address already in use')) throw error;
      }
    }
  }

  get log() {
    return this.#server.output;
  }

  async stop() {
    await this.#server.kill();
    await rm(this.#folder, { recursive: true });
  }
}

/** @param {number} port @param {string} folder @param {string} secret */
function launch(port, folder, secret) {
  return new Child('turnserver', [
    '-n', // no file of the system's
    '--use-auth-secret',
    `--static-auth-secret=${secret}`,
    '--realm=switchboard',
    '--listening-ip=127.0.0.1',
    '--relay-ip=127.0.0.1',
    `--listening-port=${port}`,
    '--allow-loopback-peers',
    '--no-tls',
    '--no-dtls',
    '--no-cli',
    '--no-rfc5780',
    '--log-file=stdout',
    '--verbose',
    `--pidfile=${join(folder, 'pid')}`,
    `--userdb=${join(folder, 'db')}`,
  ]);
}
