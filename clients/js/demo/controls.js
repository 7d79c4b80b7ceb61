/** @import { LocalMedia } from '/sdk/index.js' */
import { MediaError } from '/sdk/index.js';
import { byId, showCamera, showMicrophone, showScreen } from './dom.js';
import { inWords, lossInWords } from './errors.js';
import { toast } from './toast.js';

/** Microphone, camera, screen, leave. */
export class Controls {
  #mic = byId('mic', HTMLButtonElement);
  #camera = byId('camera', HTMLButtonElement);
  #screen = byId('screen', HTMLButtonElement);
  #media;

  /**
   * @param {LocalMedia} media
   * @param {AbortSignal} signal ends it
   * @param {() => void} onLeave
   */
  constructor(media, signal, onLeave) {
    this.#media = media;
    this.#mic.addEventListener('click', () => this.#try(media.setMuted(!media.state.muted)), { signal });
    this.#camera.addEventListener('click', () => this.#try(media.setVideoOff(!media.state.video_off)), { signal });
    this.#screen.addEventListener('click', () => this.#toggleScreen(), { signal });
    byId('leave', HTMLButtonElement).addEventListener('click', onLeave, { signal });
    signal.addEventListener('abort', media.on('device-lost', (lost) => toast(lossInWords(lost))));
    // Phones cannot share their screen.
    this.#screen.hidden = !navigator.mediaDevices?.getDisplayMedia;
    this.show();
  }

  show() {
    const { muted, video_off: videoOff, sharing_screen: sharing } = this.#media.state;
    showMicrophone(this.#mic, muted);
    showCamera(this.#camera, videoOff);
    showScreen(this.#screen, sharing);
  }

  #toggleScreen() {
    if (this.#media.state.sharing_screen) this.#media.stopSharing();
    else this.#try(this.#media.shareScreen());
  }

  /** @param {Promise<void>} change */
  async #try(change) {
    try {
      await change;
    } catch (error) {
      const cancelled = error instanceof MediaError && error.device === 'screen' && error.reason === 'denied';
      if (!cancelled) toast(inWords(error));
    }
  }
}
