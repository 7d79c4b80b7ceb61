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

/** @param {MediaError} error */
function mediaInWords({ device, reason }) {
  if (reason === 'insecure') return t('media-insecure');
  const key = `${device}-${reason}`;
  return t(isKey(key) ? key : `${device}-failed`);
}
