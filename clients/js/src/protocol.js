/**
 * The messages of the subprotocol `switchboard.v1.json`, as `docs/protocol.md` fixes them. Types only.
 */

/** The WebSocket subprotocol that this SDK speaks. */
export const SUBPROTOCOL = 'switchboard.v1.json';

/** @typedef {Record<string, unknown>} State what a member says about itself; at most 4 KiB */

/**
 * @typedef {object} Member a peer as its room sees it
 * @property {string} peer
 * @property {string} user
 * @property {string} [name]
 * @property {string} [avatar]
 * @property {State} state
 * @property {number} order the lower one of a pair is impolite: it offers
 * @property {number} joined_at Unix time, milliseconds
 * @property {'live' | 'away'} connection
 */

/**
 * @typedef {object} Limits what a gateway takes; a client holds back before it reaches them
 * @property {number} in_flight signals without an answer
 * @property {number} in_flight_bytes their payload bytes
 * @property {number} max_message_bytes
 * @property {number} signals_per_second
 * @property {number} burst signals that may come at once after a pause
 */

/**
 * @typedef {'bad-message' | 'unauthorized' | 'forbidden' | 'no-such-room' | 'not-a-member' | 'already-joined'
 *   | 'room-full' | 'room-closed' | 'name-taken' | 'too-many-rooms' | 'too-many-sessions' | 'too-large'
 *   | 'rate-limited' | 'busy' | 'offline' | 'no-such-call' | 'unavailable'} ErrorCode
 */

/**
 * @typedef {'no-such-peer' | 'left' | 'expired' | 'overloaded' | 'unavailable' | 'unconfirmed'} UndeliveredReason
 *   all are certain, except `unconfirmed`: it may have arrived
 */

/** @typedef {'left' | 'disconnected' | 'expired' | 'node-lost' | 'kicked'} LeaveReason */

// Client to gateway

/**
 * @typedef {object} Resume
 * @property {string} peer
 * @property {string} secret
 * @property {Record<string, number>} [seen] peer → the last `id` handled from it
 * @property {Record<string, number[]>} [handled] peer → the last `id`s handled from it, rising: those between them were not
 */

/**
 * @typedef {object} Hello
 * @property {'hello'} type
 * @property {string} [token]
 * @property {string} [name]
 * @property {string} [avatar]
 * @property {true} receipts
 * @property {string} agent
 * @property {Resume} [resume]
 */
/** @typedef {{ type: 'join', id: number, room: string, state?: State, capacity?: number }} Join */
/** @typedef {{ type: 'leave', id: number, room: string }} Leave */
/** @typedef {{ type: 'signal', id: number, room: string, to?: string, kind: string, payload: unknown }} Signal */
/** @typedef {{ type: 'received', from: string, id: number }} Received cumulative: handled up to this `id` */
/** @typedef {{ type: 'state', id: number, room: string, state: State }} StatePatch a JSON Merge Patch (RFC 7396) */
/** @typedef {{ type: 'refresh', id: number, token: string }} Refresh another token of the same user */
/** @typedef {{ type: 'ping', id?: number }} Ping */
/** @typedef {{ type: 'bye', hold_ms?: number }} Bye with `hold_ms` the session stays `away` that long before it leaves */
/** @typedef {Join | Leave | StatePatch | Refresh | { type: 'ping', id: number }} Request what is answered by `re` */
/** @typedef {Hello | Request | Signal | Received | Ping | Bye} ClientMessage */

// Gateway to client

/**
 * @typedef {object} Welcome
 * @property {'welcome'} type
 * @property {string} peer
 * @property {string} user
 * @property {string} [name]
 * @property {string} node
 * @property {{ secret: string, window_ms: number }} [resume] for the next `hello`; good once. A gateway of the release
 *   before gives none
 * @property {boolean} resumed whether the session of before goes on
 * @property {Snapshot[]} [rooms] if it does: those it is in, as they are now
 * @property {number} heartbeat_ms
 * @property {Limits} limits
 * @property {RTCIceServer[]} [ice_servers]
 */

/**
 * @typedef {object} Media where the media of a room goes, where it goes through a server (SFU)
 * @property {string} kind `livekit`
 * @property {string} url where to connect
 * @property {string} room as the room is called there
 * @property {string} token lets this member in
 * @property {number} expires_at when the token ends, Unix time in milliseconds; a connection that it began goes on
 */

/** @typedef {{ room: string, revision: number, capacity: number, members: Member[], media?: Media }} Snapshot */
/** @typedef {Snapshot & { type: 'joined', re: number }} Joined */
/** @typedef {{ type: 'left', re: number, room: string }} Left */
/** @typedef {{ type: 'member-joined', room: string, revision: number, member: Member }} MemberJoined */
/**
 * @typedef {{ type: 'member-updated', room: string, revision: number, peer: string, state?: State,
 *   connection?: 'live' | 'away' }} MemberUpdated `state` is the whole new one
 */
/** @typedef {{ type: 'member-left', room: string, revision: number, peer: string, reason: LeaveReason }} MemberLeft */
/** @typedef {{ type: 'ready', room: string, offerer: string, peers: [string, string] }} Ready */
/** @typedef {{ type: 'room-closed', room: string, reason: string }} RoomClosed */
/**
 * @typedef {{ type: 'signal', room: string, from: string, id: number, kind: string, payload: any, traceparent?: string }} IncomingSignal
 *   `from` is a peer or `server`; the `id` is the sender's; `traceparent` where the signal is traced
 */
/** @typedef {{ type: 'delivered', id: number, to: string[] }} Delivered */
/** @typedef {{ type: 'undelivered', id: number, to: string[], reason: UndeliveredReason }} Undelivered */
/** @typedef {{ type: 'done', re: number, to?: string[] }} Done `to`: the receivers of a broadcast */
/** @typedef {{ type: 'pong', re?: number }} Pong */
/**
 * @typedef {{ type: 'drain', reconnect_after_ms: number, deadline_ms: number }} Drain open another connection then, and
 *   resume there; after the deadline this one is closed
 */
/** @typedef {{ type: 'expiring', in_ms: number }} Expiring the token runs out, and the session with it */
/** @typedef {{ type: 'ice-servers', ice_servers: RTCIceServer[], ttl_s: number }} IceServers before the credentials of the last ones end */
/** @typedef {{ type: 'error', re?: number, code: ErrorCode, message: string, retry_after_ms?: number }} GatewayError */
/** @typedef {MemberJoined | MemberUpdated | MemberLeft | Ready | RoomClosed} RoomEvent */
/**
 * @typedef {Welcome | Joined | Left | RoomEvent | IncomingSignal | Delivered | Undelivered | Done | Pong
 *   | Drain | Expiring | IceServers | GatewayError} ServerMessage
 */
