import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** @import { DemoPage } from './demo_page.js' */

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/**
 * What axe-core finds wrong with what a page shows now: WCAG 2.2 A and AA, and good practice.
 *
 * @param {DemoPage} page
 * @returns {Promise<string[]>} a rule and a place each
 */
export async function violations({ page }) {
  // As the browser's own tools do: the page's policy is for the page.
  await page.evaluate(await readFile(AXE, 'utf8'));
  return page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] });
    return violations.flatMap((/** @type {any} */ { id, nodes }) =>
      nodes.map((/** @type {any} */ { target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    );
  });
}
