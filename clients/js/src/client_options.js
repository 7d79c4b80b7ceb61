/** @import { StateChange } from './lifeline.js' */
/** @import { Platform } from './platform.js' */
/** @import { IncomingSignal, Welcome } from './protocol.js' */
/** @import { SwitchboardError } from './errors.js' */

// What a `Client` is made with, and what it tells.

/**
 * @typedef {object} ClientOptions
 * @property {string | URL} url `wss://…/v1/connect`
 * @property {string} [name] as others see it
 * @property {string} [avatar] usually a URL
 * @property {string} [token] JWT; may be set again as `client.token`, also on a live session, which then goes on with it
 * @property {() => string | undefined | Promise<string | undefined>} [getToken] asked before each connection, and when the token runs out, instead
 * @property {string} [agent] the application, for the gateway's logs
 * @property {string} [keepAs] the name under which the session survives a reload of the page, by default the `url`. Clients
 *   of one name get their sessions back in the order in which they were made: if that order may change, give each its own name. A
 *   client that is made and thrown away, as by a framework that renders twice, takes the first session: make the client where it
 *   is connected, in React an effect
 * @property {Partial<Platform>} [platform] instead of the browser's own: `{ WebSocket }` of the package `ws` in Node.js 20, a
 *   clock and a socket of one's own in tests
 */

/**
 * What may go with a signal.
 *
 * @typedef {object} SignalOptions
 * @property {string} [traceparent] W3C Trace Context: the cluster goes on with this trace, and the receiver gets a `traceparent` in
 *   it; at most 128 bytes
 */

/**
 * A signal on its way out; without `to` it goes to every other member.
 *
 * @typedef {{ room: string, to?: string, kind: string, payload: unknown, traceparent?: string }} SentSignal
 */

/**
 * @typedef {object} ClientEvents
 * @property {StateChange} state
 * @property {Welcome} moved the session goes on at another gateway, without a pause; the state is `open` throughout
 * @property {IncomingSignal} signal from any room
 * @property {SentSignal} signal-sent one of this client's own, as it is handed to it; near the gateway's limits it may wait here
 * @property {{ iceServers: RTCIceServer[], formerly: RTCIceServer[] }} ice-servers the servers for `RTCPeerConnection`, with other
 *   credentials than `formerly`: at each `welcome`, and before those of the last ones end. A {@link Call} that has the former ones
 *   takes them by itself
 * @property {{ error: SwitchboardError }} error the gateway complains about no request in particular
 */

export {};
