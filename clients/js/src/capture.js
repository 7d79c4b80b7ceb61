/** @import { Device } from './media_error.js' */
import { getLocalDevices } from './devices.js';
import { MediaError } from './media_error.js';

/** What is asked for. @typedef {Partial<Record<'microphone' | 'camera', MediaTrackConstraints | true>>} Wishes */
/** @typedef {{ tracks: [Device, MediaStreamTrack][], errors: MediaError[] }} Captured */

/** Which device a browser's `MediaDeviceInfo` is. */
export const SOURCES = /** @type {const} */ ({ audioinput: 'microphone', videoinput: 'camera', audiooutput: undefined });

/**
 * Asks for one device.
 *
 * @param {'microphone' | 'camera'} device
 * @param {MediaTrackConstraints | true} constraints
 * @returns {Promise<MediaStreamTrack>} rejects with a {@link MediaError}
 */
export async function captureOne(device, constraints) {
  try {
    const wanted = await insisting(constraints);
    const wish = device === 'microphone' ? { audio: wanted } : { video: wanted };
    const [track] = (await mediaDevices(device).getUserMedia(wish)).getTracks();
    if (!track) throw new MediaError(device, 'missing');
    return track;
  } catch (error) {
    throw MediaError.from(device, error);
  }
}

/**
 * Asks for microphone and camera in one prompt, and if that fails for each alone: but a person who said no, or closed the
 * prompt, is not asked the same again.
 *
 * @param {Wishes} wishes
 * @returns {Promise<Captured>}
 */
export async function capture(wishes) {
  const devices = /** @type {(keyof Wishes)[]} */ (Object.keys(wishes));
  // One that is blocked for good would refuse the other, too, and without a prompt.
  if (devices.length < 2 || (await anyIs('denied', devices))) return captureEach(wishes, devices);
  try {
    const { microphone = true, camera = true } = wishes;
    const [audio, video] = await Promise.all([microphone, camera].map(insisting));
    const stream = await mediaDevices('camera').getUserMedia({ audio, video });
    const tracks = stream.getTracks().map((track) => /** @type {[Device, MediaStreamTrack]} */ ([deviceOf(track), track]));
    return { tracks, errors: [] };
  } catch (error) {
    if (MediaError.from('camera', error).reason !== 'denied') return captureEach(wishes, devices);
    const granted = await Promise.all(devices.map(async (device) => (await permission(device)) === 'granted'));
    const rest = await captureEach(wishes, devices.filter((_, index) => granted[index]));
    const refused = devices.filter((_, index) => !granted[index]).map((device) => MediaError.from(device, error));
    return { ...rest, errors: [...refused, ...rest.errors] };
  }
}

/**
 * Asks what to share.
 *
 * @param {{ audio: boolean }} wish
 * @returns {Promise<MediaStream>} rejects with a {@link MediaError}
 */
export async function captureScreen({ audio }) {
  try {
    return await mediaDevices('screen').getDisplayMedia({ video: true, audio });
  } catch (error) {
    throw MediaError.from('screen', error);
  }
}

/**
 * Why a track has ended that nobody stopped. The browser does not say; what it shows of the device afterwards does.
 *
 * @param {'microphone' | 'camera'} device
 * @param {MediaStreamTrack} track
 * @returns {Promise<MediaError>}
 */
export async function whyLost(device, track) {
  const { deviceId } = track.getSettings();
  const all = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
  const ids = (all ?? []).filter(({ kind }) => SOURCES[kind] === device).map((info) => info.deviceId);
  const withdrawn = ids.length > 0 && ids.every((id) => id === ''); // ids are shown with the permission only
  if (withdrawn || (await permission(device)) === 'denied') return new MediaError(device, 'denied');
  return new MediaError(device, ids.includes(deviceId ?? '') ? 'failed' : 'missing');
}

/**
 * @param {Wishes} wishes
 * @param {(keyof Wishes)[]} devices
 * @returns {Promise<Captured>}
 */
async function captureEach(wishes, devices) {
  /** @type {Captured} */
  const captured = { tracks: [], errors: [] };
  for (const device of devices) {
    try {
      captured.tracks.push([device, await captureOne(device, wishes[device] ?? true)]);
    } catch (error) {
      captured.errors.push(/** @type {MediaError} */ (error));
    }
  }
  return captured;
}

/**
 * An ideal `deviceId` is a hint that Chromium does not take: it gives the device of its own settings
 * (https://issues.chromium.org/issues/438606278). A device that is there is insisted on.
 *
 * @param {MediaTrackConstraints | true} constraints
 * @returns {Promise<MediaTrackConstraints | true>}
 */
async function insisting(constraints) {
  const ideal = idealDeviceId(constraints);
  if (constraints === true || ideal === undefined) return constraints;
  const devices = await getLocalDevices().catch(() => []);
  const isThere = devices.some(({ deviceId }) => deviceId === ideal);
  return isThere ? { ...constraints, deviceId: { exact: ideal } } : constraints;
}

/** @param {MediaTrackConstraints | true} constraints @returns {string | undefined} */
function idealDeviceId(constraints) {
  const wish = constraints === true ? undefined : constraints.deviceId;
  const ideal = typeof wish === 'object' && !Array.isArray(wish) && wish.exact === undefined ? wish.ideal : wish;
  return typeof ideal === 'string' ? ideal : undefined;
}

/** The device whose place a track takes. @param {MediaStreamTrack} track @returns {Device} */
export function deviceOf({ kind }) {
  return kind === 'audio' ? 'microphone' : 'camera';
}

/**
 * @param {PermissionState} state
 * @param {(keyof Wishes)[]} devices
 */
async function anyIs(state, devices) {
  return (await Promise.all(devices.map(permission))).includes(state);
}

/**
 * @param {'microphone' | 'camera'} device
 * @returns {Promise<PermissionState | 'unknown'>} not every browser knows these names
 */
async function permission(device) {
  try {
    return (await navigator.permissions.query({ name: device })).state;
  } catch {
    return 'unknown';
  }
}

/** @param {Device} device */
function mediaDevices(device) {
  // Browsers hide it from pages that came neither over TLS nor from localhost.
  if (!navigator.mediaDevices) throw new MediaError(device, 'insecure');
  return navigator.mediaDevices;
}
