/** Switchboard's browser SDK. Start with {@link Client}. */
export { Call } from './call.js';
export { Client } from './client.js';
export { getLocalDevices, watchLocalDevices } from './devices.js';
export { SwitchboardError } from './errors.js';
export { setLogLevel } from './log.js';
export { LocalMedia } from './media.js';
export { MediaError } from './media_error.js';
export { Room } from './room.js';

// Every type that can be reached from these; `test/public_types.test.js` names one that is missing.

/** @typedef {import('./call.js').CallEvents} CallEvents */
/** @typedef {import('./call.js').Tile} Tile */
/** @typedef {import('./client_options.js').ClientEvents} ClientEvents */
/** @typedef {import('./client_options.js').ClientOptions} ClientOptions */
/** @typedef {import('./client_options.js').SentSignal} SentSignal */
/** @typedef {import('./client_options.js').SignalOptions} SignalOptions */
/** @typedef {import('./connecting.js').ConnectOptions} ConnectOptions */
/** @typedef {import('./data_channels.js').Data} Data */
/** @template {object} Events @typedef {import('./emitter.js').Emitter<Events>} Emitter */
/** @typedef {import('./encoding.js').EncodingPreferences} EncodingPreferences */
/** @typedef {import('./encoding.js').MaxBitrate} MaxBitrate */
/** @typedef {import('./errors.js').FailureCode} FailureCode */
/** @typedef {import('./kept_session.js').KeptRoom} KeptRoom */
/** @typedef {import('./kept_session.js').KeptSessions} KeptSessions */
/** @typedef {import('./lifeline.js').ConnectionState} ConnectionState */
/** @typedef {import('./lifeline.js').StateChange} StateChange */
/** @typedef {import('./log.js').LogLevel} LogLevel */
/** @typedef {import('./media.js').LocalMediaEvents} LocalMediaEvents */
/** @typedef {import('./media.js').MediaState} MediaState */
/** @typedef {import('./media_error.js').Device} Device */
/** @typedef {import('./media_error.js').MediaErrorReason} MediaErrorReason */
/** @typedef {import('./platform.js').Platform} Platform */
/** @typedef {import('./platform.js').Socket} Socket */
/** @typedef {import('./protocol.js').ErrorCode} ErrorCode */
/** @typedef {import('./protocol.js').IncomingSignal} IncomingSignal */
/** @typedef {import('./protocol.js').LeaveReason} LeaveReason */
/** @typedef {import('./protocol.js').Limits} Limits */
/** @typedef {import('./protocol.js').Media} Media */
/** @typedef {import('./protocol.js').Member} Member */
/** @typedef {import('./protocol.js').Ready} Ready */
/** @typedef {import('./protocol.js').Snapshot} Snapshot */
/** @typedef {import('./protocol.js').State} State */
/** @typedef {import('./protocol.js').UndeliveredReason} UndeliveredReason */
/** @typedef {import('./protocol.js').Welcome} Welcome */
/** @typedef {import('./reconnect.js').Action} Action */
/** @typedef {import('./reconnect.js').Advice} Advice */
/** @typedef {import('./reconnect.js').Why} Why */
/** @typedef {import('./room.js').RoomEvents} RoomEvents */
/** @typedef {import('./signals.js').Outcome} Outcome */
/** @typedef {import('./statistics.js').ConnectionStatistics} ConnectionStatistics */
/** @typedef {import('./statistics.js').FlowStatistics} FlowStatistics */
