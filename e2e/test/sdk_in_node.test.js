/** The SDK without a page: a program that takes part in rooms. */
import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { Client } from '../../clients/js/src/index.js';
import { freePort } from '../support/free_port.js';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

scenario('in Node.js it connects with the WebSocket of the package ws', async (world) => {
  const gateway = await world.gateway();
  const url = `${gateway.url.replace('http', 'ws')}v1/connect`;
  const [ada, bot] = ['Ada', 'Bot'].map((name) => new Client({ url, name, platform: { WebSocket } }));
  try {
    const rooms = [];
    for (const client of [ada, bot]) {
      await client.connect();
      rooms.push(await client.join('study-1'));
    }
    const [hers, its] = rooms;
    const heard = new Promise((resolve) => its.on('signal', ({ from, payload }) => resolve([from, payload])));
    assert.deepEqual(await hers.broadcast('chat', 'hello'), [{ peer: bot.peer, delivered: true }]);
    assert.deepEqual(await heard, [ada.peer, 'hello']);
    bot.close();
    await until('the bot has left', () => hers.others.length === 0);
  } finally {
    for (const client of [ada, bot]) client.close();
  }
});

scenario('in Node.js a gateway that is not there, and a client that is closed while it connects, end nothing but the attempt', async (world) => {
  const away = new Client({ url: `ws://127.0.0.1:${await freePort()}/v1/connect`, platform: { WebSocket } });
  try {
    const reconnecting = new Promise((resolve) => away.on('state', ({ state, advice }) => state === 'reconnecting' && resolve(advice.why)));
    const connecting = away.connect();
    assert.equal(await reconnecting, 'connection-lost');
    away.close();
    await assert.rejects(connecting, { code: 'bye' });
  } finally {
    away.close();
  }

  const gateway = await world.gateway();
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    const Closed = class extends WebSocket {
      /** @param {string} url @param {string[]} protocols */
      constructor(url, protocols) {
        super(url, protocols);
        this.once('close', () => resolve());
        queueMicrotask(() => client.close());
      }
    };
    const client = new Client({ url: `${gateway.url.replace('http', 'ws')}v1/connect`, platform: { WebSocket: Closed } });
    client.connect().catch(() => {});
  });
  await ended;
});
