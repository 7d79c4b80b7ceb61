/** The page on a phone of 360 pixels, in Korean. */
import assert from 'node:assert/strict';
import { picture, scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

const PHONE = { locale: 'ko-KR', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const LONG_NAME = 'A guest with quite a long name indeed';

scenario('on a phone, in Korean, one finds and invites people without anything being cut off', async (world) => {
  const gateway = await world.gateway();
  const phone = await world.person(PHONE);
  await phone.visit(gateway.url);
  assert.equal(await phone.page.locator('html').getAttribute('lang'), 'ko');
  assert.equal(await phone.text('join'), '들어가기');
  const video = phone.element('preview-video');
  await until('there is a preview', () => video.evaluate((/** @type {HTMLVideoElement} */ { videoWidth }) => videoWidth));
  await assertFits(phone);
  await assertButtonsCanBeTapped(phone);
  await picture(phone, 'phone-lobby');

  await phone.join({ name: '하은', room: 'a-room-with-quite-a-long-name-that-does-not-fit' });
  await phone.page.getByText('아직 아무도 없습니다').waitFor();
  await assertFits(phone);
  await assertButtonsCanBeTapped(phone);
  await picture(phone, 'phone-alone');
});

scenario('on a phone, in Korean, one talks with several without anything being cut off', async (world) => {
  const at = await world.gateway();
  const [phone, ada, guest] = await world.call(
    { at, name: '하은', options: PHONE },
    { at, name: 'Ada' },
    { at, name: LONG_NAME },
  );
  await phone.untilPicturesMove('Ada', LONG_NAME);
  await assertFits(phone);
  await assertButtonsCanBeTapped(phone);

  await phone.element('mic').tap();
  await Promise.all([ada, guest].map((other) => other.untilSees('하은', { muted: true })));
  assert.equal(await phone.text('mic'), '음소거');
  assert.equal(await phone.element('mic').getAttribute('aria-pressed'), 'true');
  await guest.element('camera').click();
  await phone.untilSees(LONG_NAME, { picture: false });
  await picture(phone, 'phone-call');

  for (const panel of ['chat', 'connection']) {
    await phone.element(panel).tap();
    await assertFits(phone);
    await assertButtonsCanBeTapped(phone);
    const { width } = /** @type {{ width: number }} */ (await phone.element(`${panel}-panel`).boundingBox());
    assert.equal(width, PHONE.viewport.width);
    await picture(phone, `phone-${panel}`);
    await phone.element(`${panel}-close`).tap();
  }
  await phone.element('devices').tap();
  await assertFits(phone);
  await phone.element('devices-close').tap();
  await phone.element('leave').tap();
  await phone.element('lobby').waitFor();
});

scenario('on a phone, mistakes are told in Korean', async (world) => {
  const gateway = await world.gateway();
  const phone = await world.person(PHONE);
  await phone.visit(gateway.url);
  await phone.askToJoin({ name: '하은', room: '우리*방' });
  assert.match(await phone.lobbyError(), /^방 이름에는/);
  await assertFits(phone);
});

/** @typedef {import('../support/demo_page.js').DemoPage} DemoPage */

/** Nothing makes the page wider than the screen. @param {DemoPage} page */
async function assertFits({ page }) {
  const { content, screen } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    screen: window.innerWidth,
  }));
  assert.ok(content <= screen, `${content} px of content on ${screen} px`);
  assert.equal(screen, PHONE.viewport.width, 'the page was zoomed out to fit');
}

/** Scrolls to each button and would tap it: playwright finds out whether something lies over it. @param {DemoPage} page */
async function assertButtonsCanBeTapped({ page }) {
  const buttons = await page.locator('button:visible').all();
  assert.ok(buttons.length >= 3);
  for (const button of buttons) {
    await button.tap({ trial: true });
    const { width, height } = /** @type {{ width: number, height: number }} */ (await button.boundingBox());
    assert.ok(width >= 36 && height >= 36, `${await button.textContent()} is ${width}×${height} px: too small for a finger`);
  }
}
