/** Which room, and the link that leads to it. */

const ADJECTIVES = ['amber', 'brave', 'calm', 'clear', 'early', 'gentle', 'happy', 'lucky', 'mellow', 'quiet', 'rapid', 'sunny'];
const ANIMALS = ['badger', 'crane', 'dolphin', 'falcon', 'heron', 'lynx', 'magpie', 'otter', 'panda', 'robin', 'tiger', 'wren'];

const WHITE_SPACE_AT_AN_END = /^\p{White_Space}|\p{White_Space}$/u;
const BYTES_MAX = 128;

/**
 * A room's name as gateways take it, from what somebody typed.
 *
 * @param {string} text
 */
export function roomNamed(text) {
  return text.trim().normalize('NFC');
}

/** As the gateway sees it: `docs/protocol.md`. @param {string} room */
export function isValidRoom(room) {
  const bytes = new TextEncoder().encode(room).length;
  return bytes >= 1 && bytes <= BYTES_MAX && !/[\p{Cc}\p{Cs}*]/u.test(room) && !WHITE_SPACE_AT_AN_END.test(room) && !/^\.{1,2}$/.test(room);
}

/** The room of the address (`#room` or `?room=`), else a new name that is easy to say aloud and not easy to guess. */
export function roomOfAddress() {
  return roomOfHash() || roomNamed(new URLSearchParams(location.search).get('room') ?? '') || suggestedRoom();
}

/**
 * Another link to this page was followed in this tab, or somebody went back to an earlier one. What the page itself puts
 * into the address is not told.
 *
 * @param {(room: string) => void} tell
 */
export function onRoomLink(tell) {
  addEventListener('hashchange', () => {
    const room = roomOfHash();
    if (room) tell(room);
  });
}

/** `#room`, or the empty string. */
function roomOfHash() {
  return roomNamed(decoded(location.hash.slice(1)));
}

/**
 * A link that was cut off or typed by hand is no reason not to open the page: the form shows what came.
 *
 * @param {string} text
 */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Puts the room into the address, so that a reload comes back to it.
 *
 * @param {string} room
 */
export function rememberRoom(room) {
  const address = new URL(location.href);
  address.searchParams.delete('room');
  address.hash = encoded(room);
  history.replaceState(null, '', address);
}

/**
 * For somebody else: without one's own token.
 *
 * @param {string} room
 */
export function invitationLink(room) {
  return `${location.origin}${location.pathname}#${encoded(room)}`;
}

/** What a link may have as it is, stays readable. @param {string} room */
function encoded(room) {
  return encodeURIComponent(room).replaceAll('%3A', ':').replaceAll('%40', '@').replaceAll('%2F', '/');
}

function suggestedRoom() {
  const number = 1000 + (random() % 9000);
  return `${pick(ADJECTIVES)}-${pick(ANIMALS)}-${number}`;
}

/** @param {string[]} words */
function pick(words) {
  return words[random() % words.length];
}

function random() {
  return /** @type {number} */ (crypto.getRandomValues(new Uint32Array(1))[0]);
}
