/** Which room, and the link that leads to it. */

const ADJECTIVES = ['amber', 'brave', 'calm', 'clear', 'early', 'gentle', 'happy', 'lucky', 'mellow', 'quiet', 'rapid', 'sunny'];
const ANIMALS = ['badger', 'crane', 'dolphin', 'falcon', 'heron', 'lynx', 'magpie', 'otter', 'panda', 'robin', 'tiger', 'wren'];

const ROOM = /^[A-Za-z0-9._:@-]{1,128}$/;

/** @param {string} room */
export function isValidRoom(room) {
  return ROOM.test(room);
}

/** The room of the address (`#room` or `?room=`), else a new name that is easy to say aloud and not easy to guess. */
export function roomOfAddress() {
  const { hash, search } = location;
  return decoded(hash.slice(1)) || new URLSearchParams(search).get('room') || suggestedRoom();
}

/**
 * A link that was cut off or typed wrongly is no reason not to open the page: the form says what is wrong with the name.
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
  address.hash = room;
  history.replaceState(null, '', address);
}

/**
 * For somebody else: without one's own token.
 *
 * @param {string} room
 */
export function invitationLink(room) {
  return `${location.origin}${location.pathname}#${room}`;
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
