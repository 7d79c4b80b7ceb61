/** The SDK without a page: a program that takes part in rooms. */
import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { Client } from '../../clients/js/src/index.js';
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
