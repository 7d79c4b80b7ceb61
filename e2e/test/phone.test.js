/** The page on a phone of 360 pixels, in Korean. */
import assert from 'node:assert/strict';
import { picture, scenario } from '../support/scenario.js';

const PHONE = { locale: 'ko-KR', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

scenario('on a phone, in Korean, nothing is cut off and every button can be tapped', async (world) => {
  const gateway = await world.gateway();
  const phone = await world.person(PHONE);
  await phone.visit(gateway.url);
  assert.equal(await phone.page.locator('html').getAttribute('lang'), 'ko');
  assert.equal(await phone.text('join'), '들어가기');
  await phone.page.waitForFunction(() => {
    const video = /** @type {HTMLVideoElement} */ (document.querySelector('[data-testid=preview-video]'));
    return video.videoWidth > 0;
  });
  await assertFits(phone);
  await assertButtonsCanBeTapped(phone);
  await picture(phone, 'phone-lobby');

  await phone.join({ name: '하은', room: 'a-room-with-quite-a-long-name-2024' });
  await phone.element('alone').waitFor();
  await assertFits(phone);
  await assertButtonsCanBeTapped(phone);
  await picture(phone, 'phone-alone');

  const room = await phone.text('room-name');
  const ada = await world.personInRoom({ at: gateway, name: 'Ada', room });
  const bob = await world.personInRoom({ at: gateway, name: 'A guest with quite a long name indeed', room });
  await phone.untilInCallWith('Ada', 'A guest with quite a long name indeed');
  await ada.untilInCallWith('하은', 'A guest with quite a long name indeed');
  await phone.untilPicturesMove('Ada');
  await assertFits(phone);
  await assertButtonsCanBeTapped(phone);
  await picture(phone, 'phone-call');

  await phone.element('mic').tap();
  await Promise.all([ada.untilSees('하은', { muted: true }), bob.untilSees('하은', { muted: true })]);
  assert.equal(await phone.text('mic'), '음소거 해제');
  await phone.element('leave').tap();
  await phone.element('lobby').waitFor();
});

scenario('on a phone, mistakes are told in Korean', async (world) => {
  const gateway = await world.gateway();
  const phone = await world.person(PHONE);
  await phone.visit(gateway.url);
  await phone.askToJoin({ name: '하은', room: '우리 방' });
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
