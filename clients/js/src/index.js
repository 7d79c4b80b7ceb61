/** Switchboard's browser SDK. Start with {@link Client}. */
export { Call } from './call.js';
export { Client } from './client.js';
export { getLocalDevices, watchLocalDevices } from './devices.js';
export { SwitchboardError } from './errors.js';
export { LocalMedia } from './media.js';
export { MediaError } from './media_error.js';
export { Room } from './room.js';

/** @typedef {import('./call.js').CallEvents} CallEvents */
/** @typedef {import('./call.js').Tile} Tile */
/** @typedef {import('./data_channels.js').Data} Data */
/** @typedef {import('./encoding.js').EncodingPreferences} EncodingPreferences */
/** @typedef {import('./encoding.js').MaxBitrate} MaxBitrate */
/** @typedef {import('./media.js').LocalMediaEvents} LocalMediaEvents */
/** @typedef {import('./statistics.js').ConnectionStatistics} ConnectionStatistics */
/** @typedef {import('./statistics.js').FlowStatistics} FlowStatistics */
/** @typedef {import('./client.js').ClientOptions} ClientOptions */
/** @typedef {import('./kept_session.js').KeptRoom} KeptRoom */
/** @typedef {import('./lifeline.js').ConnectionState} ConnectionState */
/** @typedef {import('./lifeline.js').StateChange} StateChange */
/** @typedef {import('./media.js').MediaState} MediaState */
/** @typedef {import('./media_error.js').Device} Device */
/** @typedef {import('./media_error.js').MediaErrorReason} MediaErrorReason */
/** @typedef {import('./protocol.js').Member} Member */
/** @typedef {import('./signals.js').Outcome} Outcome */
