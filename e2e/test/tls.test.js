/** Pages and WebSockets over TLS of the gateway's own. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';

/** @import { DemoPage } from '../support/demo_page.js' */
/** @import { Gateway } from '../support/gateway.js' */

/** The browser does not know the authority; what it is shown is compared with what openssl is shown, which does. */
const options = { ignoreHTTPSErrors: true };

scenario('two talk over wss from an https page of the gateway, and its certificate is replaced under them', async (world) => {
  const certificates = await world.certificates('first', 'second', 'third');
  const gateway = await world.gateway(certificates.settings);
  assert.match(gateway.url, /^https:/);
  assert.match(gateway.log, /open https:\/\//);
  const people = await world.call({ at: gateway, name: 'Ada', options }, { at: gateway, name: 'Bob', options });
  const [ada, bob] = people;
  for (const { page } of people) assert.equal(await page.evaluate(() => isSecureContext), true);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  for (const { sockets } of people) assert.deepEqual(sockets, [`${gateway.url.replace('https', 'wss')}v1/connect`]);

  const agreed = async (/** @type {DemoPage} */ person, /** @type {string} */ name) => {
    const serial = await certificates.serial(name);
    assert.deepEqual(await seen(person, gateway), { serial, protocol: 'http/1.1' });
    assert.deepEqual(await certificates.seenByOpenssl(gateway.url), { serial, protocol: 'http/1.1' });
  };
  await agreed(ada, 'first');

  await certificates.serve('second');
  await gateway.hangUp('the certificate is replaced');
  const cleo = await world.person(options);
  await cleo.visit(gateway.url);
  await cleo.join({ name: 'Cleo', room: 'studio' });
  await agreed(cleo, 'second');
  await Promise.all([ada.untilInCallWith('Bob', 'Cleo'), bob.untilInCallWith('Ada', 'Cleo')]);

  await certificates.serve('third', 'first');
  await gateway.hangUp('the new certificate or key cannot be used');
  const dora = await world.person(options);
  await dora.visit(gateway.url);
  await agreed(dora, 'second');

  // Those who were there are still on the connection of the first certificate.
  await bob.element('mic').click();
  await ada.untilSees('Bob', { muted: true });
  for (const { sockets } of people) assert.equal(sockets.length, 1);
  assert.equal(await gateway.connections(), 3);
});

for (const [how, transport] of Object.entries(TRANSPORTS)) {
  scenario(`Socket.IO over TLS: ${how}`, async (world) => {
    const certificates = await world.certificates('only');
    const gateway = await world.gateway(certificates.settings);
    const ca = await certificates.authority();
    const ada = await world.socketIoIn(gateway, { ...transport, ca, auth: { userId: 'ada' } });
    const bob = await world.socketIoIn(gateway, { ...transport, ca, auth: { userId: 'bob' } });
    assert.deepEqual(await ada.ask('create-room', 'r'), { success: true, roomId: 'r' });
    assert.equal((await bob.ask('join-room', 'r')).success, true);
    const offer = { type: 'offer', sdp: 'v=0'.padEnd(100_000, ' ') };
    ada.emit('offer', { target: bob.id, offer });
    const heard = await bob.hears('offer');
    assert.deepEqual([heard.from, heard.offer], [ada.id, offer]);
    assert.deepEqual([ada.disconnects, bob.disconnects], [[], []]);
  });
}

/**
 * What the browser was shown for the page.
 *
 * @param {DemoPage} person
 * @param {Gateway} gateway
 */
async function seen({ page }, { url }) {
  const inspector = await page.context().newCDPSession(page);
  await inspector.send('Network.enable');
  // The browser keeps the certificates of what it has fetched since then.
  await page.evaluate(() => fetch('/health').then((response) => response.text()));
  const { tableNames: [der] } = await inspector.send('Network.getCertificate', { origin: new URL(url).origin });
  const [navigation] = await page.evaluate(() => performance.getEntriesByType('navigation').map((entry) => entry.toJSON()));
  return { serial: new X509Certificate(Buffer.from(der, 'base64')).serialNumber, protocol: navigation.nextHopProtocol };
}
