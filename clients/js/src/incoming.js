/** @import { Expiring, GatewayError, IceServers, IncomingSignal, ServerMessage } from './protocol.js' */
/** @import { Inbox } from './inbox.js' */
/** @import { Lifeline } from './lifeline.js' */
/** @import { Receipts } from './receipts.js' */
/** @import { Requests } from './requests.js' */
/** @import { Rooms } from './rooms.js' */
/** @import { Signals } from './signals.js' */
import { SwitchboardError } from './errors.js';
import { log } from './log.js';

/** What a gateway sends after its `welcome`, each message to the part of the client that it is for. */
export class Incoming {
  #to;

  /**
   * @param {object} to
   * @param {Lifeline} to.lifeline
   * @param {Requests} to.requests
   * @param {Signals} to.signals
   * @param {Receipts} to.receipts
   * @param {Inbox} to.inbox
   * @param {Rooms} to.rooms
   * @param {(signal: IncomingSignal) => void} to.onSignal after the room has heard it
   * @param {(expiring: Expiring) => void} to.onExpiring
   * @param {(renewed: IceServers) => void} to.onIceServers
   * @param {(error: SwitchboardError) => void} to.onError about no request in particular
   */
  constructor(to) {
    this.#to = to;
  }

  /** @param {ServerMessage} message */
  received(message) {
    this.#dispatch(message);
    this.#to.signals.heard(message);
  }

  /** Its time has come: the listeners of its room are there, or were waited for. @param {IncomingSignal} signal */
  handle(signal) {
    const { receipts, rooms } = this.#to;
    if (receipts.isRepeat(signal)) return receipts.repeated(signal);
    rooms.get(signal.room)?.received(signal);
    this.#to.onSignal(signal);
    receipts.handled(signal);
  }

  /** @param {ServerMessage} message */
  #dispatch(message) {
    const { lifeline, requests, signals, receipts, inbox, rooms } = this.#to;
    switch (message.type) {
      case 'signal':
        return inbox.received(message);
      case 'delivered':
      case 'undelivered':
        return signals.answered(message);
      case 'done':
        signals.announced(message);
        return requests.answered(message);
      case 'joined':
        rooms.get(message.room)?.admitted(message);
        return requests.answered(message);
      case 'left':
        return requests.answered(message);
      case 'pong':
        return message.re === undefined ? undefined : requests.answered({ ...message, re: message.re });
      case 'drain':
        return lifeline.moveIn(message.reconnect_after_ms);
      case 'expiring':
        return this.#to.onExpiring(message);
      case 'ice-servers':
        return this.#to.onIceServers(message);
      case 'error':
        return this.#refused(message);
      case 'member-joined':
      case 'member-updated':
      case 'member-left':
      case 'ready':
      case 'room-closed':
        rooms.get(message.room)?.happened(message);
        if (message.type === 'member-left' && !rooms.knows(message.peer)) receipts.forget(message.peer);
    }
  }

  /** @param {GatewayError} error */
  #refused(error) {
    if (error.re === undefined) {
      log('warn', `The gateway complains (${error.code}): ${error.message}`);
      return this.#to.onError(SwitchboardError.from(error));
    }
    const answer = { ...error, re: error.re };
    this.#to.signals.refused(answer);
    this.#to.requests.refused(answer);
  }
}
