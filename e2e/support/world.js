import { inspect } from 'node:util';
import { Balancer } from './balancer.js';
import { launchBrowser } from './browser.js';
import { Certificates } from './certificates.js';
import { Coturn } from './coturn.js';
import { DemoPage } from './demo_page.js';
import { Gateway } from './gateway.js';
import { Redis } from './redis.js';
import { SocketIoClient } from './socketio.js';

/** @import { Browser, BrowserContextOptions } from 'playwright-core' */

const LOG_LINES_SHOWN = 15;

/** One for all worlds of a process; each person in it has a profile of his own. @type {Promise<Browser> | undefined} */
let browser;

export async function closeBrowser() {
  await (await browser)?.close();
}

/** Gateways, Redis servers and people with browsers, and the end of them all. */
export class World {
  /** @type {Redis[]} */
  #redis = [];
  /** @type {Coturn[]} */
  #coturns = [];
  /** @type {Certificates[]} */
  #certificates = [];
  /** @type {Gateway[]} */
  #gateways = [];
  /** @type {Balancer[]} */
  #balancers = [];
  /** @type {DemoPage[]} */
  #pages = [];
  /** @type {SocketIoClient[]} */
  #socketIo = [];

  async redis() {
    const redis = await Redis.start();
    this.#redis.push(redis);
    return redis;
  }

  async coturn() {
    const coturn = await Coturn.start();
    this.#coturns.push(coturn);
    return coturn;
  }

  /** For gateways that speak TLS. @param {...string} names of pairs; the first is the one to serve */
  async certificates(...names) {
    const certificates = await Certificates.make(...names);
    this.#certificates.push(certificates);
    return certificates;
  }

  /** @param {Record<string, string | number>} [settings] as for `--set` */
  async gateway(settings) {
    const gateway = await Gateway.start(settings);
    this.#gateways.push(gateway);
    return gateway;
  }

  /**
   * Two nodes of one cluster.
   *
   * @param {Record<string, string | number>} [settings] of both
   */
  async cluster(settings) {
    const { url } = await this.redis();
    const start = () => this.gateway({ 'redis.url': url, ...settings });
    return Promise.all([start(), start()]);
  }

  /** In front of some gateways. @param {...Gateway} gateways the one to prefer first */
  async balancer(...gateways) {
    const balancer = await Balancer.start(gateways);
    this.#balancers.push(balancer);
    return balancer;
  }

  /** Somebody with a browser. @param {BrowserContextOptions} [options] */
  async person(options) {
    browser ??= launchBrowser();
    const page = await DemoPage.open(await browser, options);
    this.#pages.push(page);
    return page;
  }

  /**
   * A client of Socket.IO, on its way in.
   *
   * @param {{ url: string }} at
   * @param {Parameters<typeof SocketIoClient.connect>[1]} [options] of the library
   */
  socketIo({ url }, options) {
    const client = SocketIoClient.connect(url, options);
    this.#socketIo.push(client);
    return client;
  }

  /** The same, once it is connected. @param {Parameters<World['socketIo']>} args */
  async socketIoIn(...args) {
    const client = this.socketIo(...args);
    await client.untilIn();
    return client;
  }

  /**
   * People who talk to each other, all with all. They join in this order: in each pair the earlier one is the impolite.
   *
   * @param {...{ at: { url: string }, name: string, room?: string, options?: BrowserContextOptions }} people
   * @returns {Promise<DemoPage[]>} in the same order
   */
  async call(...people) {
    const pages = await Promise.all(people.map(({ options }) => this.person(options)));
    await Promise.all(people.map(({ at }, index) => pages[index].visit(at.url)));
    for (const [index, { name, room = 'studio' }] of people.entries()) await pages[index].join({ name, room });
    const names = people.map(({ name }) => name);
    await Promise.all(pages.map((page, index) => page.untilInCallWith(...names.toSpliced(index, 1))));
    return pages;
  }

  complaints() {
    return this.#pages.flatMap((page) => page.complaints);
  }

  async describe() {
    const pages = await Promise.all(this.#pages.map((page) => page.describe()));
    const logs = this.#gateways.map(({ url, log }) => `${url} logged:\n${log.trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n')}`);
    const sockets = this.#socketIo.map(({ heard, refusals }) => `a Socket.IO client heard ${inspect({ heard, refusals }, { depth: 5 })}`);
    return [...pages, ...sockets, ...logs].join('\n\n');
  }

  async end() {
    await Promise.allSettled(this.#pages.map((page) => page.close()));
    for (const client of this.#socketIo) client.end();
    for (const balancer of this.#balancers) balancer.stop();
    await Promise.allSettled([...this.#gateways.map((gateway) => gateway.kill()), ...this.#redis.map((redis) => redis.stop()), ...this.#coturns.map((coturn) => coturn.stop()), ...this.#certificates.map((these) => these.remove())]);
  }
}
