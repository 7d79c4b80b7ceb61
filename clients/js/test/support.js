/** A platform that stands still until the test moves it: a socket that it scripts, a clock that it turns. */
import assert from 'node:assert/strict';
import { Client } from '../src/index.js';
import { KeptSessions } from '../src/kept_session.js';

export class FakeClock {
  now = 0;
  /** Whether timers ring as in a page that Chromium knows to be hidden for long: once a second, in a long chain once a minute. */
  throttles = false;
  #timers = new Map();
  #lastTimer = 0;
  /** How many timers are in the chain of the one that rings. */
  #chain = 0;

  setTimeout(callback, ms) {
    const chain = this.#chain + 1;
    const stepMs = !this.throttles ? 1 : chain < 5 ? 1_000 : 60_000;
    this.#timers.set(++this.#lastTimer, { callback, chain, due: Math.ceil((this.now + ms) / stepMs) * stepMs });
    return this.#lastTimer;
  }

  /** Outside of any timer, as a message is. */
  begin(callback) {
    const chain = this.#chain;
    this.#chain = 0;
    callback();
    this.#chain = chain;
  }

  clearTimeout(timer) {
    this.#timers.delete(timer);
  }

  /** Milliseconds until each timer that runs, in order. */
  get waits() {
    return [...this.#timers.values()].map(({ due }) => due - this.now).sort((a, b) => a - b);
  }

  /** Lets time pass; timers ring at their moment, and what they start begins before the next one rings. */
  async advance(ms) {
    const end = this.now + ms;
    for (;;) {
      await idle();
      this.#chain = 0;
      const next = [...this.#timers].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due)[0];
      if (!next) break;
      const [timer, { callback, chain, due }] = next;
      this.#timers.delete(timer);
      this.now = Math.max(this.now, due);
      this.#chain = chain;
      callback();
    }
    this.now = end;
  }

  /** Suspends the page: timers that were due meanwhile ring late. */
  async sleep(ms) {
    this.now += ms;
    await this.advance(0);
  }
}

export class FakeSocket {
  /** Every socket since the last `reset`. */
  static all = [];
  static reset() {
    FakeSocket.all = [];
  }

  readyState = 0;
  sent = [];
  closed = false;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  send(text) {
    assert.equal(this.readyState, 1, 'a message is sent on an open socket only');
    this.sent.push(JSON.parse(text));
  }

  close() {
    if (this.readyState === 0) this.#fail();
    this.closed = true;
    this.readyState = 3;
  }

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  say(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The gateway or the network ends it. */
  drop(code = 1006, reason = '') {
    if (this.readyState === 0) this.#fail();
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** Of the package `ws` this would end the process. */
  #fail() {
    assert.ok(this.onerror, 'somebody listens to errors');
    this.onerror({ type: 'error' });
  }

  /** Messages of one type, or all. */
  of(type) {
    return this.sent.filter((message) => message.type === type);
  }

  last(type) {
    return this.of(type).at(-1);
  }
}

export const LIMITS = {
  in_flight: 1024,
  in_flight_bytes: 1_048_576,
  max_message_bytes: 262_144,
  signals_per_second: 100,
  burst: 400,
};

export const WINDOW_MS = 60_000;

/** Of a new session. */
export const welcome = (peer = 'me', limits = {}) => ({
  type: 'welcome',
  peer,
  user: `anon:${peer}`,
  node: 'gw-a',
  resume: { secret: `secret of ${peer}`, window_ms: WINDOW_MS },
  resumed: false,
  heartbeat_ms: 15_000,
  limits: { ...LIMITS, ...limits },
  ice_servers: [],
});

/** Of a session that goes on, with these rooms. */
export const welcomeBack = (rooms = [], limits = {}, secret = 'another secret') => ({
  ...welcome('me', limits),
  node: 'gw-b',
  resume: { secret, window_ms: WINDOW_MS },
  resumed: true,
  rooms,
});

/** Room `r` as a resume finds it. */
export const snapshot = (members, revision = 10) => ({ room: 'r', revision, capacity: 64, members });

export const member = (peer, order, state = {}) => ({
  peer,
  user: `anon:${peer}`,
  state,
  order,
  joined_at: 0,
  connection: 'live',
});

/** Until everything that was begun has been carried on as far as it can. */
export async function idle() {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}

/** A client on a fake platform, not connected yet. */
export function fakeClient({ storage, kept = new KeptSessions(storage), clock = new FakeClock(), timers = clock, ...options } = {}) {
  FakeSocket.reset();
  const platform = {
    WebSocket: 'WebSocket' in options ? options.WebSocket : FakeSocket,
    now: () => clock.now,
    setTimeout: (callback, ms) => timers.setTimeout(callback, ms),
    clearTimeout: (timer) => timers.clearTimeout(timer),
    random: () => 0.5,
    wallClock: () => 1_000_000 + clock.now,
    hidden: () => globalThis.document?.hidden ?? false,
    kept,
  };
  const client = new Client({ url: 'ws://gateway/v1/connect', platform, ...options });
  const states = [];
  client.on('state', (change) => states.push(change));
  return { client, clock, states };
}

/** The newest socket, once there are so many. */
export async function socketNumber(count) {
  await idle();
  assert.equal(FakeSocket.all.length, count, `sockets opened so far`);
  return FakeSocket.all[count - 1];
}

/** A client that is welcomed. */
export async function connected({ peer = 'me', limits = {}, ...options } = {}) {
  const fake = fakeClient(options);
  const opened = fake.client.connect();
  const socket = await socketNumber(1);
  socket.open();
  socket.say(welcome(peer, limits));
  await opened;
  return { ...fake, socket };
}

/** The socket after one that was lost, open, before it is welcomed. */
export async function nextSocket({ clock }, count = 2) {
  for (let waited = 0; FakeSocket.all.length < count && waited < 30_000; waited += 50) await clock.advance(50);
  const socket = await socketNumber(count);
  socket.open();
  return socket;
}

/** What a page's `sessionStorage` does. */
export class FakeStorage {
  #items = new Map();
  quota = Infinity;

  get length() {
    return this.#items.size;
  }
  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  removeItem(key) {
    this.#items.delete(key);
  }
  setItem(key, value) {
    if (value.length > this.quota) throw new Error('QuotaExceededError');
    this.#items.set(key, value);
  }
}

/** A page around the client, until the test is over. */
export function fakePage(context) {
  const page = { window: new EventTarget(), document: Object.assign(new EventTarget(), { hidden: false }) };
  Object.assign(globalThis, page);
  context.after(() => {
    for (const name of Object.keys(page)) delete globalThis[name];
  });
  const fire = (type, fields = {}) => page.window.dispatchEvent(Object.assign(new Event(type), fields));
  return { ...page, fire };
}

/** @returns {() => number} how many listeners a page from {@link fakePage} has now */
export function countListeners(page) {
  const listeners = new Set();
  for (const target of [page.window, page.document]) {
    const add = target.addEventListener.bind(target);
    const remove = target.removeEventListener.bind(target);
    target.addEventListener = (type, listener, options) => {
      listeners.add(listener);
      options?.signal?.addEventListener('abort', () => listeners.delete(listener));
      add(type, listener, options);
    };
    target.removeEventListener = (type, listener) => {
      listeners.delete(listener);
      remove(type, listener);
    };
  }
  return () => listeners.size;
}

/** A client in a room with others, to whose signals somebody listens. */
export async function joined({ members = ['other'], state = {}, listens = true, ...options } = {}) {
  const fake = await connected(options);
  const entering = fake.client.join('r', { state });
  const { id } = fake.socket.last('join');
  const list = [...members.map((peer, index) => member(peer, index + 1)), member('me', members.length + 1, state)];
  fake.socket.say({ type: 'joined', re: id, room: 'r', revision: 10, capacity: 64, members: list });
  const room = await entering;
  if (listens) room.on('signal', () => {});
  return { ...fake, room };
}
