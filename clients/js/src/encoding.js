/**
 * How what is sent is encoded.
 *
 * @typedef {object} EncodingPreferences
 * @property {string} [audioCodec] such as `opus`
 * @property {string} [videoCodec] such as `vp8`, `vp9`, `h264` or `av1`: to be received, and so to be sent by the others
 *   where they can. A codec that a browser does not have is left out
 * @property {MaxBitrate} [maxBitrate]
 */

/** Bits per second, to each other member; without one the browser decides. @typedef {{ audio?: number, video?: number }} MaxBitrate */

/**
 * Puts a codec before all others. Holds for negotiations to come.
 *
 * @param {RTCRtpTransceiver} transceiver
 * @param {'audio' | 'video'} kind
 * @param {string | undefined} name
 */
export function preferCodec(transceiver, kind, name) {
  if (name === undefined) return;
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const isPreferred = (/** @type {RTCRtpCodec} */ { mimeType }) => mimeType.toLowerCase() === `${kind}/${name.toLowerCase()}`;
  const preferred = codecs.filter(isPreferred);
  if (preferred.length === 0) return;
  transceiver.setCodecPreferences([...preferred, ...codecs.filter((codec) => !isPreferred(codec))]);
}

/**
 * @param {RTCRtpSender} sender
 * @param {number | undefined} maxBitrate
 */
export async function limitBitrate(sender, maxBitrate) {
  const parameters = sender.getParameters();
  const others = parameters.encodings.filter((encoding) => encoding.maxBitrate !== maxBitrate);
  if (others.length === 0) return;
  for (const encoding of others) {
    if (maxBitrate === undefined) delete encoding.maxBitrate;
    else encoding.maxBitrate = maxBitrate;
  }
  await sender.setParameters(parameters);
}
