/**
 * A room as it is sent: gateways compare bytes, and «é» is one character on one keyboard and two on another.
 *
 * @param {string} name
 */
export function roomId(name) {
  return String(name).normalize('NFC');
}
