/** Calls over a real coturn, with credentials that a gateway made. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { scenario } from '../support/scenario.js';
import { joinBySdk, makeCall } from '../support/sdk_page.js';
import { until } from '../support/until.js';

/** @import { Coturn } from '../support/coturn.js' */
/** @import { DemoPage } from '../support/demo_page.js' */

/** The least; they are renewed at half of it. */
const TTL_S = 60;

/** @param {Coturn} coturn */
const settings = ({ url, secret }) => ({ 'ice.turn_urls': url, 'ice.turn_secret': secret, 'ice.ttl_s': TTL_S });

scenario('two whose only path is a relay talk over it, also past the renewal of their credentials', async (world) => {
  const coturn = await world.coturn();
  const gateway = await world.gateway(settings(coturn));
  const people = [await world.person(), await world.person()];
  for (const [no, person] of people.entries()) {
    await person.visit(gateway.url);
    await joinBySdk(person, { name: `person ${no}`, listens: false });
    await person.page.evaluate(() => {
      const { own } = /** @type {any} */ (window);
      own.renewed = [];
      own.client.on('ice-servers', (/** @type {any} */ { iceServers }) => own.renewed.push(iceServers));
    });
  }
  for (const person of people) await makeCall(person, undefined, { relayed: true });
  for (const person of people) {
    await until('a relayed path', () => path(person), (now) => now.local === 'relay' && now.remote === 'relay');
  }
  for (const person of people) {
    const first = await credential(person);
    await until('other credentials', () => renewals(person), (now) => now > 0, (TTL_S / 2) * 1000 + 15_000);
    assert.notEqual(await credential(person), first, 'the connection has them');
  }
  const bytes = await received(people[0]);
  await until('media goes on', () => received(people[0]), (now) => now > bytes);
});

scenario('a relay takes no credential that has ended, and none of another secret', async (world) => {
  const coturn = await world.coturn();
  const gateway = await world.gateway(settings(coturn));
  const ada = await world.person();
  await ada.visit(gateway.url);
  const now = Math.floor(Date.now() / 1000);
  const sign = (/** @type {string} */ username, secret = coturn.secret) => createHmac('sha1', secret).update(username).digest('base64');
  const [fresh, ended] = [`${now + 60}:ada`, `${now - 60}:ada`];
  assert.equal(await gathers(ada, coturn, fresh, sign(fresh)), true);
  assert.equal(await gathers(ada, coturn, ended, sign(ended)), false);
  assert.equal(await gathers(ada, coturn, fresh, sign(fresh, 'another secret')), false);
});

/** The kinds of both ends of the path in use. @param {DemoPage} person @returns {Promise<{ local?: string, remote?: string }>} */
const path = ({ page }) =>
  page.evaluate(async () => {
    const [tile] = /** @type {any} */ (window).own.call.tiles;
    const stats = [...(await tile.peerConnection.getStats()).values()];
    const pair = stats.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
    const kind = (/** @type {string} */ id) => stats.find((entry) => entry.id === id)?.candidateType;
    return pair ? { local: kind(pair.localCandidateId), remote: kind(pair.remoteCandidateId) } : {};
  });

/** @param {DemoPage} person @returns {Promise<string>} */
const credential = ({ page }) =>
  page.evaluate(() => /** @type {any} */ (window).own.call.tiles[0].peerConnection.getConfiguration().iceServers[0].credential);

/** @param {DemoPage} person @returns {Promise<number>} */
const renewals = ({ page }) => page.evaluate(() => /** @type {any} */ (window).own.renewed.length);

/** @param {DemoPage} person @returns {Promise<number>} bytes */
const received = ({ page }) =>
  page.evaluate(async () => {
    const [tile] = /** @type {any} */ (window).own.call.tiles;
    const stats = [...(await tile.peerConnection.getStats()).values()];
    return stats.filter((entry) => entry.type === 'inbound-rtp').reduce((bytes, entry) => bytes + entry.bytesReceived, 0);
  });

/**
 * Whether a browser gets an address at the relay.
 *
 * @param {DemoPage} person
 * @param {Coturn} coturn
 * @param {string} username
 * @param {string} password
 */
const gathers = ({ page }, { url }, username, password) =>
  page.evaluate(
    async ({ url, username, credential }) => {
      const rtc = new RTCPeerConnection({ iceServers: [{ urls: url, username, credential }], iceTransportPolicy: 'relay' });
      rtc.createDataChannel('any');
      const found = new Promise((resolve) => {
        rtc.onicecandidate = ({ candidate }) => (candidate?.type === 'relay' ? resolve(true) : candidate ?? resolve(false));
      });
      await rtc.setLocalDescription();
      const result = await found;
      rtc.close();
      return result;
    },
    { url, username, credential: password },
  );
