/** The SDK's `Client` where something is wrong: what it is told, its token, the page around it. */
import assert from 'node:assert/strict';
import { personOnBarePage } from '../support/bare_page.js';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

const SECRET = 'a secret only for the tests, long enough for HS256';

scenario('a client that cannot connect says why at once, and leaves nothing behind', async (world) => {
  const ada = await personOnBarePage(world, await world.gateway());
  const seen = await ada.page.evaluate(async () => {
    const { sdk, gateway } = /** @type {any} */ (window);
    let [listeners, sockets] = [0, 0];
    for (const target of [window, document]) {
      const add = target.addEventListener.bind(target);
      target.addEventListener = (/** @type {string} */ type, /** @type {any} */ listener, /** @type {any} */ options) => {
        listeners++;
        options?.signal?.addEventListener('abort', () => listeners--);
        add(type, listener, options);
      };
    }
    window.WebSocket = class extends WebSocket {
      /** @param {[string, string[]]} args */
      constructor(...args) {
        super(...args);
        sockets++;
      }
    };
    const refusals = [];
    const refused = async (/** @type {object} */ options) => {
      const client = new sdk.Client({ url: gateway, ...options });
      const [connect, join] = [client.connect(), client.join('studio')];
      const later = () => client.join('studio'); // that is closed by now
      const errors = [];
      for (const settles of [() => connect, () => join, later]) {
        const error = await settles().then(() => ({}), (/** @type {any} */ error) => error);
        errors.push(error.code);
        if (errors.length === 1) refusals.push(error.message);
      }
      return [...errors, client.state, listeners];
    };
    const told = {
      badUrl: await refused({ url: 'ftp://nowhere' }),
      longName: await refused({ name: 'x'.repeat(300) }),
    };
    const client = new sdk.Client({ url: gateway });
    await client.connect();
    const whileOpen = listeners;
    client.close();
    const closed = await client.join('studio').catch((/** @type {any} */ { code }) => code);
    dispatchEvent(new Event('online'));
    return { ...told, refusals, whileOpen, closed: [closed, client.state, listeners], sockets };
  });
  assert.deepEqual(seen.badUrl, ['bad-url', 'bad-url', 'bad-url', 'closed', 0]);
  assert.deepEqual(seen.longName, ['too-large', 'too-large', 'too-large', 'closed', 0]);
  assert.match(seen.refusals[0], /^No connection to ftp:\/\/nowhere can be opened /);
  assert.match(seen.refusals[1], /name/);
  assert.ok(seen.whileOpen > 0);
  assert.deepEqual(seen.closed, ['bye', 'closed', 0]);
  assert.equal(seen.sockets, 2, 'nothing was tried again');
});

scenario('a token that never comes is given up, and connect() does not wait for the back-off', async (world) => {
  const gateway = await world.gateway();
  const balancer = await world.balancer(gateway);
  const ada = await personOnBarePage(world, balancer);
  await ada.page.clock.install();
  await ada.page.evaluate(() => {
    const { sdk, gateway } = /** @type {any} */ (window);
    const own = { asked: 0, whys: /** @type {string[]} */ ([]), waits: /** @type {number[]} */ ([]) };
    const getToken = () => (own.asked++ === 0 ? new Promise(() => {}) : undefined);
    // Each wait would be an hour.
    const client = new sdk.Client({ url: gateway, getToken, platform: { random: () => 7_200 } });
    client.on('state', (/** @type {any} */ { advice, retryInMs }) => {
      if (advice) own.whys.push(advice.why);
      if (retryInMs !== undefined) own.waits.push(retryInMs);
    });
    Object.assign(window, { own, client, opened: client.connect() });
  });
  const own = () => ada.page.evaluate(() => /** @type {any} */ (window).own);
  assert.deepEqual((await own()).whys, []);
  await ada.page.clock.fastForward(15_000);
  await until('the token is given up', own, ({ whys }) => whys.join() === 'no-token');
  assert.ok((await own()).waits[0] >= 3_600_000);
  const peer = await ada.page.evaluate(async () => {
    const { client, opened } = /** @type {any} */ (window);
    await client.connect();
    return (await opened).peer;
  });
  assert.equal(peer.length, 20);
  assert.equal((await own()).asked, 2);
});

scenario('another user after a reload begins a session of his own, at once', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const page = await personOnBarePage(world, gateway);
  const signIn = (/** @type {string} */ token) =>
    page.page.evaluate(async (token) => {
      const { loading } = /** @type {any} */ (window);
      const { Client } = (await loading).sdk;
      const client = new Client({ url: /** @type {any} */ (window).gateway, token });
      const { user, resumed } = await client.connect();
      await client.join('studio');
      return { user, resumed, kept: client.keptRooms.length };
    }, token);
  const [ada, bob] = await Promise.all(['ada', 'bob'].map((user) => gateway.mint('--user', user)));
  assert.deepEqual(await signIn(ada), { user: 'ada', resumed: false, kept: 0 });
  await page.page.reload();
  assert.deepEqual(await signIn(ada), { user: 'ada', resumed: true, kept: 1 });
  await page.page.reload();
  assert.deepEqual(await signIn(bob), { user: 'bob', resumed: false, kept: 1 });
});

scenario('after a reload signals of other rooms do not wait for the one that nobody has joined yet', async (world) => {
  const gateway = await world.gateway();
  const [ada, bob] = [await personOnBarePage(world, gateway), await personOnBarePage(world, gateway)];
  const meet = (/** @type {typeof ada} */ { page }, /** @type {string[]} */ ...rooms) =>
    page.evaluate(async (rooms) => {
      const { loading } = /** @type {any} */ (window);
      const { Client } = (await loading).sdk;
      const client = new Client({ url: /** @type {any} */ (window).gateway });
      const heard = /** @type {string[]} */ ([]);
      Object.assign(window, { client, heard });
      await client.connect();
      for (const name of rooms) {
        const room = await client.join(name);
        room.on('signal', (/** @type {any} */ { payload }) => heard.push(payload));
      }
      return client.peer;
    }, rooms);
  const peer = await meet(ada, 'studio', 'office');
  await meet(bob, 'studio', 'office');
  await ada.page.reload();
  assert.equal(await meet(ada, 'office'), peer);
  const outcome = await bob.page.evaluate(async (peer) => {
    const { client } = /** @type {any} */ (window);
    const { delivered } = await client.signal('office', peer, 'chat', 'hello').then((/** @type {any} */ [outcome]) => outcome);
    const studio = await client.join('studio');
    return { delivered, isStillInStudio: studio.members.has(peer) };
  }, peer);
  assert.deepEqual(outcome, { delivered: true, isStillInStudio: true });
  assert.deepEqual(await ada.page.evaluate(() => /** @type {any} */ (window).heard), ['hello']);
});
