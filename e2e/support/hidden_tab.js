/** A tab that is really hidden, with the timers that browsers leave it. Playwright keeps every page visible: no use here. */
import { spawn } from 'node:child_process';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { until } from './until.js';

const SDK = new URL('../../clients/js/src/', import.meta.url);
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--remote-debugging-port=0',
  // Timers of a page that was hidden for a second ring once a minute, as they do by default after a few.
  '--intensive-wake-up-throttling-policy=1',
  '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1',
];
/** A timer of 10 ms that has not rung for so long is throttled to the minute, not to the second. */
const SILENT_MS = 3_000;

/** One page with the SDK of this repository, in a tab of a browser of its own. */
export class HiddenTab {
  #browser;
  #server;
  #folder;
  #devTools;
  #sessionId;
  #targetId;

  /**
   * @param {import('node:child_process').ChildProcess} browser
   * @param {import('node:http').Server} server
   * @param {string} folder
   * @param {DevTools} devTools
   * @param {{ sessionId: string, targetId: string }} target
   */
  constructor(browser, server, folder, devTools, { sessionId, targetId }) {
    this.#browser = browser;
    this.#server = server;
    this.#folder = folder;
    this.#devTools = devTools;
    this.#sessionId = sessionId;
    this.#targetId = targetId;
  }

  /** A page in a visible tab, until {@link hide}. */
  static async open() {
    const server = createServer(async ({ url = '/' }, response) => {
      const file = /^\/sdk\/([a-z_]+\.js)$/.exec(url)?.[1];
      response.setHeader('content-type', file ? 'text/javascript' : 'text/html');
      response.end(file ? await readFile(new URL(file, SDK)) : '<!doctype html><title>Hidden</title>');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-hidden-'));
    const browser = spawn(process.env['CHROMIUM'] ?? '', [...FLAGS, `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    browser.stderr.on('data', (text) => (said += text));
    const url = await until('the browser listens', () => /DevTools listening on (\S+)/.exec(said)?.[1]);
    const devTools = await DevTools.connect(url);
    const { targetId } = await devTools.send('Target.createTarget', { url: `http://127.0.0.1:${port}/` });
    const { sessionId } = await devTools.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = new HiddenTab(browser, server, folder, devTools, { sessionId, targetId });
    await until('the page is loaded', () => tab.evaluate('document.title === "Hidden" && document.readyState === "complete"'));
    return tab;
  }

  /**
   * @param {string} expression may be a promise
   * @returns {Promise<any>}
   */
  async evaluate(expression) {
    const wish = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#devTools.send('Runtime.evaluate', wish, this.#sessionId);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Opens another tab before it, and waits until its timers ring once a minute. */
  async hide() {
    await this.evaluate('(function ring() { window.rangAt = performance.now(); setTimeout(ring, 10); })()');
    await this.#devTools.send('Target.createTarget', { url: 'about:blank' }).then(({ targetId }) => this.#devTools.send('Target.activateTarget', { targetId }));
    await until('the page is hidden', () => this.evaluate('document.hidden'));
    await until('its timers ring late', () => this.evaluate('performance.now() - rangAt'), (silentMs) => silentMs > SILENT_MS, 90_000);
  }

  /** Looks at it again. */
  async show() {
    await this.#devTools.send('Target.activateTarget', { targetId: this.#targetId });
    await until('the page is seen', () => this.evaluate('!document.hidden'));
  }

  async close() {
    this.#devTools.close();
    this.#server.close();
    const ended = new Promise((resolve) => this.#browser.once('exit', resolve));
    this.#browser.kill('SIGKILL');
    await ended;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** The DevTools protocol, as far as it is needed. */
class DevTools {
  #socket;
  #lastId = 0;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const { id, result, error } = JSON.parse(data.toString());
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
    });
  }

  /** @param {string} url */
  static async connect(url) {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new DevTools(socket);
  }

  /**
   * @param {string} method
   * @param {object} [params]
   * @param {string} [sessionId]
   * @returns {Promise<any>}
   */
  send(method, params = {}, sessionId) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  close() {
    this.#socket.close();
  }
}
