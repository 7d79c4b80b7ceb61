/** Several clients of one gateway in one tab, in frames and beside each other: after a reload each has its own session. */
import assert from 'node:assert/strict';
import { meet, serveBarePages } from '../support/bare_page.js';
import { scenario } from '../support/scenario.js';

/** @import { Page } from 'playwright-core' */

scenario('frames of one origin keep their own sessions, beneath a page of another origin too, and a copy of the tab has none', async (world) => {
  const { url } = await world.gateway();
  const ada = await world.person();
  const [bare, frames] = ['bare', 'frames'].map((path) => new URL(path, url).href);
  await serveBarePages(ada, { frames: [bare, bare] });
  for (const top of [frames.replace('127.0.0.1', 'localhost'), frames]) {
    await ada.visit(top);
    const before = await meetInFrames(ada.page);
    await ada.page.reload();
    const after = await meetInFrames(ada.page);
    assert.deepEqual(after, before, top);
    assert.equal(new Set(after).size, 2);
  }
  const [copy] = await Promise.all([
    ada.page.context().waitForEvent('page'),
    ada.page.evaluate(() => void window.open(location.href)), // with a copy of its sessionStorage
  ]);
  await copy.waitForLoadState();
  const own = await ada.page.frames().at(-1)?.evaluate(() => /** @type {any} */ (window).client.peer);
  assert.ok(!(await meetInFrames(copy)).includes(own));
  assert.equal(await ada.page.frames().at(-1)?.evaluate(() => /** @type {any} */ (window).client.state), 'open');
});

scenario('two clients of a page that connect in another order than they were made get their own sessions back', async (world) => {
  const { url } = await world.gateway();
  const ada = await world.person();
  await serveBarePages(ada);
  const meetBoth = () =>
    ada.page.evaluate(async () => {
      const path = '/sdk/index.js';
      const { Client } = await import(path);
      const [first, second] = [1, 2].map(() => new Client({ url: `${location.origin.replace('http', 'ws')}/v1/connect` }));
      await second.connect();
      await first.connect();
      return [first.peer, second.peer];
    });
  await ada.visit(new URL('bare', url).href);
  const before = await meetBoth();
  await ada.page.reload();
  assert.deepEqual(await meetBoth(), before);
});

/** @param {Page} page */
function meetInFrames(page) {
  return Promise.all(page.frames().slice(1).map(meet));
}
