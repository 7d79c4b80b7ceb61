/** Times and numbers, as the reader writes them. */

const NOTHING = '–';

const hourAndMinute = new Intl.DateTimeFormat(navigator.language, { timeStyle: 'short' });
const toTheSecond = new Intl.DateTimeFormat(navigator.language, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const whole = new Intl.NumberFormat(navigator.language, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(navigator.language, { maximumFractionDigits: 1 });

/** @param {Date} time */
export function clock(time) {
  return hourAndMinute.format(time);
}

/** @param {Date} time */
export function clockToTheSecond(time) {
  return toTheSecond.format(time);
}

/** @param {number | undefined} ms */
export function milliseconds(ms) {
  return ms === undefined ? NOTHING : `${(ms < 10 ? tenths : whole).format(ms)} ms`;
}

/** @param {number | undefined} bitsPerSecond */
export function bitrate(bitsPerSecond) {
  return bitsPerSecond === undefined ? NOTHING : `${whole.format(bitsPerSecond / 1_000)} kbit/s`;
}

/** @param {number} count */
export function bytes(count) {
  return `${whole.format(count)} B`;
}
