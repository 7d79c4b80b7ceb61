/** The SDK's `Call`, used by a page of one's own: what the demo does not show. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { joinBySdk, makeCall } from '../support/sdk_page.js';
import { until } from '../support/until.js';

/** @import { DemoPage } from '../support/demo_page.js' */

scenario('a call that is made after its offer came answers it; where something else has heard the offer, it makes its own', async (world) => {
  const gateway = await world.gateway();
  const ada = await world.person();
  await ada.visit(gateway.url);
  await ada.join({ name: 'Ada', room: 'studio' });
  const bob = await world.person();
  await bob.visit(gateway.url);
  await joinBySdk(bob, { name: 'Bob', listens: false });
  await until('the offer came', () => kinds(bob), (now) => now.includes('offer'));
  await makeCall(bob);
  await ada.untilInCallWith('Bob');
  assert.equal(kinds(bob).filter((kind) => kind === 'offer').length, 1);
  assert.equal(kinds(ada).filter((kind) => kind === 'offer').length, 0);

  const cy = await world.person();
  await cy.visit(gateway.url);
  await joinBySdk(cy, { name: 'Cy' });
  // The application listens to signals of its own, and so does get the offer, but has no use for it.
  await cy.page.waitForFunction(() => /** @type {any} */ (window).own.heard.includes('offer'));
  await makeCall(cy);
  await ada.untilInCallWith('Bob', 'Cy');
  await ada.untilPicturesMove('Bob', 'Cy');
});

scenario('an offer that has waited for a side that would offer itself is answered with its own lines', async (world) => {
  const gateway = await world.gateway();
  const [ada, bob] = [await world.person(), await world.person()];
  const pages = [ada, bob];
  const join = async () => {
    for (const page of pages) await joinBySdk(page, { name: page === ada ? 'Ada' : 'Bob', listens: false });
  };
  for (const page of pages) await page.visit(gateway.url);
  await join();
  await makeCall(bob); // waits for the offer of Ada, who was there before, and then makes one
  await until('his offer came', () => kinds(ada), (now) => now.includes('offer'));
  await makeCall(ada, { videoCodec: 'vp9' });
  await untilConnected(ada, bob);
  for (const page of pages) assert.equal(await lines(page), 2);
  const codec = () => bob.page.evaluate(async () => {
    const { call } = /** @type {any} */ (window).own;
    return (await call.getStats(call.tiles[0].member.peer)).sent.video?.codec;
  });
  await until('she is sent what she prefers', codec, (now) => now === 'video/VP9');

  for (const [first, second] of [[ada, bob], [bob, ada]]) {
    await Promise.all(pages.map(({ page }) => page.reload()));
    for (const { heard } of pages) heard.length = 0;
    await join();
    await makeCall(first);
    await until('the offer came', () => kinds(second), (now) => now.includes('offer'));
    await makeCall(second);
    await untilConnected(ada, bob);
    for (const page of pages) assert.equal(await lines(page), 2);
  }
});

scenario('hanging up takes the tile away, and a new call in the same room brings it back, until the room is left', async (world) => {
  const [ada, bob] = await two(world);
  await bob.page.evaluate(() => /** @type {any} */ (window).own.call.hangUp());
  await until('the tile is gone', () => tiles(ada), (now) => now.length === 0);
  assert.equal(await ada.page.evaluate(() => /** @type {any} */ (window).own.room.others.length), 1);
  await makeCall(bob);
  await untilConnected(ada, bob);

  const ended = await bob.page.evaluate(async () => {
    const { call, room } = /** @type {any} */ (window).own;
    const [{ peerConnection }] = call.tiles;
    const told = /** @type {string[]} */ ([]);
    call.on('tile-removed', () => told.push('tile-removed'));
    call.on('ended', (/** @type {any} */ { error }) => told.push(`ended: ${error.code}`));
    await room.leave();
    return { told, tiles: call.tiles.length, state: peerConnection.connectionState };
  });
  assert.deepEqual(ended, { told: ['tile-removed', 'ended: left'], tiles: 0, state: 'closed' });
  await until('the tile is gone', () => tiles(ada), (now) => now.length === 0);
});

scenario('data, statistics, bitrate, ICE servers and another camera go without a new connection', async (world) => {
  const [ada, bob] = await two(world);
  const connections = async () => (await Promise.all([ada.connections(), bob.connections()])).map(({ length }) => length);
  const before = await connections();
  await ada.page.evaluate(() => {
    const { call } = /** @type {any} */ (window).own;
    call.publishData('hello', { topic: 'chat' });
    call.publishData(new Uint8Array([1, 2, 3]), { topic: 'pointer', reliable: false });
  });
  await bob.page.evaluate(() => /** @type {any} */ (window).own.call.publishData('hi', { topic: 'chat' }));
  await until('both have the chat', () => Promise.all([data(ada), data(bob)]), ([hers, his]) => {
    return hers.includes('chat:hi') && his.includes('chat:hello') && his.includes('pointer:3');
  });

  await ada.page.evaluate(() => {
    const { call } = /** @type {any} */ (window).own;
    call.setMaxBitrate({ video: 200_000 });
    call.setIceServers([{ urls: 'stun:127.0.0.1:9' }]);
  });
  const limits = () =>
    ada.page.evaluate(() => {
      const [{ peerConnection }] = /** @type {any} */ (window).own.call.tiles;
      const video = peerConnection.getSenders().find((/** @type {RTCRtpSender} */ { track }) => track?.kind === 'video');
      return [video.getParameters().encodings[0].maxBitrate, peerConnection.getConfiguration().iceServers[0].urls].flat();
    });
  await until('the limits hold', limits, (now) => now.join() === '200000,stun:127.0.0.1:9');

  const camera = await ada.page.evaluate(async () => {
    const { sdk, media } = /** @type {any} */ (window).own;
    const devices = await sdk.getLocalDevices('videoinput');
    const before = media.videoTrack;
    await media.switchActiveDevice('videoinput', devices.at(-1).deviceId);
    return { before: before.readyState, isAnother: media.videoTrack !== before, active: media.getActiveDevice('videoinput') === devices.at(-1).deviceId };
  });
  assert.deepEqual(camera, { before: 'ended', isAnother: true, active: true });

  const frames = () =>
    bob.page.evaluate(async () => {
      const { call } = /** @type {any} */ (window).own;
      const [tile] = call.tiles;
      return call.getStats(tile.member.peer);
    });
  const first = await until('a picture arrives', frames, ({ received }) => received.video);
  await until('the other camera arrives', frames, (now) => now.received.video.packets > first.received.video.packets + 20);
  const { path, protocol, received } = await frames();
  assert.deepEqual([path, protocol, typeof received.video.bitrate, received.video.codec.startsWith('video/')], ['direct', 'udp', 'number', true]);
  assert.deepEqual(await connections(), before);
});

/** Of the signals that the page got. @param {DemoPage} page @returns {string[]} */
function kinds({ heard }) {
  return heard.filter(({ type }) => type === 'signal').map(({ kind }) => kind);
}

/** @param {import('../support/world.js').World} world */
async function two(world) {
  const gateway = await world.gateway();
  const pages = [await world.person(), await world.person()];
  for (const [index, page] of pages.entries()) {
    await page.visit(gateway.url);
    await joinBySdk(page, { name: ['Ada', 'Bob'][index] });
    await makeCall(page);
  }
  await untilConnected(...pages);
  return pages;
}

/** @param {...DemoPage} pages */
async function untilConnected(...pages) {
  for (const page of pages) await until('connected', () => tiles(page), (now) => now.join() === 'connected');
}

/** @param {DemoPage} page @returns {Promise<string[]>} */
function tiles({ page }) {
  return page.evaluate(() => /** @type {any} */ (window).own.call.tiles.map((/** @type {any} */ { connection }) => connection));
}

/** How many media lines were negotiated. @param {DemoPage} page @returns {Promise<number>} */
function lines({ page }) {
  return page.evaluate(() => {
    const [{ peerConnection }] = /** @type {any} */ (window).own.call.tiles;
    return peerConnection.localDescription.sdp.match(/^m=/gm).length;
  });
}

/** @param {DemoPage} page @returns {Promise<string[]>} */
function data({ page }) {
  return page.evaluate(() =>
    /** @type {any} */ (window).own.data.map((/** @type {any} */ [topic, data]) => `${topic}:${data.byteLength ?? data}`),
  );
}
