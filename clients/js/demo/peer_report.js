/** @import { ConnectionStatistics, Tile } from '/sdk/index.js' */
import { byId, find } from './dom.js';
import { bitrate, milliseconds } from './formats.js';
import { t } from './i18n.js';
import { nameOf } from './tile_view.js';

/** How the connection to one other member is, in the panel «Connection». */
export class PeerReport {
  element;

  constructor() {
    const copy = /** @type {DocumentFragment} */ (byId('peer-report-template', HTMLTemplateElement).content.cloneNode(true));
    this.element = find(copy, '.peer-report', HTMLElement);
    for (const term of this.element.querySelectorAll('dt')) term.textContent = t(/** @type {any} */ (term.dataset['term']));
  }

  /**
   * @param {Tile} tile
   * @param {ConnectionStatistics | undefined} statistics
   */
  show({ member, connection }, statistics) {
    this.element.dataset['peer'] = member.peer;
    this.element.dataset['connection'] = connection;
    this.#text('peer-report-name', nameOf(member));
    this.#text('peer-state', t(connection === 'connected' ? 'status-open' : `peer-${connection}`));
    this.#text('peer-path', pathInWords(statistics));
    this.#text('peer-round-trip', milliseconds(statistics?.rttMs));
    this.#text('peer-sends', bitrate(total(statistics?.sent)));
    this.#text('peer-receives', bitrate(total(statistics?.received)));
  }

  /**
   * @param {string} testId
   * @param {string} text
   */
  #text(testId, text) {
    const place = find(this.element, `[data-testid=${testId}]`, HTMLElement);
    if (place.textContent !== text) place.textContent = text;
  }
}

/** Such as «direct (host → srflx, udp)». @param {ConnectionStatistics | undefined} statistics */
function pathInWords(statistics) {
  const { path, localCandidateType = '?', remoteCandidateType = '?', protocol = '?' } = statistics ?? {};
  if (!path) return '–';
  return `${t(`path-${path}`)} (${localCandidateType} → ${remoteCandidateType}, ${protocol})`;
}

/** @param {ConnectionStatistics['sent'] | undefined} flows */
function total({ audio, video } = {}) {
  const rates = [audio?.bitrate, video?.bitrate].filter((rate) => rate !== undefined);
  return rates.length > 0 ? rates.reduce((sum, rate) => sum + rate, 0) : undefined;
}
