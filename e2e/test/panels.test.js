/** What opens beside the call: chat, and how one is connected. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** @import { DemoPage } from '../support/demo_page.js' */

scenario('chat: messages arrive as they were written, are counted while nobody looks, and show which members they did not reach', async (world) => {
  const at = await world.gateway();
  const [ada, bob] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  await ada.say('<b>Hello</b>\nBob');
  await until('one message is unread', () => bob.text('unread'), (unread) => unread === '1');
  assert.equal(await bob.text('toast'), 'Ada: <b>Hello</b>\nBob');
  assert.equal(await bob.page.getByRole('button', { name: 'Chat 1 unread' }).count(), 1);
  await ada.say('안녕하세요');
  await until('two are', () => bob.text('unread'), (unread) => unread === '2');

  await bob.element('chat').click();
  assert.deepEqual(await messages(bob), ['Ada: <b>Hello</b>\nBob', 'Ada: 안녕하세요']);
  assert.equal(await bob.element('unread').isVisible(), false);
  assert.equal(await bob.element('chat-input').evaluate((field) => field === document.activeElement), true);
  await bob.page.keyboard.type('Hello Ada');
  await bob.page.keyboard.press('Shift+Enter');
  await bob.page.keyboard.type('!');
  await bob.page.keyboard.press('Enter');
  await until('the answer is there', () => messages(ada), (all) => all.at(-1) === 'Bob: Hello Ada\n!');
  assert.equal(await bob.element('chat-input').inputValue(), '');

  await bob.page.keyboard.press('Escape');
  assert.equal(await bob.element('chat-panel').isVisible(), false);
  assert.equal(await bob.element('chat').evaluate((button) => button === document.activeElement), true);
  assert.equal(await bob.element('chat').getAttribute('aria-expanded'), 'false');

  await ada.say('x'.repeat(66_000));
  await until('the error is told', () => ada.text('chat-error'));
  assert.equal((await ada.element('chat-input').inputValue()).length, 66_000, 'what was written is still there');

  await ada.say('Still there?');
  await until('it has arrived', () => messages(bob), (all) => all.at(-1) === 'Ada: Still there?');
  assert.equal(await ada.text('chat-error'), '');
  // From now on he confirms nothing.
  await bob.page.evaluate(() => {
    RTCDataChannel.prototype.send = () => {};
  });
  await ada.say('And now?');
  await until('Bob is named', () => lastNote(ada), (note) => note === 'Not received yet: Bob');
  await bob.element('leave').click();
  await until('he will not get it', () => lastNote(ada), (note) => note === 'Not received: Bob');
  assert.equal((await notes(ada)).filter(Boolean).length, 1, 'everything else was received');
  await ada.say('Anybody?');
  assert.equal(await lastNote(ada), 'Nobody else is in this call.');
  const measured = ada.heard.filter(({ type, re }) => type === 'pong' && re !== undefined);
  assert.deepEqual(measured, [], 'nothing is measured while nobody looks');
});

scenario('chat: what a page that is loaded again had not confirmed is sent again, once', async (world) => {
  const at = await world.gateway();
  const [ada, bob] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  await bob.page.evaluate(() => {
    RTCDataChannel.prototype.send = () => {};
  });
  await ada.say('Before');
  await until('it is there', () => messages(bob), (all) => all.length === 1);
  await bob.page.reload();
  await bob.untilInCallWith('Ada');
  await until('it is there again', () => messages(bob), (all) => all.join() === 'Ada: Before');
  await bob.say('After');
  await until('the page that was loaded again is heard', () => messages(ada), (all) => all.at(-1) === 'Bob: After');
  assert.deepEqual(await notes(ada), ['', '']);
});

scenario('connection: node, round trip, paths and signals; a killed gateway is one resume', async (world) => {
  const [first, second] = await world.cluster({ 'cluster.lease_ms': 2_000 });
  const [ada, bob] = await world.call(
    { at: await world.balancer(first, second), name: 'Ada' },
    { at: await world.balancer(second, first), name: 'Bob' },
  );
  const node = await bob.node();
  await bob.element('connection').click();
  assert.equal(await bob.text('connection-node'), node);
  await untilMeasured(bob);
  await until('the path is named', () => bob.text('peer-path'), (path) => /^direct \((host|srflx|prflx) → (host|srflx|prflx), udp\)$/.test(path));
  for (const testId of ['peer-sends', 'peer-receives']) {
    await until(`${testId} is a rate`, () => bob.text(testId), (rate) => /^[1-9][\d,]* kbit\/s$/.test(rate));
  }
  assert.equal(await bob.text('peer-state'), 'Connected');
  assert.equal(await bob.element('peer-report').getAttribute('data-peer'), await ada.peer());
  const kinds = await signals(bob);
  assert.ok(kinds.includes('in offer Ada') && kinds.includes('out answer Ada'), kinds.join('; '));
  assert.ok(kinds.length <= 50);

  await second.kill();
  await until('one resume is counted', () => bob.text('resumes'), (count) => count === '1');
  assert.equal(await bob.text('rejoins'), '0');
  await until('the other node is named', () => bob.text('connection-node'), async (is) => is === (await ada.node()));
  await untilMeasured(bob);
  await bob.element('connection-close').click();
  assert.equal(await bob.element('connection').evaluate((button) => button === document.activeElement), true);
});

/** @param {DemoPage} page */
function messages({ page }) {
  return page.locator('.message').evaluateAll((all) =>
    all.map((message) => ['.message-name', '.message-text'].map((part) => message.querySelector(part)?.textContent).join(': ')),
  );
}

/** @param {DemoPage} page */
function notes({ page }) {
  return page.getByTestId('chat-note').allTextContents();
}

/** @param {DemoPage} page */
async function lastNote(page) {
  return (await notes(page)).at(-1);
}

/** @param {DemoPage} page */
async function untilMeasured(page) {
  await until('a round trip is measured', () => page.text('round-trip'), (trip) => /^[\d.,]+ ms$/.test(trip));
}

/** Such as `in offer Ada`. @param {DemoPage} page */
function signals({ page }) {
  return page.getByTestId('signal').evaluateAll((rows) =>
    rows.map((row) => [row.getAttribute('data-direction'), row.children[2]?.textContent, row.children[3]?.textContent].join(' ')),
  );
}
