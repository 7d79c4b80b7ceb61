import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.js';
import { freePort } from './free_port.js';
import { until } from './until.js';

const README = new URL('../../clients/js/README.md', import.meta.url);
/** Within this folder, so that the server finds `node_modules`. */
const ARTIFACTS = fileURLToPath(new URL('../artifacts/', import.meta.url));

/** The server that the SDK's README shows: it serves pages, and signs tokens for those who look at them. */
export class TokenServer {
  #process;
  #folder;

  /**
   * @param {Child} process
   * @param {string} folder
   * @param {number} port
   */
  constructor(process, folder, port) {
    this.#process = process;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}/`;
  }

  /**
   * @param {string} secret
   * @param {Record<string, string>} pages by name
   * @returns {Promise<TokenServer>} once it answers
   */
  static async start(secret, pages) {
    await mkdir(ARTIFACTS, { recursive: true });
    const folder = await mkdtemp(join(ARTIFACTS, 'token-server-'));
    await mkdir(join(folder, 'public'));
    await writeFile(join(folder, 'server.js'), await example());
    for (const [name, page] of Object.entries(pages)) await writeFile(join(folder, 'public', name), page);
    const port = await freePort();
    const child = new Child(process.execPath, ['server.js'], { cwd: folder, env: { JWT_SECRET: secret, PORT: `${port}` } });
    const server = new TokenServer(child, folder, port);
    await until('the server of the README answers', () => {
      child.mustRun();
      return fetch(server.url).then(() => true, () => false);
    });
    return server;
  }

  async stop() {
    await this.#process.kill();
    await rm(this.#folder, { recursive: true });
  }
}

async function example() {
  const readme = await readFile(README, 'utf8');
  const code = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, block]) => block).find((block) => block?.includes("from 'express'"));
  if (!code) throw new Error('clients/js/README.md has no example with Express');
  return code;
}
