/**
 * Two sounds in one track: what is sent has one track for sound, so that the sound of a shared screen needs no negotiation
 * and is heard by everybody who hears the microphone.
 */
export class AudioMix {
  #context = new AudioContext();
  #destination = this.#context.createMediaStreamDestination();
  /** @type {MediaStreamAudioSourceNode[]} */
  #sources = [];

  /** What to send. Stays the same track while its sources change. */
  get track() {
    return /** @type {MediaStreamTrack} */ (this.#destination.stream.getAudioTracks()[0]);
  }

  /** @param {MediaStreamTrack[]} tracks instead of those before */
  mix(tracks) {
    for (const source of this.#sources) source.disconnect();
    this.#sources = tracks.map((track) => this.#context.createMediaStreamSource(new MediaStream([track])));
    for (const source of this.#sources) source.connect(this.#destination);
  }

  close() {
    this.track.stop();
    this.#context.close().catch(() => {}); // it was closed already
  }
}
