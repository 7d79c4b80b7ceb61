/** @import { Frame, Page } from 'playwright-core' */
/** @import { DemoPage } from './demo_page.js' */
/** @import { World } from './world.js' */

/** What every page has to have: `recordCalls` looks at it. */
const STATUS = '<p id="status"></p>';

/**
 * Pages of one's own beside the gateway's, on whatever host it is called by, without the demo: `/bare` and, with the frames
 * that are given, `/frames`.
 *
 * @param {DemoPage} person
 * @param {{ frames?: string[] }} [options] URLs
 */
export async function serveBarePages({ page }, { frames = [] } = {}) {
  const inside = frames.map((url) => `<iframe src="${url}"></iframe>`).join('');
  for (const [path, body] of Object.entries({ bare: STATUS, frames: STATUS + inside })) {
    await page.context().route(`**/${path}`, (route) => route.fulfill({ contentType: 'text/html', body: `<!doctype html><title>${path}</title>${body}` }));
  }
}

/**
 * Somebody on a page of one's own that has the SDK in its `window.sdk`, and the URL to connect to in `window.gateway`.
 *
 * @param {World} world
 * @param {{ url: string }} at
 */
export async function personOnBarePage(world, { url }) {
  const person = await world.person();
  await serveBarePages(person);
  await person.page.addInitScript(() => {
    if (!location.pathname.endsWith('/bare')) return;
    const path = '/sdk/index.js';
    const gateway = `${location.origin.replace('http', 'ws')}/v1/connect`;
    Object.assign(window, { gateway, loading: import(path).then((sdk) => Object.assign(window, { sdk })) });
  });
  await person.visit(new URL('bare', url).href);
  await person.page.evaluate(() => /** @type {any} */ (window).loading);
  return person;
}

/**
 * Makes a client and connects it, which stays in the page's `window.client`.
 *
 * @param {Frame | Page} page
 * @returns {Promise<string>} its peer
 */
export function meet(page) {
  return page.evaluate(async () => {
    const path = '/sdk/index.js';
    const { Client } = await import(path);
    const client = new Client({ url: `${location.origin.replace('http', 'ws')}/v1/connect` });
    Object.assign(window, { client });
    return (await client.connect()).peer;
  });
}
