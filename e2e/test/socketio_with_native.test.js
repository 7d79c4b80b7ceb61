/** Clients of Socket.IO and of the native protocol in one room, each in its own words. */
import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */

const OFFER = { type: 'offer', sdp: 'v=0\r\n' };
const ANSWER = { type: 'answer', sdp: 'v=0\r\n' };
const CANDIDATE = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };

/** Somebody who speaks the native protocol, in JSON, by hand. */
class Native {
  /** @type {any[]} */
  heard = [];
  #id = 0;

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.on('message', (data) => this.heard.push(JSON.parse(data.toString())));
  }

  /** @param {{ url: string }} at @param {string} name @param {string} room */
  static async inRoom(at, name, room) {
    const native = new Native(new WebSocket(`${at.url.replace('http', 'ws')}v1/connect`));
    await until('it is open', () => native.socket.readyState === WebSocket.OPEN);
    native.say({ type: 'hello', name });
    const { peer } = await native.hears('welcome');
    native.peer = peer;
    native.say({ type: 'join', room });
    await native.hears('joined');
    return native;
  }

  /** @param {object} message */
  say(message) {
    this.socket.send(JSON.stringify({ id: ++this.#id, ...message }));
  }

  /** @param {string} type */
  async hears(type) {
    await until(`${type} comes`, () => this.heard, (heard) => heard.some((message) => message.type === type));
    return this.heard.splice(this.heard.findIndex((message) => message.type === type), 1)[0];
  }

  /** What a signal said. */
  async signal() {
    const { kind, payload, from } = await this.hears('signal');
    return { kind, payload, from };
  }
}

/**
 * How a vocabulary enters a room, addresses, and says the three signals, and that there are no more candidates.
 *
 * @type {Record<string, { room: string, enter: (string | object)[], said: (to: string) => [string, object][], heard: (from: string, to: string) => [string, object][] }>}
 */
const VOCABULARIES = {
  rooms: {
    room: 'study',
    enter: ['join-room', 'study'],
    said: (target) => [
      ['offer', { target, offer: OFFER }],
      ['answer', { target, answer: ANSWER }],
      ['ice-candidate', { target, candidate: CANDIDATE }],
      ['ice-candidate', { target, candidate: null, sdpMid: '0', sdpMLineIndex: 0 }],
    ],
    heard: (from, target) => [
      ['offer', { target, offer: OFFER, from }],
      ['answer', { target, answer: ANSWER, from }],
      ['ice-candidate', { target, candidate: CANDIDATE, from }],
      ['ice-candidate', { target, candidate: null, from }],
    ],
  },
  'video rooms': {
    room: 'video:study',
    enter: ['video:join-room', { roomId: 'study' }],
    said: (to) => [
      ['video:offer', { to, offer: OFFER }],
      ['video:answer', { to, answer: ANSWER }],
      ['video:ice-candidate', { to, candidate: CANDIDATE }],
      ['video:ice-candidate', { to, candidate: null }],
    ],
    heard: (from) => [
      ['video:offer', { from, offer: OFFER }],
      ['video:answer', { from, answer: ANSWER }],
      ['video:ice-candidate', { from, candidate: CANDIDATE }],
      ['video:ice-candidate', { from, candidate: null }],
    ],
  },
  'calls by name': {
    room: 'lobby',
    enter: ['init', 'ada'],
    said: () => [
      ['connection_info', { remoteName: 'Nora', sdp: OFFER }],
      ['connection_info', { remoteName: 'Nora', sdp: ANSWER }],
      ['connection_info', { remoteName: 'Nora', candidate: CANDIDATE }],
      ['connection_info', { remoteName: 'Nora', type: 'candidate', candidate: null }],
    ],
    heard: () => [
      ['connection_info', { remoteName: 'ada', type: 'offer', sdp: OFFER }],
      ['connection_info', { remoteName: 'ada', type: 'answer', sdp: ANSWER }],
      ['connection_info', { remoteName: 'ada', type: 'candidate', candidate: CANDIDATE }],
      ['connection_info', { remoteName: 'ada', type: 'candidate', candidate: null }],
    ],
  },
};

for (const [vocabulary, { room, enter, said, heard }] of Object.entries(VOCABULARIES)) {
  scenario(`a client of the native protocol and one of ${vocabulary} understand each other`, async (world) => {
    const gateway = await world.gateway();
    const nora = await Native.inRoom(gateway, 'Nora', room);
    const ada = await world.socketIoIn(gateway);
    await ada.ask(.../** @type {[string, any]} */ (enter));
    assert.equal((await nora.hears('member-joined')).member.peer, ada.id);
    ada.rest();

    const neutral = [['offer', OFFER], ['answer', ANSWER], ['candidate', CANDIDATE], ['candidate', null]];
    for (const [index, [event, argument]] of said(nora.peer).entries()) {
      ada.emit(event, argument);
      const [kind, payload] = neutral[index];
      assert.deepEqual(await nora.signal(), { kind, payload, from: ada.id });
    }
    for (const [index, [event, argument]] of heard(nora.peer, ada.id).entries()) {
      const [kind, payload] = neutral[index];
      nora.say({ type: 'signal', room, to: ada.id, kind, payload });
      assert.deepEqual(await ada.hears(event), argument);
    }
    nora.say({ type: 'signal', room, to: ada.id, kind: 'chat', payload: { text: 'hello' } });
    const event = vocabulary === 'video rooms' ? 'video:signal' : 'signal';
    assert.deepEqual(await ada.hears(event), { from: nora.peer, kind: 'chat', payload: { text: 'hello' } });
    assert.deepEqual(ada.rest(), []);

    ada.end();
    assert.equal((await nora.hears('member-left')).peer, ada.id);
    nora.socket.close();
  });
}
