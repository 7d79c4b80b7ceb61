import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** @import { Server, Socket } from 'node:net' */
/** @import { Gateway } from './gateway.js' */

/**
 * What stands between a person and the gateways: a load balancer without memory, and the network. A new connection goes
 * to the first gateway that is ready; one that was made stays where it is.
 */
export class Balancer {
  #server;
  #gateways;
  /** @type {Set<Socket>} both sides of every connection */
  #sockets = new Set();
  #broken = false;

  /**
   * @param {Server} server
   * @param {Gateway[]} gateways
   */
  constructor(server, gateways) {
    this.#server = server;
    this.#gateways = gateways;
    server.on('connection', (socket) => this.#connect(socket));
  }

  /** @param {Gateway[]} gateways the one to prefer first */
  static async start(gateways) {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Balancer(server, gateways);
  }

  /** Where its gateways' demo page is. */
  get url() {
    return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (this.#server.address()).port}/`;
  }

  /** Other gateways, for new connections. @param {...Gateway} gateways the one to prefer first */
  use(...gateways) {
    this.#gateways = gateways;
  }

  /** From now on nothing comes through, and nobody is told: a cable pulled out, or a phone that leaves its Wi-Fi. */
  breakDown() {
    this.#broken = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections come through again. Those of before are lost, and still nobody is told. */
  mend() {
    this.#broken = false;
  }

  stop() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** @param {Socket} client */
  async #connect(client) {
    this.#keep(client);
    if (this.#broken) return; // it is never answered
    const gateway = await this.#firstReady();
    if (!gateway || client.destroyed) return client.destroy();
    const { hostname, port } = new URL(gateway.url);
    const server = connect(Number(port), hostname);
    this.#keep(server);
    client.pipe(server).pipe(client);
    for (const [one, other] of [[client, server], [server, client]]) one.on('close', () => this.#broken || other.destroy());
  }

  async #firstReady() {
    for (const gateway of this.#gateways) if (await gateway.isReady()) return gateway;
    return undefined;
  }

  /** @param {Socket} socket */
  #keep(socket) {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
