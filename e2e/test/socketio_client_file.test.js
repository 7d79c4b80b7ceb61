/** `/socket.io/socket.io.js`, from which the tutorials' pages load the library. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { scenario } from '../support/scenario.js';

const FILE = fileURLToPath(new URL('../node_modules/socket.io-client/dist/socket.io.min.js', import.meta.url));

scenario('the library’s file is served where the gateway was told of it', async (world) => {
  const gateway = await world.gateway({ 'socketio.client_file': FILE });
  const answer = await fetch(`${gateway.url}socket.io/socket.io.js`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/javascript/);
  assert.equal(await answer.text(), await readFile(FILE, 'utf8'));
});

scenario('where it was not told, it says what to do', async (world) => {
  const gateway = await world.gateway();
  const answer = await fetch(`${gateway.url}socket.io/socket.io.js`);
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /set `socketio.client_file`/);
});
