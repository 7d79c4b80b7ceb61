import { recordCalls } from './call_recorder.js';
import { useClientFiles } from './client_files.js';
import { PATIENCE_MS, until } from './until.js';

/** @import { Browser, BrowserContextOptions, Page } from 'playwright-core' */
/** @import { Recorded } from './call_recorder.js' */

/**
 * What a tile says about its member.
 *
 * @typedef {object} Tile
 * @property {string} name
 * @property {string} connection `self` or an RTCPeerConnectionState
 * @property {boolean} muted
 * @property {boolean} videoOff
 * @property {boolean} sharing
 * @property {boolean} picture whether a picture is shown, or initials
 * @property {boolean} speaking
 * @property {boolean} away
 * @property {string} peer
 */

/** @type {BrowserContextOptions} */
const USUAL = { locale: 'en-GB', viewport: { width: 800, height: 600 }, reducedMotion: 'reduce' };

/** The demo page, as one person sees and uses it. */
export class DemoPage {
  /** Uncaught errors, failed negotiations, violated policies: what should not happen, however a test goes on. */
  complaints = /** @type {string[]} */ ([]);
  /** Messages of the gateway, oldest first. */
  heard = /** @type {Record<string, any>[]} */ ([]);
  /** The URLs of its connections to the gateway, oldest first. */
  sockets = /** @type {string[]} */ ([]);

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.stack ?? error}`));
    page.on('console', (message) => {
      const text = message.text();
      if (/^Negotiation with|Content Security Policy/.test(text)) this.complaints.push(text);
    });
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).pathname !== '/v1/connect') return; // another dialect's
      this.sockets.push(socket.url());
      socket.on('framereceived', ({ payload }) => this.heard.push(JSON.parse(payload.toString())));
    });
  }

  /**
   * A person with a browser profile of his own.
   *
   * @param {Browser} browser
   * @param {BrowserContextOptions} [options]
   */
  static async open(browser, options = {}) {
    const context = await browser.newContext({ ...USUAL, ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    await context.addInitScript(recordCalls);
    await useClientFiles(context);
    return new DemoPage(await context.newPage());
  }

  /** @param {string} testId */
  element(testId) {
    return this.page.getByTestId(testId);
  }

  /** @param {string} testId */
  async text(testId) {
    return (await this.element(testId).first().textContent())?.trim() ?? '';
  }

  /** @param {string} url */
  async visit(url) {
    await this.page.goto(url);
  }

  /**
   * Fills in the form, as far as something is to be changed, and sends it.
   *
   * @param {{ name?: string, room?: string }} choice
   */
  async askToJoin({ name, room }) {
    if (name !== undefined) await this.element('name').fill(name);
    if (room !== undefined) await this.element('room').fill(room);
    await this.element('join').click();
  }

  /** @param {{ name?: string, room?: string }} choice */
  async join(choice) {
    await this.askToJoin(choice);
    await this.element('call').waitFor();
  }

  /** Says something in the chat, which is open afterwards. @param {string} text */
  async say(text) {
    const chat = this.element('chat');
    if ((await chat.getAttribute('aria-expanded')) !== 'true') await chat.click();
    await this.element('chat-input').fill(text);
    await this.element('chat-input').press('Enter');
  }

  /** What went wrong, in the page's words. */
  async lobbyError() {
    return until('the page says what went wrong', () => this.text('lobby-error'));
  }

  /** The node that the page says it is connected to. */
  async node() {
    return until('the page shows its node', () => this.text('node'));
  }

  /** @param {string} state as in `data-state` */
  async untilStatus(state) {
    const status = this.element('status');
    await until(`the connection to the gateway is ${state}`, () => status.getAttribute('data-state'), (is) => is === state);
  }

  /** Of everyone else, in the order shown. @returns {Promise<Tile[]>} */
  tiles() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll('.tile:not([data-self])')].map((tile) => {
        const { connection, muted, videoOff, sharing, picture, speaking, away, peer } = /** @type {HTMLElement} */ (tile).dataset;
        return {
          name: tile.querySelector('[data-testid=tile-name]')?.textContent ?? '',
          connection: connection ?? '',
          muted: muted === 'true',
          videoOff: videoOff === 'true',
          sharing: sharing === 'true',
          picture: picture === 'true',
          speaking: speaking === 'true',
          away: away === 'true',
          peer: peer ?? '',
        };
      }),
    );
  }

  /**
   * Waits until somebody's tile looks like this.
   *
   * @param {string} name
   * @param {Partial<Tile>} look
   */
  async untilSees(name, look) {
    const wanted = Object.entries(look);
    await until(
      `${name}'s tile shows ${JSON.stringify(look)}`,
      () => this.tiles(),
      (tiles) => tiles.some((tile) => tile.name === name && wanted.every(([key, value]) => Reflect.get(tile, key) === value)),
    );
  }

  /** The public id of this person's session. @returns {Promise<string>} */
  async peer() {
    return (await this.page.locator('.tile[data-self]').getAttribute('data-peer')) ?? '';
  }

  /** What the connection to the gateway was shown to be, since the page was loaded. @returns {Promise<string[]>} */
  statuses() {
    return this.page.evaluate(() => /** @type {any} */ (window).recordedStatuses);
  }

  /** What this page was told of somebody, in short. @param {string} peer */
  heardOf(peer) {
    return this.heard
      .filter((message) => message['peer'] === peer || message['member']?.peer === peer)
      .map(({ type, connection, reason }) => connection ?? reason ?? type);
  }

  /** Waits until just these others are there, all connected. @param {...string} names */
  async untilInCallWith(...names) {
    const wanted = [...names].sort().join();
    await until(
      `in a call with ${wanted || 'nobody'}`,
      () => this.tiles(),
      (tiles) =>
        tiles.map(({ name }) => name).sort().join() === wanted && tiles.every(({ connection }) => connection === 'connected'),
    );
  }

  /** Waits until the picture of each of these is seen to move. @param {...string} names */
  async untilPicturesMove(...names) {
    await Promise.all(names.map((name) => this.#untilPictureMoves(name)));
  }

  /** @param {string} name */
  async #untilPictureMoves(name) {
    const before = await this.#framesDecoded(name);
    await until(`more frames of ${name}'s picture are decoded`, () => this.#framesDecoded(name), (now) => now > before + 3);
  }

  /**
   * Frames of the video in somebody's tile, as the RTCPeerConnection that brings it counts them.
   *
   * @param {string} name
   * @returns {Promise<number>}
   */
  #framesDecoded(name) {
    return this.page.evaluate(async (name) => {
      const tile = [...document.querySelectorAll('.tile')].find(
        (tile) => tile.querySelector('[data-testid=tile-name]')?.textContent === name,
      );
      const stream = /** @type {MediaStream | null | undefined} */ (tile?.querySelector('video')?.srcObject);
      const track = stream?.getVideoTracks()[0];
      for (const connection of /** @type {any} */ (window).recordedConnections) {
        for (const report of (await connection.getStats()).values()) {
          const isIt = report.type === 'inbound-rtp' && report.kind === 'video' && report.trackIdentifier === track?.id;
          if (isIt) return report.framesDecoded;
        }
      }
      return 0;
    }, name);
  }

  /**
   * Every RTCPeerConnection that the page has made, closed ones too.
   *
   * @returns {Promise<{ state: RTCPeerConnectionState, history: RTCPeerConnectionState[], yielded: number, ufrag: string }[]>}
   */
  connections() {
    return this.page.evaluate(() =>
      /** @type {{ recordedConnections: Recorded[] }} */ (/** @type {unknown} */ (window)).recordedConnections.map(
        (connection) => ({
          state: connection.connectionState,
          history: connection.history,
          yielded: connection.yielded,
          ufrag: connection.localDescription?.sdp.match(/a=ice-ufrag:(\S+)/)?.[1] ?? '',
        }),
      ),
    );
  }

  /** What the page shows, to find out why a test failed. */
  async describe() {
    const shown = await this.page.locator('main:visible').innerText({ timeout: 2_000 }).catch(String);
    const connections = await this.connections().catch(String);
    const media = await this.page.evaluate(mediaOfConnections).catch(String);
    return [
      `${this.page.url()} shows:\n${shown}`,
      `connections: ${JSON.stringify(connections)}`,
      `media: ${media}`,
      `heard last: ${this.heard.slice(-12).map(summary).join(' ')}`,
      ...this.complaints,
    ].join('\n');
  }

  async close() {
    await this.page.context().close();
  }
}

/** In the page: what each RTCPeerConnection has sent and received, over which pairs of candidates, and what is shown of it. */
async function mediaOfConnections() {
  const told = {
    'inbound-rtp': ['kind', 'packetsReceived', 'framesReceived', 'framesDecoded', 'keyFramesDecoded', 'pliCount'],
    'outbound-rtp': ['kind', 'active', 'packetsSent', 'framesEncoded', 'framesSent', 'qualityLimitationReason', 'pliCount'],
    'media-source': ['kind', 'frames', 'framesPerSecond'],
    transport: ['dtlsState', 'iceState', 'packetsSent', 'packetsReceived', 'selectedCandidatePairChanges'],
    'candidate-pair': ['state', 'nominated', 'writable', 'packetsSent', 'packetsReceived'],
  };
  const lines = [];
  for (const connection of /** @type {any} */ (window).recordedConnections) {
    for (const report of (await connection.getStats()).values()) {
      const names = told[/** @type {keyof typeof told} */ (report.type)];
      if (names) lines.push([report.type, ...names.map((name) => `${name}=${report[name]}`)].join(' '));
    }
  }
  for (const video of document.querySelectorAll('video')) {
    const [track] = /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks() ?? [];
    const shown = video.getVideoPlaybackQuality().totalVideoFrames;
    lines.push(`video element of ${video.closest('.tile')?.textContent?.trim() ?? video.id}: frames=${shown} track=${track?.readyState} muted=${track?.muted} enabled=${track?.enabled}`);
  }
  return lines.join('; ');
}

/** @param {Record<string, any>} message */
function summary({ type, kind, reason, code, re, id }) {
  return [type, kind ?? reason ?? code, re ?? id].filter((part) => part !== undefined).join(':');
}
