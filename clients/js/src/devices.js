/**
 * The devices that this page may choose from. Until one of their kind was allowed, browsers give neither names nor ids.
 *
 * @param {MediaDeviceKind} [kind]
 * @returns {Promise<MediaDeviceInfo[]>} empty where the browser has none to show
 */
export async function getLocalDevices(kind) {
  const devices = (await globalThis.navigator?.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter((device) => device.deviceId !== '' && (kind === undefined || device.kind === kind));
}

/**
 * @param {() => void} listener one was connected or removed
 * @returns {() => void} stops listening
 */
export function watchLocalDevices(listener) {
  const mediaDevices = globalThis.navigator?.mediaDevices;
  mediaDevices?.addEventListener('devicechange', listener);
  return () => mediaDevices?.removeEventListener('devicechange', listener);
}
