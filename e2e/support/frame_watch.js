/** @import { DemoPage } from './demo_page.js' */

const LOOK_EVERY_MS = 20;

/**
 * Watches the other's picture in a call of two, from inside the page, so that nothing between the page and here counts.
 *
 * @param {DemoPage} person
 * @returns {Promise<() => Promise<{ longestWithoutFrameMs: number, frames: number }>>} what was seen since the last time
 */
export async function watchFrames({ page }) {
  await page.evaluate(inPage, LOOK_EVERY_MS);
  return () => page.evaluate(() => /** @type {any} */ (window).takeFrameWatch());
}

/** @param {number} every */
function inPage(every) {
  let frames = 0;
  let last = performance.now();
  let seen = { longestWithoutFrameMs: 0, frames: 0 };

  async function decoded() {
    let count = 0;
    for (const connection of /** @type {any} */ (window).recordedConnections) {
      for (const report of (await connection.getStats()).values()) {
        if (report.type === 'inbound-rtp' && report.kind === 'video') count += report.framesDecoded;
      }
    }
    return count;
  }

  function note() {
    seen.longestWithoutFrameMs = Math.max(seen.longestWithoutFrameMs, performance.now() - last);
  }

  async function look() {
    const now = await decoded();
    if (now > frames) {
      note();
      seen.frames += now - frames;
      frames = now;
      last = performance.now();
    }
    setTimeout(look, every);
  }

  Object.assign(window, {
    takeFrameWatch() {
      note(); // of a picture that stands still
      const taken = seen;
      seen = { longestWithoutFrameMs: 0, frames: 0 };
      return taken;
    },
  });
  look();
}
