/**
 * Pages that are not ours: each speaks one dialect with its own library, and makes a data channel with the one that it is told
 * to. What is in `inPage` runs there.
 */
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

/** @import { Page } from 'playwright-core' */
/** @typedef {'native' | 'socketio' | 'stomp' | 'mdn'} Dialect */

const file = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
/** The library of each dialect that has one. @type {Partial<Record<Dialect, string>>} */
const LIBRARIES = {
  socketio: file('../node_modules/socket.io-client/dist/socket.io.min.js'),
  stomp: file('../node_modules/@stomp/stompjs/bundles/stomp.umd.min.js'),
};

export class Party {
  #page;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  /**
   * Somebody in a room.
   *
   * @param {Page} page which has to bypass the content security policy: it stands in for a page of another origin
   * @param {{ url: string }} gateway
   * @param {Dialect} dialect
   * @param {string} room or, for those who call by name, under which one
   */
  static async in(page, gateway, dialect, room) {
    await page.goto(gateway.url);
    const library = LIBRARIES[dialect];
    if (library) await page.addScriptTag({ path: library });
    await page.evaluate(inPage);
    await page.evaluate(([dialect, room]) => /** @type {any} */ (window).party.enter(dialect, room), [dialect, room]);
    return new Party(page);
  }

  /** Its peer id, or its name. @returns {Promise<string>} */
  id() {
    return this.#page.evaluate(() => /** @type {any} */ (window).party.id);
  }

  /** Offers a connection. @param {Party} other */
  async call(other) {
    await this.#page.evaluate((id) => /** @type {any} */ (window).party.call(id), await other.id());
  }

  /** Waits until it is connected with them, and has heard something from each. @param {...Party} others */
  async untilConnectedWith(...others) {
    const wanted = await Promise.all(others.map((other) => other.id()));
    const heardFrom = () => this.#page.evaluate(() => /** @type {any} */ (window).party.heardFrom());
    await until('a data channel with everybody', heardFrom, (ids) => wanted.every((id) => ids.includes(id)));
  }
}

function inPage() {
  const page = /** @type {any} */ (window);
  /** @type {Map<string, RTCPeerConnection>} */
  const connections = new Map();
  /** @type {Set<string>} */
  const heard = new Set();
  /** What to do one after another with what one peer says. @type {Map<string, Promise<void>>} */
  const turns = new Map();
  /** @type {(to: string, kind: 'offer' | 'answer' | 'candidate', payload: any) => void} */
  let say = () => {};

  /** @param {string} id */
  function connectionWith(id) {
    const known = connections.get(id);
    if (known) return known;
    const connection = new RTCPeerConnection();
    connections.set(id, connection);
    connection.onicecandidate = ({ candidate }) => candidate && say(id, 'candidate', candidate.toJSON());
    connection.ondatachannel = ({ channel }) => talk(id, channel);
    return connection;
  }

  /** @param {string} id @param {RTCDataChannel} channel */
  function talk(id, channel) {
    channel.onmessage = () => heard.add(id);
    channel.onopen = () => channel.send('hello');
    if (channel.readyState === 'open') channel.send('hello');
  }

  /** @param {string} id @param {string} kind @param {any} payload */
  async function take(id, kind, payload) {
    if (kind === 'offer') {
      const connection = connectionWith(id);
      await connection.setRemoteDescription(payload);
      await connection.setLocalDescription();
      say(id, 'answer', connection.localDescription?.toJSON());
      return;
    }
    // A STOMP client says everything to all: what is not for this page finds no offer of its own.
    const connection = connections.get(id);
    if (kind === 'answer' && connection?.signalingState === 'have-local-offer') await connection.setRemoteDescription(payload);
    if (kind === 'candidate' && connection?.remoteDescription) await connection.addIceCandidate(payload).catch(() => {});
  }

  /** @param {string} id @param {string} kind @param {any} payload */
  function hear(id, kind, payload) {
    turns.set(id, (turns.get(id) ?? Promise.resolve()).then(() => take(id, kind, payload)));
  }

  const dialects = {
    /** @param {string} room */
    native(room) {
      const socket = new WebSocket(`ws://${location.host}/v1/connect`);
      let id = 2;
      const send = (/** @type {object} */ message) => socket.send(JSON.stringify(message));
      say = (to, kind, payload) => send({ type: 'signal', id: ++id, room, to, kind, payload });
      socket.onopen = () => send({ type: 'hello' });
      return new Promise((entered) => {
        socket.onmessage = ({ data }) => {
          const message = JSON.parse(data);
          if (message.type === 'welcome') page.party.id = message.peer;
          if (message.type === 'welcome') send({ type: 'join', id: 1, room });
          if (message.type === 'joined') entered(undefined);
          if (message.type === 'signal') hear(message.from, message.kind, message.payload);
        };
      });
    },

    /** @param {string} room */
    async socketio(room) {
      const socket = page.io();
      const events = { offer: 'offer', answer: 'answer', candidate: 'ice-candidate' };
      say = (target, kind, payload) => socket.emit(events[kind], { target, [kind]: payload });
      for (const [kind, event] of Object.entries(events)) {
        socket.on(event, (/** @type {any} */ said) => hear(said.from, kind, said[kind]));
      }
      const { success, error } = await socket.emitWithAck('join-room', room);
      if (!success) throw new Error(error);
      page.party.id = socket.id;
    },

    /** @param {string} name */
    mdn(name) {
      const socket = new WebSocket(`ws://${location.host}/`, 'json');
      const words = { offer: 'video-offer', answer: 'video-answer', candidate: 'new-ice-candidate' };
      const send = (/** @type {object} */ message) => socket.send(JSON.stringify(message));
      say = (target, kind, payload) => {
        const what = kind === 'candidate' ? { candidate: payload } : { sdp: payload };
        send({ type: words[kind], name, target, ...what });
      };
      return new Promise((entered) => {
        socket.onmessage = ({ data }) => {
          const message = JSON.parse(data);
          if (message.type === 'id') send({ type: 'username', name, id: message.id, date: Date.now() });
          if (message.type === 'userlist') {
            page.party.id = name;
            entered(undefined);
          }
          const known = Object.entries(words).find(([, word]) => word === message.type);
          if (known) hear(message.name, known[0], message.sdp ?? message.candidate);
        };
      });
    },

    /** @param {string} room */
    stomp(room) {
      const client = new page.StompJs.Client({ brokerURL: `ws://${location.host}/ws` });
      const publish = (/** @type {string} */ what, /** @type {object} */ body) =>
        client.publish({ destination: `/app/rooms/${room}/${what}`, body: JSON.stringify(body) });
      say = (_to, kind, payload) => {
        const type = kind.toUpperCase();
        publish('signal', kind === 'candidate' ? { type, candidate: payload } : { type, sdp: payload.sdp });
      };
      return new Promise((entered) => {
        client.onConnect = () => {
          client.subscribe('/user/queue/me', (/** @type {any} */ { body }) => {
            page.party.id = JSON.parse(body).sid;
            entered(undefined);
          });
          client.subscribe(`/topic/rooms/${room}/signal`, (/** @type {any} */ { body }) => {
            const { type, sid, sdp, candidate } = JSON.parse(body);
            const kind = type.toLowerCase();
            if (sid === page.party.id || !['offer', 'answer', 'candidate'].includes(kind)) return;
            hear(sid, kind, kind === 'candidate' ? candidate : { type: kind, sdp });
          });
          publish('join', {});
        };
        client.activate();
      });
    },
  };

  page.party = {
    id: '',
    /** @param {Dialect} dialect @param {string} room */
    enter: (dialect, room) => dialects[dialect](room),
    /** @param {string} id */
    async call(id) {
      const connection = connectionWith(id);
      talk(id, connection.createDataChannel('talk'));
      await connection.setLocalDescription();
      say(id, 'offer', connection.localDescription?.toJSON());
    },
    heardFrom: () => [...heard],
  };
}
