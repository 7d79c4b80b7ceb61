/**
 * Timers that ring in time, also in a page that nobody looks at. Browsers let those of a hidden page ring up to a second late.
 * Where a timer was set by a timer, that by another one and so on, it is a minute: Chromium counts the chain, and from the fifth
 * on lets them ring once a minute when the page was hidden for five. A heartbeat is such a chain, and would notice a lost
 * connection when the session is over. So in a hidden page each timer is set by a message that the page sends itself, which
 * begins another chain (https://developer.chrome.com/blog/timer-throttling-in-chrome-88).
 *
 * A second late is good enough for heartbeats, back-off, limits and whatever is tried again. Where a second would be felt, a
 * hidden page waits for no timer: others wait for its receipts (`receipts.js`), what it holds back goes with the gateway's
 * answers (`signals.js`), and the first attempt after a lost connection is made at once (`lifeline.js`).
 *
 * Nothing rings in a page that the browser froze: it looks around when it is resumed (`page.js`).
 */

let lastTimer = 0;
/** Those that have not rung; undefined until they are set. @type {Map<number, ReturnType<typeof setTimeout> | undefined>} */
const timers = new Map();

/**
 * @param {() => void} callback
 * @param {number} ms
 * @returns {number}
 */
export function setTimer(callback, ms) {
  const timer = ++lastTimer;
  const ring = () => void (timers.delete(timer) && callback());
  const begin = () => void (timers.has(timer) && timers.set(timer, globalThis.setTimeout(ring, ms)));
  timers.set(timer, undefined);
  if (!isHidden() || !globalThis.MessageChannel) begin(); // jsdom has none
  else inAnotherTask(ms > 0 ? begin : ring);
  return timer;
}

/** @param {number | undefined} timer */
export function clearTimer(timer) {
  if (timer === undefined) return;
  globalThis.clearTimeout(timers.get(timer));
  timers.delete(timer);
}

/** Whether nobody sees the page. */
export function isHidden() {
  return globalThis.document?.hidden ?? false;
}

/** @param {() => void} callback */
function inAnotherTask(callback) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}
