/** @import { LocalMedia } from '/sdk/index.js' */
import { getLocalDevices, watchLocalDevices } from '/sdk/index.js';
import { byId, find } from './dom.js';
import { inWords } from './errors.js';
import { t } from './i18n.js';
import { Loudspeaker } from './loudspeaker.js';
import { recall, remember } from './memory.js';

/** @typedef {{ kind: MediaDeviceKind, device: 'microphone' | 'camera' | 'loudspeaker' }} Choice */

/** @type {Choice[]} */
const CHOICES = [
  { kind: 'audioinput', device: 'microphone' },
  { kind: 'videoinput', device: 'camera' },
  { kind: 'audiooutput', device: 'loudspeaker' },
];

/** Which microphone, camera and loudspeaker, before the call and in it. The choice is remembered; one that is gone is no error. */
export class DevicesMenu {
  loudspeaker = new Loudspeaker(recall(keyOf('loudspeaker')));
  #dialog = byId('devices-menu', HTMLDialogElement);
  #error = byId('devices-error', HTMLElement);
  #media;
  /** How many choices are being carried out: until then the lists show what is to come. */
  #choosing = 0;
  /** @type {(() => void)[]} */
  #subscriptions = [];

  /** @param {LocalMedia} media not asked for anything yet */
  constructor(media) {
    this.#media = media;
    for (const id of ['preview-devices', 'devices-button']) {
      byId(id, HTMLButtonElement).addEventListener('click', () => this.#open());
    }
    this.#dialog.addEventListener('close', () => this.#closed());
    // The dialog has no margin of its own inside: what is clicked in it is one of its parts, or the ground around it.
    this.#dialog.addEventListener('click', ({ target }) => target === this.#dialog && this.#dialog.close());
    byId('devices-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    byId('loudspeaker-choice', HTMLElement).hidden = !Loudspeaker.isSupported;
    for (const choice of CHOICES) {
      selectOf(choice).addEventListener('change', () => this.#choose(choice));
      this.#useRemembered(choice);
    }
  }

  /** What is off now gets it when it is on. @param {Choice} choice */
  #useRemembered({ kind, device }) {
    const id = recall(keyOf(device));
    if (kind !== 'audiooutput' && id !== undefined) this.#media.switchActiveDevice(kind, id);
  }

  #open() {
    this.#error.textContent = '';
    this.#subscriptions = [watchLocalDevices(() => this.#show()), this.#media.on('changed', () => this.#show())];
    this.#show();
    this.#dialog.showModal();
  }

  #closed() {
    for (const stop of this.#subscriptions) stop();
  }

  async #show() {
    const devices = await getLocalDevices();
    for (const choice of CHOICES) this.#showChoice(choice, devices.filter(({ kind }) => kind === choice.kind));
    byId('devices-hint', HTMLElement).hidden = CHOICES.slice(0, 2).every((choice) => !selectOf(choice).disabled);
  }

  /**
   * @param {Choice} choice
   * @param {MediaDeviceInfo[]} devices
   */
  #showChoice(choice, devices) {
    const select = selectOf(choice);
    const options = devices.map(({ deviceId, label }, index) => {
      return new Option(label || `${t(choice.device)} ${index + 1}`, deviceId);
    });
    if (options.length === 0) options.push(new Option(t('device-none'), ''));
    select.disabled = devices.length === 0;
    // Other options would close a list that somebody is looking at.
    if (contentsOf([...select.options]) !== contentsOf(options)) select.replaceChildren(...options);
    if (this.#choosing > 0) return;
    const chosen = this.#chosen(choice);
    if (devices.some(({ deviceId }) => deviceId === chosen)) select.value = /** @type {string} */ (chosen);
  }

  /** The one in use, or that will be when it is on. @param {Choice} choice */
  #chosen({ kind, device }) {
    if (kind === 'audiooutput') return this.loudspeaker.id;
    return this.#media.getActiveDevice(kind) ?? recall(keyOf(device));
  }

  /** @param {Choice} choice */
  async #choose(choice) {
    const { kind, device } = choice;
    const id = selectOf(choice).value;
    this.#error.textContent = '';
    this.#choosing += 1;
    try {
      if (kind === 'audiooutput') await this.loudspeaker.choose(id);
      else await this.#media.switchActiveDevice(kind, id);
      remember(keyOf(device), id);
    } catch (error) {
      this.#error.textContent = kind === 'audiooutput' ? t('loudspeaker-failed') : inWords(error);
    }
    this.#choosing -= 1;
    this.#show();
  }
}

/** @param {Choice} choice */
function selectOf({ device }) {
  return find(document, `#device-${device}`, HTMLSelectElement);
}

/** @param {HTMLOptionElement[]} options */
function contentsOf(options) {
  return JSON.stringify(options.map(({ text, value }) => [text, value]));
}

/** @param {Choice['device']} device */
function keyOf(device) {
  return `switchboard.${device}`;
}
