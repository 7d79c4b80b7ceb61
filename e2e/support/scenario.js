import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, test } from 'node:test';
import { closeBrowser, World } from './world.js';

/** @import { DemoPage } from './demo_page.js' */

after(closeBrowser);

/**
 * A browser test. What it starts is ended with it, however it ends, and a failure tells what everyone saw.
 *
 * @param {string} name a sentence
 * @param {(world: World) => Promise<void>} play
 */
export function scenario(name, play) {
  test(name, async (t) => {
    const world = new World();
    try {
      await play(world);
      assert.deepEqual(world.complaints(), [], 'pages complained');
    } catch (error) {
      for (const line of (await world.describe()).split('\n')) t.diagnostic(line);
      throw error;
    } finally {
      await world.end();
    }
  });
}

/**
 * A picture for people, where E2E_ARTIFACTS is set: into `artifacts/`.
 *
 * @param {DemoPage} page
 * @param {string} name
 */
export async function picture({ page }, name) {
  if (!process.env['E2E_ARTIFACTS']) return;
  const folder = new URL('../artifacts/', import.meta.url);
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: new URL(`${name}.png`, folder).pathname });
}
