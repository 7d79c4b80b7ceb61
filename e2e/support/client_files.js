import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @import { BrowserContext, Route } from 'playwright-core' */

const TYPES = /** @type {Record<string, string>} */ ({
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
});

/**
 * Gives pages the SDK and the demo from `CLIENT_DIR`, where that is set, instead of those embedded in the gateway: for
 * work on them, without building the gateway after each change.
 *
 * @param {BrowserContext} context
 */
export async function useClientFiles(context) {
  const { CLIENT_DIR } = process.env;
  if (!CLIENT_DIR) return;
  /** @param {string} path */
  const local = (path) => {
    if (path === '/') return 'demo/index.html';
    if (/^\/sdk\/switchboard[^/]*\.min\.js$/.test(path)) return 'dist/switchboard.min.js';
    return path.startsWith('/sdk/') ? `src/${path.slice('/sdk/'.length)}` : path.slice(1);
  };
  const isClients = (/** @type {URL} */ { pathname }) => pathname === '/' || /^\/(sdk|demo)\//.test(pathname);
  await context.route(isClients, async (route) => {
    const file = join(CLIENT_DIR, local(new URL(route.request().url()).pathname));
    const contentType = TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    // Gateways let in pages of the origins they are told; here all may load them.
    const headers = { 'access-control-allow-origin': '*', ...(contentType.startsWith('text/html') && (await policyOf(route))) };
    await route.fulfill({ body: await readFile(file), contentType, headers });
  });
}

/**
 * What the gateway allows its own page.
 *
 * @param {Route} route
 * @returns {Promise<Record<string, string>>}
 */
async function policyOf(route) {
  const name = 'content-security-policy';
  const { [name]: policy } = (await route.fetch()).headers();
  return policy === undefined ? {} : { [name]: policy };
}
