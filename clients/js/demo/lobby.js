/** @import { LocalMedia } from '/sdk/index.js' */
import { byId, showCamera, showMicrophone } from './dom.js';
import { inWords, lossInWords } from './errors.js';
import { t } from './i18n.js';
import { recall, remember } from './memory.js';
import { isValidRoom, roomNamed, roomOfAddress } from './room_link.js';

const NAME_KEY = 'switchboard.name';

/** Before the call: name, room, and how one will look and sound. */
export class Lobby {
  #page = byId('lobby', HTMLElement);
  #name = byId('name', HTMLInputElement);
  #room = byId('room', HTMLInputElement);
  #join = byId('join', HTMLButtonElement);
  #cancel = byId('cancel', HTMLButtonElement);
  #status = byId('lobby-status', HTMLElement);
  #error = byId('lobby-error', HTMLElement);
  #video = byId('preview-video', HTMLVideoElement);
  #note = byId('preview-note', HTMLElement);
  #media;
  /** With the devices, in words. @type {string[]} */
  #problems = [];
  #asking = true;

  /**
   * @param {LocalMedia} media
   * @param {{ onJoin: (choice: { name: string, room: string }) => void, onCancel: () => void }} listeners
   */
  constructor(media, { onJoin, onCancel }) {
    this.#media = media;
    this.#name.value = recall(NAME_KEY) ?? '';
    this.#room.value = roomOfAddress();
    byId('join-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(onJoin);
    });
    this.#cancel.addEventListener('click', onCancel);
    byId('preview-mic', HTMLButtonElement).addEventListener('click', () => this.#try(media.setMuted(!media.state.muted)));
    byId('preview-camera', HTMLButtonElement).addEventListener('click', () =>
      this.#try(media.setVideoOff(!media.state.video_off)),
    );
    media.on('changed', () => this.#showPreview());
    media.on('device-lost', (lost) => this.#showProblems([lossInWords(lost)]));
    this.#showPreview();
    this.idle();
  }

  /** As the last call knew this person. */
  get name() {
    return recall(NAME_KEY) || t('guest');
  }

  /** @param {{ muted?: boolean, camera?: boolean }} [wish] */
  async openMedia(wish) {
    const errors = await this.#media.open(wish);
    this.#asking = false;
    this.#showProblems(errors.map(inWords));
  }

  appear() {
    this.#page.hidden = false;
  }

  /** Another room than the one that the form has. @param {string} room */
  propose(room) {
    this.#room.value = room;
    this.#room.removeAttribute('aria-invalid');
    this.#error.textContent = '';
  }

  /** @param {unknown} [error] why the last attempt or the call ended */
  show(error) {
    this.appear();
    this.idle();
    this.#error.textContent = error === undefined ? '' : inWords(error);
    this.#name.focus();
  }

  hide() {
    this.#page.hidden = true;
  }

  idle() {
    this.#join.disabled = false;
    this.#join.textContent = t('join');
    this.#cancel.hidden = true;
    this.#status.textContent = '';
  }

  /** @param {string} status */
  busy(status) {
    this.#join.disabled = true;
    this.#join.textContent = t('joining');
    this.#cancel.hidden = false;
    this.#status.textContent = status;
  }

  /** @param {(choice: { name: string, room: string }) => void} onJoin */
  #submit(onJoin) {
    const name = this.#name.value.trim();
    const room = roomNamed(this.#room.value);
    const problem = room === '' ? t('error-room-empty') : isValidRoom(room) ? '' : t('error-room-invalid');
    this.#error.textContent = problem;
    this.#room.setAttribute('aria-invalid', String(problem !== ''));
    if (problem) return this.#room.focus();
    remember(NAME_KEY, name);
    onJoin({ name: name || t('guest'), room });
  }

  /** @param {Promise<void>} change */
  async #try(change) {
    try {
      await change;
      this.#showProblems([]);
    } catch (error) {
      this.#showProblems([inWords(error)]);
    }
  }

  /** @param {string[]} problems */
  #showProblems(problems) {
    this.#problems = problems;
    this.#showPreview();
  }

  #showPreview() {
    const { muted, video_off: videoOff } = this.#media.state;
    showMicrophone(byId('preview-mic', HTMLButtonElement), muted);
    showCamera(byId('preview-camera', HTMLButtonElement), videoOff);
    this.#video.hidden = videoOff;
    // A video that waits for its first track would hold up the page's load event.
    if (!videoOff && !this.#video.srcObject) this.#video.srcObject = this.#media.stream;
    this.#note.textContent = this.#noteText(videoOff);
  }

  /** @param {boolean} videoOff */
  #noteText(videoOff) {
    if (this.#asking) return videoOff ? t('preview-asking') : '';
    if (this.#problems.length === 0) return videoOff ? t('preview-off') : '';
    return [...new Set(this.#problems), t('join-anyway')].join('\n');
  }
}
