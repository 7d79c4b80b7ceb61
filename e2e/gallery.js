/**
 * `npm run gallery`: pictures of lobby and call into `artifacts/gallery`, for people to look at: light and dark, on a desk
 * and on a phone, in English and Korean; with an error, alone, with others, and with each panel open.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CAST } from './support/cast.js';
import { paintCamera } from './support/painted_camera.js';
import { until } from './support/until.js';
import { closeBrowser, World } from './support/world.js';

/** @import { BrowserContextOptions } from 'playwright-core' */
/** @import { DemoPage } from './support/demo_page.js' */

const FOLDER = fileURLToPath(new URL('artifacts/gallery/', import.meta.url));
const ROOM = 'design-review';
const SOME_TEXT = 'One more thing: the colours of the second page are not final yet, please look at the contrast of the small text there. https://example.org/a-rather-long-link-without-any-space-in-it';

/** @type {Record<string, BrowserContextOptions>} */
const SCREENS = {
  desk: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};
/** @type {Record<string, BrowserContextOptions>} */
const LOCALES = { en: { locale: 'en-GB' }, ko: { locale: 'ko-KR' } };
const SCHEMES = /** @type {const} */ (['light', 'dark']);

const world = new World();
try {
  await mkdir(FOLDER, { recursive: true });
  const gateway = await world.gateway({ 'node.name': 'gw' });
  const others = CAST.slice(0, 3);
  const pages = [];
  for (const { name, sitter } of others) {
    const page = await world.person();
    await page.page.addInitScript(paintCamera, sitter);
    await page.visit(gateway.url);
    await page.join({ name, room: ROOM });
    if (name === 'Kwame Asante') await page.element('mic').click();
    if (name === 'Tomás Rey') await page.element('camera').click();
    pages.push(page);
  }
  for (const [screen, size] of Object.entries(SCREENS)) {
    for (const [locale, language] of Object.entries(LOCALES)) {
      const page = await world.person({ ...size, ...language });
      const { name, sitter } = CAST[3];
      await page.page.addInitScript(paintCamera, sitter);
      await page.visit(gateway.url);
      await page.element('preview-video').waitFor();
      await shoot(page, `lobby-${screen}-${locale}`);
      await page.element('preview-devices').click();
      await shoot(page, `lobby-devices-${screen}-${locale}`);
      await page.element('devices-close').click();
      await page.askToJoin({ name, room: 'a*b' });
      await page.element('preview-camera').click();
      await page.lobbyError();
      await shoot(page, `lobby-error-${screen}-${locale}`);
      await page.element('preview-camera').click();
      await page.join({ room: 'elsewhere' });
      await shoot(page, `alone-${screen}-${locale}`);
      await page.element('leave').click();
      await page.join({ room: ROOM });
      await page.untilInCallWith(...others.map(({ name }) => name));
      await page.untilPicturesMove('Mira Lindqvist', 'Kwame Asante');
      await shoot(page, `call-${screen}-${locale}`);
      await shootPanels(page, pages, `${screen}-${locale}`);
      await page.close();
    }
  }
  console.log(`the pictures are in ${FOLDER}`);
} finally {
  await world.end();
  await closeBrowser();
}

/**
 * @param {DemoPage} page
 * @param {DemoPage[]} others in the same call
 * @param {string} suffix
 */
async function shootPanels(page, others, suffix) {
  for (const [index, text] of ['Shall we begin?', SOME_TEXT].entries()) {
    await others[index].say(text);
    await until('the message is there', () => page.text('unread'), (unread) => unread === String(index + 1));
  }
  await shoot(page, `unread-${suffix}`);
  await page.element('chat').click();
  await page.say('네, 화면 바로 공유할게요.');
  await page.element('chat-input').fill('x'.repeat(70_000));
  await page.element('chat-send').click();
  await page.element('chat-error').filter({ hasText: /./ }).waitFor();
  await shoot(page, `chat-${suffix}`);
  await page.element('chat-close').click();
  await page.element('connection').click();
  await until('rates are there', () => page.text('peer-sends'), (rate) => rate.includes('kbit/s'));
  await shoot(page, `connection-${suffix}`);
  await page.element('signal').nth(8).scrollIntoViewIfNeeded();
  await shoot(page, `signals-${suffix}`);
  await page.element('connection-close').click();
  await page.element('devices').click();
  await shoot(page, `devices-${suffix}`);
  await page.element('devices-close').click();
}

/**
 * @param {DemoPage} page
 * @param {string} name
 */
async function shoot({ page }, name) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${FOLDER}${name}-${colorScheme}.png`, fullPage: true });
  }
}
