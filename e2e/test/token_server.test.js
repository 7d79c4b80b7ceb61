/** An application of one's own, as the SDK's README has it: pages and tokens from its server, the SDK from a gateway. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { TokenServer } from '../support/token_server.js';

const SECRET = 'a secret only for the tests, long enough for HS256';

scenario('the token server of the README lets a page of another origin into the rooms it names', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const server = await TokenServer.start(SECRET, { 'call.html': page(gateway.url) });
  try {
    const ada = await world.person();
    await ada.visit(`${server.url}call.html`);
    await ada.page.waitForFunction(() => 'sdk' in window);
    const seen = await ada.page.evaluate(async () => {
      const { sdk, url } = /** @type {any} */ (window);
      const uninvited = await new sdk.Client({ url }).connect().catch((/** @type {any} */ { code }) => code);
      const getToken = async () => (await fetch('/token', { method: 'POST' })).text();
      const client = new sdk.Client({ url, getToken });
      const { user } = await client.connect();
      const room = await client.join('study-1');
      const elsewhere = await client.join('kitchen').catch((/** @type {any} */ { code }) => code);
      return { uninvited, user, name: room.me.name, elsewhere };
    });
    assert.deepEqual(seen, { uninvited: 'unauthorized', user: 'u-1815', name: 'Ada', elsewhere: 'forbidden' });
  } finally {
    await server.stop();
  }
});

/** @param {string} gateway */
function page(gateway) {
  return `<!doctype html><title>Call</title><script type="module">
    import * as sdk from '${gateway}sdk/switchboard.min.js';
    Object.assign(window, { sdk, url: '${gateway.replace('http', 'ws')}v1/connect' });
  </script>`;
}
