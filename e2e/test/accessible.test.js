/** The page as those use it who hear it, see little contrast, or keep no cookies. */
import assert from 'node:assert/strict';
import { violations } from '../support/accessibility.js';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** @import { DemoPage } from '../support/demo_page.js' */

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  scenario(`lobby and call have no fault that axe-core knows, ${colorScheme}`, async (world) => {
    const at = await world.gateway();
    const options = { colorScheme };
    const ada = await world.person(options);
    await ada.visit(at.url);
    await ada.element('preview-mic').click();
    await assertNoViolations(ada, 'the lobby');
    await ada.element('preview-devices').click();
    await assertNoViolations(ada, 'the devices');
    await ada.element('devices-close').click();
    await ada.askToJoin({ name: 'Ada', room: 'a*b' });
    await ada.lobbyError();
    await assertNoViolations(ada, 'the lobby with an error');
    assert.equal(await ada.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), colorScheme);

    await ada.join({ room: 'studio' });
    await assertNoViolations(ada, 'the call of one');
    const [bob] = await world.call({ at, name: 'Bob', room: 'elsewhere', options });
    await bob.element('leave').click();
    await bob.join({ room: 'studio' });
    await ada.untilInCallWith('Bob');
    await bob.element('camera').click();
    await ada.untilSees('Bob', { picture: false });
    await ada.element('screen').click();
    await bob.untilSees('Ada', { sharing: true });
    await assertNoViolations(ada, 'the call');
    await bob.say('Hello');
    await until('it is unread', () => ada.text('unread'));
    await assertNoViolations(ada, 'a message');
    await ada.say('Hello Bob');
    await ada.say('x'.repeat(66_000));
    await until('it is too long', () => ada.text('chat-error'));
    await assertNoViolations(ada, 'the chat');
    await ada.element('connection').click();
    await until('there are rates', () => ada.text('peer-sends'), (rate) => rate.includes('kbit/s'));
    await assertNoViolations(ada, 'the connection');
    await at.kill();
    await ada.untilStatus('reconnecting');
    await ada.element('banner').waitFor();
    await assertNoViolations(ada, 'the call without its gateway');
  });
}

scenario('a toggle keeps its name, whether it is pressed or not', async (world) => {
  const at = await world.gateway();
  const ada = await world.person();
  await ada.visit(at.url);
  await assertToggles(ada, 'preview-mic', 'Mute');
  await assertToggles(ada, 'preview-camera', 'Camera off');
  await ada.join({ name: 'Ada', room: 'studio' });
  await assertToggles(ada, 'mic', 'Mute');
  await assertToggles(ada, 'camera', 'Camera off');
  await assertToggles(ada, 'screen', 'Share screen');
});

scenario('who comes, loses the connection and goes is told to those who hear the page', async (world) => {
  const at = await world.gateway();
  const [ada] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  await recordTold(ada);
  await untilTold(ada, /Bob (joined|left)\.|In this call: Bob\./);
  const cleo = await world.person();
  await cleo.visit(at.url);
  await recordTold(cleo);
  await cleo.join({ name: 'Cleo', room: 'studio' });
  await untilTold(ada, /Cleo joined\./);
  await untilTold(cleo, /In this call: Ada and Bob\./);
  await cleo.element('leave').click();
  await untilTold(ada, /Cleo left\./);
  await at.kill();
  await untilTold(ada, /Connection interrupted: The server\./);
  await at.restart();
  await untilTold(ada, /Connected again: The server\./);
});

scenario('without storage the page works, and knows its name as long as it is there', async (world) => {
  const at = await world.gateway();
  const ada = await world.person();
  await ada.page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, {
        get() {
          throw new DOMException('Access is denied for this document.', 'SecurityError');
        },
      });
    }
  });
  await ada.visit(`${at.url}#studio`);
  await ada.join({ name: 'Ada' });
  await ada.element('leave').click();
  await ada.element('lobby').waitFor();
  assert.equal(await ada.element('name').inputValue(), 'Ada');
});

scenario('another link that is followed in the same tab leads into its room', async (world) => {
  const at = await world.gateway();
  const ada = await world.person();
  await ada.visit(`${at.url}#first`);
  await follow(ada, '#second');
  await until('the form has the room of the link', () => ada.element('room').inputValue(), (room) => room === 'second');

  await ada.join({ name: 'Ada' });
  const [bob] = await world.call({ at, name: 'Bob', room: 'elsewhere' });
  await bob.element('leave').click();
  await bob.join({ room: 'second' });
  await bob.untilInCallWith('Ada');
  await follow(ada, '#%73econd'); // the same room
  await ada.untilInCallWith('Bob');
  await follow(ada, '#third%20room');
  await ada.element('lobby').waitFor();
  await bob.untilInCallWith();
  assert.equal(await ada.element('room').inputValue(), 'third room');
  await ada.join({});
  assert.equal(await ada.text('room-name'), 'third room');
  await ada.page.goBack();
  await ada.element('lobby').waitFor();
});

/**
 * @param {DemoPage} page
 * @param {string} what
 */
async function assertNoViolations(page, what) {
  assert.deepEqual(await violations(page), [], what);
}

/**
 * @param {DemoPage} page
 * @param {string} testId
 * @param {string} name
 */
async function assertToggles(page, testId, name) {
  const button = page.page.getByRole('button', { name, exact: true }).and(page.element(testId));
  for (const pressed of ['false', 'true']) {
    await until(`${name} is pressed: ${pressed}`, () => button.getAttribute('aria-pressed'), (is) => is === pressed);
    assert.equal(await page.text(testId), name);
    await button.click();
  }
  await until(`${name} is not pressed any more`, () => button.getAttribute('aria-pressed'), (is) => is === 'false');
}

/**
 * Writes down what is said from now on: one thing may be followed by the next before anybody looks. Sentences about what
 * happened within two seconds are said together.
 *
 * @param {DemoPage} page
 */
async function recordTold({ page }) {
  await page.evaluate(() => {
    const region = document.querySelector('[data-testid=announcements]');
    const told = region?.textContent ? [region.textContent] : [];
    Object.assign(window, { told });
    new MutationObserver(() => told.push(region?.textContent ?? '')).observe(/** @type {Node} */ (region), { childList: true, characterData: true, subtree: true });
  });
}

/**
 * @param {DemoPage} page
 * @param {RegExp} text
 */
async function untilTold({ page }, text) {
  const told = () => page.evaluate(() => /** @type {{ told?: string[] }} */ (/** @type {unknown} */ (window)).told ?? []);
  await until(`it is told ${text}`, told, (said) => said.some((one) => text.test(one)));
}

/**
 * @param {DemoPage} page
 * @param {string} hash
 */
async function follow({ page }, hash) {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, hash);
}
