import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clearTimer, setTimer } from '../src/timers.js';
import { FakeClock, connected, fakePage, idle, nextSocket, welcomeBack } from './support.js';

/** A page, hidden or not, whose own timers are those of a clock that throttles. */
function page(context, { hidden }) {
  const clock = new FakeClock();
  clock.throttles = hidden;
  const { document } = fakePage(context);
  document.hidden = hidden;
  const { setTimeout, clearTimeout, MessageChannel } = globalThis;
  context.after(() => Object.assign(globalThis, { setTimeout, clearTimeout, MessageChannel }));
  Object.assign(globalThis, {
    setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
    MessageChannel: class {
      port1 = { close() {} };
      port2 = { postMessage: () => setImmediate(() => clock.begin(() => this.port1.onmessage())) };
    },
  });
  return clock;
}

/** When the timers of a chain ring. */
async function chain(clock, ms, set) {
  const rang = [];
  const ring = () => {
    rang.push(clock.now);
    set(ring, ms);
  };
  set(ring, ms);
  await clock.advance(10 * ms);
  return rang;
}

test('in a hidden page without messages timers ring when the browser lets them', async (context) => {
  const clock = page(context, { hidden: true });
  delete globalThis.MessageChannel;
  assert.deepEqual((await chain(clock, 2_000, setTimer))[0], 2_000);
});

test('in a hidden page a timer that was set by timers rings in time', async (context) => {
  const clock = page(context, { hidden: true });
  const expected = Array.from({ length: 10 }, (_, index) => 2_000 * (index + 1));
  assert.deepEqual(await chain(clock, 2_000, setTimer), expected);
});

test('one that is cleared does not ring, set already or not; one of no time waits for none', async (context) => {
  for (const hidden of [false, true]) {
    const clock = page(context, { hidden });
    const rang = [];
    const set = (name, ms) => setTimer(() => rang.push(name), ms);
    clearTimer(undefined);
    clearTimer(set('cleared at once', 100));
    const cleared = set('cleared later', 100);
    clearTimer(set('cleared at once, of no time', 0));
    set('of no time', 0);
    await idle();
    if (hidden) assert.deepEqual(rang, ['of no time']);
    clearTimer(cleared);
    set('kept', 100);
    await clock.advance(1_000);
    assert.deepEqual(rang, ['of no time', 'kept']);
    assert.deepEqual(clock.waits, []);
  }
});

test('a hidden page that heard nothing for long notices that its connection is lost in time to have its session back', async (context) => {
  const clock = page(context, { hidden: true });
  const { client, socket, states } = await connected({ clock, timers: { setTimeout: setTimer, clearTimeout: clearTimer } });
  const pings = () => socket.of('ping').length;
  for (let quiet = 0; quiet < 10; quiet++) {
    const before = pings();
    for (let waited = 0; pings() === before && waited < 120_000; waited += 1_000) await clock.advance(1_000);
    socket.say({ type: 'pong' });
  }
  const lostAt = clock.now;
  for (let waited = 0; client.state === 'open' && waited < 300_000; waited += 1_000) await clock.advance(1_000);
  assert.equal(states.at(-1).state, 'reconnecting');
  assert.ok(clock.now - lostAt <= 25_000, `after ${clock.now - lostAt} ms`);
  const second = await nextSocket({ clock });
  second.say(welcomeBack());
  assert.equal(client.state, 'open');
  client.close();
});

test('a page that was frozen looks whether it still has a connection', async (context) => {
  const { document } = fakePage(context);
  const { socket } = await connected();
  document.dispatchEvent(new Event('resume'));
  assert.equal(socket.of('ping').length, 1);
});
