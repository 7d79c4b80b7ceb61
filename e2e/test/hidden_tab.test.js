/** A tab that nobody looks at, as most tabs are: its timers ring once a minute. */
import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { Client } from '../../clients/js/src/index.js';
import { HiddenTab } from '../support/hidden_tab.js';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

Object.assign(globalThis, { WebSocket }); // Node has its own from version 22 on

/** Far below the minute of a throttled timer, far above what a loaded machine takes. */
const SOON_MS = 10_000;

/** As the gateway is told: a quiet tab looks that often whether it still has a connection, and gives it up 5 s later. */
const HEARTBEAT_MS = 2_000;
const HEARTBEATS = 3;
/** That, and the second that a hidden tab's timers may be late; thrice, for a loaded machine. A throttled one takes minutes. */
const NOTICED_MS = 3 * (HEARTBEAT_MS + 5_000 + 1_000);

scenario('a hidden tab confirms what it hears at once, keeps nobody waiting, and notices by itself that its connection is lost', async (world) => {
  const gateway = await world.gateway({ 'session.heartbeat_ms': HEARTBEAT_MS });
  const balancer = await world.balancer(gateway);
  const connectUrl = new URL('/v1/connect', gateway.url.replace('http', 'ws')).href;
  const throughBalancer = new URL('/v1/connect', balancer.url.replace('http', 'ws')).href;
  const tab = await HiddenTab.open();
  const senders = [1, 2].map(() => new Client({ url: connectUrl }));
  try {
    const hidden = await tab.evaluate(`(async () => {
      const { Client } = await import('/sdk/index.js');
      const { send } = WebSocket.prototype;
      window.pings = 0;
      WebSocket.prototype.send = function (text) {
        if (JSON.parse(text).type === 'ping') pings++;
        send.call(this, text);
      };
      window.client = new Client({ url: ${JSON.stringify(throughBalancer)} });
      await client.connect();
      window.room = await client.join('studio');
      window.heard = 0;
      room.on('signal', () => heard++);
      return client.peer;
    })()`);
    const [ada, bob] = await Promise.all(senders.map(async (client) => {
      await client.connect();
      return client.join('studio');
    }));
    let heardByBob = 0;
    bob.on('signal', () => void heardByBob++);
    await tab.hide();

    const begun = performance.now();
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all([1, 2, 3].map((n) => ada.signal(hidden, 'x', n)));
      assert.ok(outcomes.every(({ delivered }) => delivered));
      const everyone = await ada.broadcast('x', round);
      assert.ok(everyone.length === 2 && everyone.every(({ delivered }) => delivered));
    }
    assert.ok(performance.now() - begun < SOON_MS, 'no receipt waited for a timer');
    assert.equal(await tab.evaluate('heard'), 80);
    assert.equal(heardByBob, 20);
    assert.ok(await tab.evaluate('document.hidden'));

    // More than the rate allows at once: the rest waits for the gateway's answers, not for a timer.
    const sentAt = performance.now();
    await tab.evaluate(`Promise.all(Array.from({ length: 400 }, (_, n) => room.signal(${JSON.stringify(bob.me?.peer)}, 'x', n))).then(() => {})`);
    assert.ok(performance.now() - sentAt < SOON_MS, 'no signal waited for a timer');
    await until('Bob has heard them all', () => heardByBob, (count) => count === 420);

    // Each heartbeat is a timer that was set by the one before: browsers keep a chain of five for the minute.
    await tab.evaluate('pings = 0');
    await until('heartbeats have gone out', () => tab.evaluate('pings'), (pings) => pings > HEARTBEATS, 3 * 60_000);
    const lostAt = performance.now();
    balancer.breakDown();
    await until('the tab knows', () => tab.evaluate('client.state'), (state) => state === 'reconnecting', 3 * 60_000);
    assert.ok(performance.now() - lostAt < NOTICED_MS, 'its heartbeat was not kept for the minute');
    balancer.mend();
    await until('the tab is back as who it was', () => tab.evaluate('client.state === "open" && client.peer'), (peer) => peer === hidden);
    assert.ok(await tab.evaluate('document.hidden && room.joined'));
  } finally {
    for (const client of senders) client.close();
    await tab.close();
  }
});
