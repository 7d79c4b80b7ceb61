/** @import { Call, Client, Room } from '/sdk/index.js' */
/** @import { LoggedSignal } from './signal_log.js' */
/** @import { Panels } from './panels.js' */
import { byId } from './dom.js';
import { bytes, clockToTheSecond, milliseconds } from './formats.js';
import { t } from './i18n.js';
import { PeerReport } from './peer_report.js';
import { SignalLog, SIGNALS_MAX } from './signal_log.js';
import { nameOf } from './tile_view.js';

const SAMPLE_MS = 1_000;

/** The panel «Connection», for developers and the curious. It measures while it is open; signals and resumes it always counts. */
export class ConnectionPanel {
  #client;
  #call;
  #log;
  #rows = byId('signals', HTMLElement);
  #reportList = byId('peer-reports', HTMLElement);
  #isOpen = false;
  #isPinging = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {Map<string, PeerReport>} by peer */
  #reports = new Map();
  #counts = { resumes: 0, rejoins: 0, moves: 0 };
  #subscriptions;

  /**
   * @param {{ client: Client, room: Room, call: Call, panels: Panels }} parts
   */
  constructor({ client, room, call, panels }) {
    this.#client = client;
    this.#call = call;
    this.#log = new SignalLog(client, room, (signal) => this.#isOpen && this.#addRow(signal));
    this.#subscriptions = [
      room.on('resumed', () => this.#count('resumes')),
      room.on('rejoined', () => this.#count('rejoins')),
      client.on('moved', () => this.#count('moves')),
      client.on('state', () => this.#showNode()),
      call.on('tile-removed', ({ member }) => this.#removeReport(member.peer)),
    ];
    panels.add({
      button: byId('connection-button', HTMLButtonElement),
      element: byId('connection-panel', HTMLElement),
      onToggle: (isOpen) => this.#toggled(isOpen),
    });
    this.#showCounts();
    this.#showRoundTrip(undefined);
  }

  close() {
    clearInterval(this.#timer);
    this.#log.stop();
    for (const stop of this.#subscriptions) stop();
    this.#rows.replaceChildren();
    this.#reportList.replaceChildren();
  }

  /** @param {boolean} isOpen */
  #toggled(isOpen) {
    this.#isOpen = isOpen;
    clearInterval(this.#timer);
    if (!isOpen) return;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#rows.replaceChildren();
    for (const signal of this.#log.signals) this.#addRow(signal);
    this.#showNode();
    this.#sample();
  }

  #sample() {
    this.#ping();
    this.#reportPeers();
  }

  /** One at a time: over a connection that is silent the answer takes as long as it takes to find that out. */
  async #ping() {
    if (this.#isPinging) return;
    this.#isPinging = true;
    this.#showRoundTrip(await this.#client.ping().catch(() => undefined));
    this.#isPinging = false;
  }

  async #reportPeers() {
    const { tiles } = this.#call;
    const statistics = await Promise.all(tiles.map(({ member }) => this.#call.getStats(member.peer).catch(() => undefined)));
    if (!this.#isOpen) return;
    const present = new Set(this.#call.tiles.map(({ member }) => member.peer));
    for (const [index, tile] of tiles.entries()) {
      const { peer } = tile.member;
      if (present.has(peer)) this.#report(peer).show(tile, statistics[index]);
    }
    byId('no-peers', HTMLElement).hidden = present.size > 0;
  }

  /** @param {string} peer */
  #report(peer) {
    const report = this.#reports.get(peer) ?? new PeerReport();
    this.#reports.set(peer, report);
    if (!report.element.isConnected) this.#reportList.append(report.element);
    return report;
  }

  /** @param {string} peer */
  #removeReport(peer) {
    this.#reports.get(peer)?.element.remove();
    this.#reports.delete(peer);
  }

  /** @param {'resumes' | 'rejoins' | 'moves'} what */
  #count(what) {
    this.#counts[what] += 1;
    this.#showCounts();
    this.#showNode();
  }

  #showCounts() {
    for (const [what, count] of Object.entries(this.#counts)) byId(what, HTMLElement).textContent = String(count);
  }

  #showNode() {
    byId('connection-node', HTMLElement).textContent = (this.#client.state === 'open' && this.#client.welcome?.node) || '–';
  }

  /** @param {number | undefined} ms */
  #showRoundTrip(ms) {
    byId('round-trip', HTMLElement).textContent = milliseconds(ms);
  }

  /** The latest on top. @param {LoggedSignal} signal */
  #addRow({ at, direction, kind, peer, name, bytes: size }) {
    const row = document.createElement('tr');
    row.dataset['testid'] = 'signal';
    row.dataset['direction'] = direction;
    const arrow = cell('', 'arrow');
    arrow.append(
      Object.assign(document.createElement('span'), { textContent: direction === 'in' ? '↓' : '↑', ariaHidden: 'true' }),
      Object.assign(document.createElement('span'), { textContent: t(`signal-${direction}`), className: 'visually-hidden' }),
    );
    const other = peer === undefined ? t('signal-everyone') : peer === 'server' ? t('server') : nameOf({ name: name ?? '' });
    row.append(cell(clockToTheSecond(at)), arrow, cell(kind), cell(other), cell(bytes(size), 'number'));
    this.#rows.prepend(row);
    while (this.#rows.childElementCount > SIGNALS_MAX) this.#rows.lastElementChild?.remove();
  }
}

/**
 * @param {string} text
 * @param {string} [className]
 */
function cell(text, className = '') {
  return Object.assign(document.createElement('td'), { textContent: text, className });
}
