/** What went wrong, in the reader's words. */
import { MediaError, SwitchboardError } from '/sdk/index.js';
import { isKey, t } from './i18n.js';

/**
 * @param {unknown} error
 * @returns {string}
 */
export function inWords(error) {
  if (error instanceof MediaError) return mediaInWords(error);
  const key = error instanceof SwitchboardError ? `error-${error.code}` : '';
  return isKey(key) ? t(key) : t('error-other', { message: error instanceof Error ? error.message : String(error) });
}

/** Why a device that was in use is not any more. @param {{ device: 'microphone' | 'camera', error: MediaError }} lost */
export function lossInWords({ device, error }) {
  return error.reason === 'missing' ? t(`${device}-lost`) : mediaInWords(error);
}

/** The types see to it that each device has a text for each reason. @param {MediaError} error */
function mediaInWords({ device, reason }) {
  return reason === 'insecure' ? t('media-insecure') : t(`${device}-${reason}`);
}
