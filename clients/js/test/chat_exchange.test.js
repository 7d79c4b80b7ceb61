import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ChatExchange } from '../demo/chat_exchange.js';
import { Emitter } from '../src/emitter.js';

const CHAT = 'switchboard-demo.chat';
const RECEIPT = `${CHAT}-received`;

/** What of a call the chat uses. Data for each other stays where it is until the test passes it on. */
class FakeCall extends Emitter {
  tiles = [];
  /** @type {{ peer: string, topic: string, data: string }[]} */
  sent = [];
  full = new Set();

  add(peer) {
    const tile = { member: { peer, name: peer.toUpperCase() }, peerConnection: {} };
    this.tiles.push(tile);
    this.emit('tile-added', tile);
    return tile;
  }
  remove(peer) {
    const [tile] = this.tiles.splice(this.tiles.findIndex(({ member }) => member.peer === peer), 1);
    this.emit('tile-removed', tile);
  }
  publishData(data, { topic, to }) {
    const peers = this.tiles.map(({ member }) => member.peer).filter((peer) => !this.full.has(peer) && (to ?? peer) === peer);
    this.sent.push(...peers.map((peer) => ({ peer, topic, data })));
    return peers;
  }
  hear(peer, topic, data) {
    const { member } = this.tiles.find((tile) => tile.member.peer === peer);
    this.emit('data-received', { member, topic, data: typeof data === 'string' ? data : JSON.stringify(data) });
  }
}

let call;
let chat;
let heard;
let receipts;

beforeEach(() => {
  call = new FakeCall();
  heard = [];
  receipts = [];
  call.add('a');
  call.add('b');
  chat = new ChatExchange(call, {
    onMessage: ({ peer }, text) => heard.push(`${peer}: ${text}`),
    onReceipt: ({ waiting, missed }) => receipts.push(`waiting ${[...waiting.keys()]}, missed ${missed.map(({ peer }) => peer)}`),
  });
});

const idOf = ({ data }) => JSON.parse(data).id;

test('a message waits for each receiver; who leaves, or could not be sent it, misses it', () => {
  call.full.add('b');
  const { waiting, missed } = chat.send('hello');
  assert.deepEqual([[...waiting.keys()], missed.map(({ peer }) => peer)], [['a'], ['b']]);
  call.full.clear();
  chat.send('again');
  const id = idOf(call.sent.at(-1));
  call.hear('a', RECEIPT, { id });
  call.hear('a', RECEIPT, { id });
  call.remove('b');
  call.hear('a', RECEIPT, { id: id - 1 });
  assert.deepEqual(receipts, ['waiting b, missed ', 'waiting , missed b', 'waiting , missed b']);
});

test('what is shown is confirmed to its sender, and what comes again is confirmed, not shown', () => {
  call.hear('a', CHAT, { id: 7, text: 'hello' });
  call.hear('a', CHAT, { id: 7, text: 'hello' });
  call.hear('b', CHAT, { id: 7, text: 'hello' });
  call.hear('a', CHAT, { id: 8, text: 'there' });
  assert.deepEqual(heard, ['a: hello', 'b: hello', 'a: there']);
  assert.deepEqual(call.sent.map(({ peer, topic, data }) => [peer, topic, data]), [
    ['a', RECEIPT, '{"id":7}'],
    ['a', RECEIPT, '{"id":7}'],
    ['b', RECEIPT, '{"id":7}'],
    ['a', RECEIPT, '{"id":8}'],
  ]);
});

test('who has another RTCPeerConnection is sent again what it has not confirmed', () => {
  chat.send('one');
  chat.send('two');
  call.hear('a', RECEIPT, { id: idOf(call.sent[0]) });
  call.sent = [];
  const [tile] = call.tiles;
  call.emit('tile-changed', tile); // muted, or the like
  assert.deepEqual(call.sent, []);
  tile.peerConnection = {};
  call.emit('tile-changed', tile);
  assert.deepEqual(call.sent.map(({ peer, data }) => [peer, JSON.parse(data).text]), [['a', 'two']]);
});

test('whatever else comes is not looked at, and nothing is after the end', () => {
  for (const data of ['', 'hello', 'null', '[]', '7', '{"id":"1","text":"x"}', '{"id":1,"text":{}}']) call.hear('a', CHAT, data);
  call.hear('a', RECEIPT, 'null');
  call.hear('a', 'another topic', { id: 1, text: 'x' });
  chat.stop();
  call.hear('a', CHAT, { id: 1, text: 'x' });
  assert.deepEqual([heard, call.sent, receipts], [[], [], []]);
});
