/** Loudness (root mean square of samples from -1 to 1) from which somebody speaks. */
const LOUD = 0.02;
const LOOK_MS = 100;
/** Between words it is quiet for a moment. */
const HOLD_MS = 500;

/** @typedef {{ source: MediaStreamAudioSourceNode, analyser: AnalyserNode, loudAt: number, tell: (speaking: boolean) => void }} Voice */

/** Tells who is speaking, from the loudness of streams. */
export class Speaking {
  #context = new AudioContext();
  /** @type {Map<MediaStreamTrack, Voice>} */
  #voices = new Map();
  #timer = setInterval(() => this.#look(), LOOK_MS);

  /**
   * @param {MediaStreamTrack} track audio
   * @param {(speaking: boolean) => void} tell
   */
  listen(track, tell) {
    if (this.#voices.has(track)) return;
    const analyser = new AnalyserNode(this.#context, { fftSize: 1024 });
    const source = this.#context.createMediaStreamSource(new MediaStream([track]));
    source.connect(analyser);
    this.#voices.set(track, { source, analyser, loudAt: -Infinity, tell });
  }

  stop() {
    clearInterval(this.#timer);
    this.#voices.clear();
    this.#context.close();
  }

  #look() {
    const now = performance.now();
    for (const [track, voice] of this.#voices) {
      if (loudness(voice.analyser) > LOUD) voice.loudAt = now;
      voice.tell(now - voice.loudAt < HOLD_MS);
      if (track.readyState === 'ended') this.#forget(track, voice);
    }
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {Voice} voice
   */
  #forget(track, voice) {
    voice.source.disconnect();
    voice.tell(false);
    this.#voices.delete(track);
  }
}

/** @param {AnalyserNode} analyser */
function loudness(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}
