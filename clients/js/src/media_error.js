/** @typedef {'microphone' | 'camera' | 'screen'} Device */
/** @typedef {'denied' | 'missing' | 'in-use' | 'insecure' | 'failed'} MediaErrorReason */

/** @type {Readonly<Record<string, MediaErrorReason>>} names of https://www.w3.org/TR/mediacapture-streams/ */
const REASONS = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'in-use',
  AbortError: 'in-use',
};

/** Why a device cannot be used. */
export class MediaError extends Error {
  /**
   * @param {Device} device
   * @param {MediaErrorReason} reason
   */
  constructor(device, reason) {
    super(`The ${device} cannot be used: ${reason}.`);
    this.name = 'MediaError';
    this.device = device;
    this.reason = reason;
  }

  /**
   * @param {Device} device
   * @param {unknown} cause
   */
  static from(device, cause) {
    return cause instanceof MediaError
      ? cause
      : new MediaError(device, (cause instanceof Error && REASONS[cause.name]) || 'failed');
  }
}
