/** The demo's choice of microphone, camera and loudspeaker. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** @import { DemoPage } from '../support/demo_page.js' */

scenario('another camera is seen by the others at once, and both are found again after a reload', async (world) => {
  const at = await world.gateway();
  const [ada, bob] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  await bob.page.evaluate(() => {
    // Fake cameras show the same: this one becomes square.
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await ask(constraints);
      const chosen = stream.getVideoTracks().find(({ label }) => label === 'fake_device_2');
      await chosen?.applyConstraints({ aspectRatio: 1 });
      return stream;
    };
  });
  const connections = (await ada.connections()).length;
  await choose(bob, 'camera', 'fake_device_2');
  await until('Ada sees a square', () => ada.page.locator('.tile:not([data-self]) video').evaluate((video) => {
    const { videoWidth, videoHeight } = /** @type {HTMLVideoElement} */ (video);
    return videoWidth > 0 && videoWidth === videoHeight;
  }));
  await ada.untilPicturesMove('Bob');
  assert.equal((await ada.connections()).length, connections);
  await choose(bob, 'microphone', 'Fake Audio Input 2');
  await until('it is in use', () => devicesInUse(bob), (labels) => labels.includes('Fake Audio Input 2'));

  await bob.page.reload();
  await bob.untilInCallWith('Ada');
  const used = ['Fake Audio Input 2', 'fake_device_2'];
  await until('both are in use', () => devicesInUse(bob), (labels) => labels.join() === used.join());
  await bob.element('devices').click();
  await until('both are shown as chosen', () => chosen(bob), ({ camera, microphone }) => [microphone, camera].join() === used.join());
});

scenario('devices that were chosen once and are gone are no error', async (world) => {
  const at = await world.gateway();
  const ada = await world.person();
  await ada.page.addInitScript(() => {
    for (const device of ['microphone', 'camera', 'loudspeaker']) localStorage.setItem(`switchboard.${device}`, 'long gone');
  });
  await ada.visit(at.url);
  await ada.element('preview-devices').click();
  const first = { camera: 'fake_device_0', microphone: 'Fake Default Audio Input', loudspeaker: 'Fake Default Audio Output' };
  await until('the first of each is shown', () => chosen(ada), (now) => JSON.stringify(now) === JSON.stringify(first));
  await ada.page.keyboard.press('Escape');
  assert.equal(await ada.element('devices-menu').isVisible(), false);
  assert.equal(await ada.element('preview-devices').evaluate((button) => button === document.activeElement), true);
});

scenario('sound comes from the loudspeaker that was chosen, as long as it is there', async (world) => {
  const at = await world.gateway();
  const [ada] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  const sink = () => ada.page.locator('.tile:not([data-self]) video').evaluate((video) => /** @type {HTMLVideoElement} */ (video).sinkId);
  assert.equal(await sink(), '');
  await choose(ada, 'loudspeaker', 'Fake Audio Output 2');
  const id = await until('it is in use', sink);
  await ada.page.evaluate((id) => {
    const { mediaDevices } = navigator;
    const list = mediaDevices.enumerateDevices.bind(mediaDevices);
    Object.assign(window, { gone: id });
    mediaDevices.enumerateDevices = async () => (await list()).filter(({ deviceId }) => deviceId !== /** @type {any} */ (window).gone);
    mediaDevices.dispatchEvent(new Event('devicechange'));
  }, id);
  await until('the usual one is in use', sink, (now) => now === '');
  const offered = () => ada.element('device-loudspeaker').locator('option').allTextContents();
  await ada.element('devices').click();
  await until('it is not offered', offered, (names) => names.length > 0 && !names.includes('Fake Audio Output 2'));
  await ada.page.evaluate(() => {
    Object.assign(window, { gone: undefined });
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
  });
  await until('it is offered again, in the open menu', offered, (names) => names.includes('Fake Audio Output 2'));
  await until('it is in use again', sink, (now) => now === id);
});

scenario('a choice that fails is told where it was made, and a device that is unplugged in the call', async (world) => {
  const at = await world.gateway();
  const ada = await world.person();
  await ada.visit(at.url);
  await ada.join({ name: 'Ada', room: 'studio' });
  await until('both are in use', () => devicesInUse(ada), ({ length }) => length === 2);
  await ada.page.evaluate(() => {
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (constraints) => {
      const { deviceId } = /** @type {MediaTrackConstraints} */ (constraints?.audio ?? {});
      if (deviceId) throw new DOMException('Could not start audio source', 'NotReadableError');
      return ask(constraints);
    };
  });
  await ada.element('devices').click();
  await ada.element('device-microphone').selectOption({ label: 'Fake Audio Input 2' });
  await until('it says why', () => ada.text('devices-error'), (error) => error === 'The microphone is in use by another program.');
  await until('the former one is shown', () => chosen(ada), ({ microphone }) => microphone === 'Fake Default Audio Input');
  assert.ok((await devicesInUse(ada)).includes('Fake Default Audio Input'));
  await ada.element('devices-close').click();

  await ada.page.locator('.tile[data-self] video').evaluate((video) => {
    const { mediaDevices } = navigator;
    const list = mediaDevices.enumerateDevices.bind(mediaDevices);
    mediaDevices.enumerateDevices = async () => (await list()).filter(({ kind }) => kind !== 'audioinput');
    const [track] = /** @type {MediaStream} */ (/** @type {HTMLVideoElement} */ (video).srcObject).getAudioTracks();
    track?.stop();
    track?.dispatchEvent(new Event('ended'));
  });
  await until('its loss is told', () => ada.text('toast'), (toast) => toast === 'The microphone was disconnected.');
});

/**
 * @param {DemoPage} page in a call
 * @param {'microphone' | 'camera' | 'loudspeaker'} device
 * @param {string} label
 */
async function choose(page, device, label) {
  await page.element('devices').click();
  await page.element(`device-${device}`).selectOption({ label });
  await page.element('devices-close').click();
}

/** What the lists show. @param {DemoPage} page @returns {Promise<Record<string, string>>} */
async function chosen({ page }) {
  return page.evaluate(() => {
    const lists = ['camera', 'microphone', 'loudspeaker'].map((device) => /** @type {const} */ ([device, document.getElementById(`device-${device}`)]));
    return Object.fromEntries(lists.map(([device, list]) => [device, /** @type {HTMLSelectElement} */ (list).selectedOptions[0]?.text ?? '']));
  });
}

/** The labels of what this person sends. @param {DemoPage} page */
function devicesInUse({ page }) {
  return page.locator('.tile[data-self] video').evaluate((video) => {
    const stream = /** @type {MediaStream} */ (/** @type {HTMLVideoElement} */ (video).srcObject);
    return stream.getTracks().map(({ label }) => label).sort();
  });
}
