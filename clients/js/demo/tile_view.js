/** @import { Member } from '/sdk/protocol.js' */
import { find, byId } from './dom.js';
import { t } from './i18n.js';

/**
 * @typedef {object} TileLook
 * @property {Pick<Member, 'peer' | 'name' | 'state' | 'connection'>} member
 * @property {MediaStream} stream
 * @property {RTCPeerConnectionState | 'self'} connection
 */

/** One member on the stage: picture or initials, name, and what is to be known about the connection. */
export class TileView {
  element;
  /** @type {HTMLVideoElement} */
  video;

  constructor() {
    const copy = byId('tile-template', HTMLTemplateElement).content.cloneNode(true);
    this.element = find(/** @type {DocumentFragment} */ (copy), '.tile', HTMLElement);
    this.video = find(this.element, 'video', HTMLVideoElement);
  }

  /** @param {TileLook} look */
  show({ member, stream, connection }) {
    const { muted, video_off: videoOff, sharing_screen: sharing } = member.state;
    const self = connection === 'self';
    const name = nameOf(member);
    const data = this.element.dataset;
    data['peer'] = member.peer;
    data['connection'] = connection;
    data['muted'] = String(Boolean(muted));
    data['videoOff'] = String(Boolean(videoOff));
    data['sharing'] = String(Boolean(sharing));
    data['away'] = String(member.connection === 'away');
    // A track is mute until its first packet: initials are calmer than a black square.
    const comes = stream.getVideoTracks().some((track) => !track.muted);
    data['picture'] = String(comes && (!videoOff || Boolean(sharing)));
    if (self) data['self'] = 'true';
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    this.video.muted = self; // else one hears oneself

    this.element.style.setProperty('--hue', String(hueOf(name)));
    this.#text('.avatar', initials(name));
    this.#text('.tile-name', self ? t('you', { name }) : name);
    this.#text('.tile-connection', member.connection === 'away' ? t('is-away') : self ? '' : t(`peer-${connection}`));
    this.#text('.tile-status', [muted && t('is-muted'), sharing && t('is-sharing')].filter(Boolean).join(', '));
  }

  /** @param {boolean} speaking */
  set speaking(speaking) {
    this.element.dataset['speaking'] = String(speaking);
  }

  remove() {
    this.video.srcObject = null;
    this.element.remove();
  }

  /**
   * @param {string} selector
   * @param {string} text
   */
  #text(selector, text) {
    find(this.element, selector, HTMLElement).textContent = text;
  }
}

/** @param {Pick<Member, 'name'>} member */
export function nameOf({ name }) {
  return name || t('guest');
}

/** @param {string} name */
function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
}

/**
 * The same person has the same colour on every screen.
 *
 * @param {string} name
 */
function hueOf(name) {
  return [...name].reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
}
