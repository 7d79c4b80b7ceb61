/** Microphone and camera when the browser, or the person, does not play along. */
import assert from 'node:assert/strict';
import { personOnBarePage } from '../support/bare_page.js';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

scenario('muting does not wait for the prompt of the camera', async (world) => {
  const gateway = await world.gateway();
  const [ada, bob] = await world.call({ at: gateway, name: 'Ada' }, { at: gateway, name: 'Bob' });
  await bob.element('camera').click();
  await ada.untilSees('Bob', { videoOff: true });
  await bob.page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => {
      Object.assign(window, { isPrompting: true });
      return new Promise(() => {}); // the prompt stays open
    };
  });
  await bob.element('camera').click();
  await bob.page.waitForFunction(() => 'isPrompting' in window);
  await bob.element('mic').click();
  await ada.untilSees('Bob', { muted: true });
  await bob.element('mic').click();
  await ada.untilSees('Bob', { muted: false });
});

scenario('a prompt that is dismissed is not shown again', async (world) => {
  const gateway = await world.gateway();
  const ada = await world.person();
  await ada.page.addInitScript(() => {
    const prompts = /** @type {unknown[]} */ ([]);
    Object.assign(window, { prompts });
    navigator.permissions.query = async () => /** @type {PermissionStatus} */ ({ state: 'prompt' });
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      prompts.push(constraints);
      throw new DOMException('Permission dismissed', 'NotAllowedError');
    };
  });
  await ada.visit(gateway.url);
  await ada.page.getByText('Your browser does not allow the microphone.').waitFor();
  assert.equal(await ada.page.evaluate(() => /** @type {any} */ (window).prompts.length), 1);
});

scenario('a microphone that is lost says why', async (world) => {
  const gateway = await world.gateway();
  const ada = await world.person();
  await ada.page.addInitScript(() => {
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    const list = mediaDevices.enumerateDevices.bind(mediaDevices);
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await ask(constraints);
      const unplug = () => {
        mediaDevices.enumerateDevices = async () => (await list()).filter(({ kind }) => kind !== 'audioinput');
        const [track] = stream.getAudioTracks();
        track?.stop();
        track?.dispatchEvent(new Event('ended'));
      };
      Object.assign(window, { unplug });
      return stream;
    };
  });
  await ada.visit(gateway.url);
  const told = () => ada.page.evaluate(() => /** @type {any} */ (window).told);
  await ada.page.evaluate(async () => {
    const path = '/sdk/index.js';
    const { LocalMedia } = await import(path);
    const media = new LocalMedia();
    const told = /** @type {string[]} */ ([]);
    Object.assign(window, { told });
    await media.open({ camera: false });
    media.on('changed', (/** @type {any} */ { muted }) => told.push(muted ? 'muted' : 'heard'));
    media.on('device-lost', (/** @type {any} */ { device, error }) => told.push(`${device} ${error.reason}`));
    /** @type {any} */ (window).unplug();
  });
  await until('the loss has its reason', told, (now) => now.join() === 'muted,microphone missing');
});

scenario('devices that were stopped can be opened again, while the prompt of before is still open, too', async (world) => {
  const { page } = await personOnBarePage(world, await world.gateway());
  const seen = await page.evaluate(async () => {
    const media = new (/** @type {any} */ (window).sdk.LocalMedia)();
    const first = media.open();
    media.stop();
    const problems = await media.open();
    const stopped = (await first).map((/** @type {any} */ { reason }) => reason);
    const states = [media.audioTrack, media.videoTrack].map((track) => track?.readyState);
    media.stop();
    return { problems: problems.length, stopped, states, after: media.stream.getTracks().length };
  });
  assert.deepEqual(seen, { problems: 0, stopped: ['stopped', 'stopped'], states: ['live', 'live'], after: 0 });
});
