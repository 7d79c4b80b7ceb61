/** @import { DemoPage } from './demo_page.js' */

/**
 * A page that uses the SDK itself, without the demo's call: `sdk`, `client`, `room`, `media`, the kinds of signals `heard`, and
 * once it was made `call` are in its `window.own`, for `page.evaluate`.
 *
 * @param {DemoPage} person who visits a gateway already
 * @param {{ name: string, room?: string, listens?: boolean }} who `listens`: whether `heard` is filled
 */
export function joinBySdk({ page }, { name, room = 'studio', listens = true }) {
  return page.evaluate(
    async ({ name, room, listens }) => {
      const path = '/sdk/index.js';
      const sdk = await import(path);
      const media = new sdk.LocalMedia();
      await media.open();
      const client = new sdk.Client({ url: `${location.origin.replace('http', 'ws')}/v1/connect`, name, keepAs: 'own' });
      await client.connect();
      const joined = await client.join(room, { state: media.state });
      const own = { sdk, client, room: joined, media, heard: /** @type {string[]} */ ([]) };
      Object.assign(window, { own });
      if (listens) joined.on('signal', (/** @type {any} */ { kind }) => own.heard.push(kind));
    },
    { name, room, listens },
  );
}

/**
 * @param {DemoPage} person
 * @param {{ videoCodec?: string }} [preferences]
 * @param {{ relayed?: boolean }} [paths] `relayed`: over the gateway's TURN servers alone
 */
export function makeCall({ page }, preferences, { relayed = false } = {}) {
  return page.evaluate(
    ({ preferences, relayed }) => {
      const { own } = /** @type {any} */ (window);
      const configuration = relayed ? { iceServers: own.client.welcome.ice_servers, iceTransportPolicy: 'relay' } : {};
      own.call = new own.sdk.Call(own.room, own.media, configuration, preferences);
      own.data = [];
      own.call.on('data-received', (/** @type {any} */ { topic, data }) => own.data.push([topic, data]));
    },
    { preferences, relayed },
  );
}
