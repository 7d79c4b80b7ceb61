/** @typedef {'microphone' | 'camera' | 'screen'} Device */
/** @typedef {'denied' | 'missing' | 'in-use' | 'insecure' | 'stopped' | 'failed'} MediaErrorReason */

/** @type {Readonly<Record<string, MediaErrorReason>>} names of https://www.w3.org/TR/mediacapture-streams/ */
const REASONS = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'in-use',
  AbortError: 'in-use',
};

/** What to do about it. @type {Readonly<Record<MediaErrorReason, string>>} */
const ADVICE = {
  denied: 'it is not allowed. Allow it in the browser, then ask again',
  missing: 'there is none. Connect one, then ask again',
  'in-use': 'another program uses it. Close that program, then ask again',
  insecure: 'this page came neither over https nor from localhost',
  stopped: '`stop()` was called before it was there. Ask again when it is wanted',
  failed: 'the browser could not start it, or lost it; `cause` may say why. Ask again',
};

/** Why a device cannot be used. `cause` is the browser's error, where there is one. */
export class MediaError extends Error {
  /**
   * @param {Device} device
   * @param {MediaErrorReason} reason
   * @param {unknown} [cause]
   */
  constructor(device, reason, cause) {
    super(`The ${device} cannot be used: ${ADVICE[reason]}.`, cause === undefined ? {} : { cause });
    this.name = 'MediaError';
    this.device = device;
    this.reason = reason;
  }

  /**
   * @internal
   * @param {Device} device
   * @param {unknown} cause
   */
  static from(device, cause) {
    if (cause instanceof MediaError) return cause;
    return new MediaError(device, (cause instanceof Error && REASONS[cause.name]) || 'failed', cause);
  }
}
