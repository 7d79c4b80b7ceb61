/**
 * Two people call each other by name, as in the tutorial for calls by name: `init` registers a name,
 * `request_connection` rings, `cancel_connection` declines or hangs up, and `connection_info` carries offers, answers and
 * candidates. It does not contain its sender, so the page remembers who it is in a call with.
 *
 *   caller                               called
 *     ── request_connection ─────────────► rings
 *     ◄──────────── connection_info offer ── accepts
 *     ── connection_info answer ─────────►
 *     ◄───── connection_info candidate ────►
 */
import { Call } from './call.js';

/** @param {string} id */
const element = (id) => document.getElementById(id);

/** The others' calls come to this name. */
let ownName = '';
/** The call with the person that this page talks to, or rings. */
let call = null;
/** The person whose call has not been answered yet. */
let caller = '';
let socket = null;

const camera = navigator.mediaDevices
  ?.getUserMedia({ video: true, audio: true })
  .catch(() => show('There is no camera or microphone here; you can still see and hear others.'));
camera?.then((stream) => (element('own').srcObject = stream ?? null));

element('register').addEventListener('submit', (event) => {
  event.preventDefault();
  ownName = element('name').value.trim();
  if (ownName) connect();
});

element('call').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = element('remote-name').value.trim();
  if (name && name !== ownName) ring(name);
});

element('accept').addEventListener('click', () => {
  const name = caller;
  caller = '';
  talk(name);
  call.offer();
});

element('decline').addEventListener('click', () => {
  socket.emit('cancel_connection', caller);
  caller = '';
  show('Declined.');
});

element('hang-up').addEventListener('click', () => {
  socket.emit('cancel_connection', call.name);
  hangUp('You hung up.');
});

function connect() {
  socket?.disconnect();
  socket = io();
  // Each connection is a new one to the server, also when the library made it by itself: the name goes with it.
  socket.on('connect', () => socket.emit('init', ownName, (refused) => show(refused ?? `You are ${ownName}.`)));
  socket.on('connect_error', ({ message }) => show(`Not connected: ${message}`));
  socket.on('disconnect', () => show('The connection to the server is lost; a call goes on without it.'));
  socket.on('error', ({ message }) => show(message));
  socket.on('request_connection', rung);
  socket.on('cancel_connection', cancelled);
  socket.on('connection_info', (info) => call?.hear(info));
}

/** @param {string} name */
function ring(name) {
  show(`Calling ${name}…`);
  talk(name);
  socket.emit('request_connection', name, (refused) => refused && hangUp(`${name}: ${refused}`));
}

/** Somebody rings. @param {string} name */
function rung(name) {
  if (call?.name === name) {
    // Both rang: one of them has to make the offer.
    if (ownName < name) call.offer();
  } else if (call || caller) {
    socket.emit('cancel_connection', name);
  } else {
    caller = name;
    show(`${name} is calling.`);
  }
}

/** @param {string} name */
function cancelled(name) {
  if (caller === name) {
    caller = '';
    show(`${name} does not wait any longer.`);
  }
  if (call?.name === name) hangUp(`${name} declined or hung up.`);
}

/** @param {string} name */
function talk(name) {
  call = new Call(name, Promise.resolve(camera), {
    say: (info) => socket.emit('connection_info', { remoteName: name, ...info }, (refused) => refused && show(`${name}: ${refused}`)),
    seen: (stream) => (element('remote').srcObject = stream),
    changed: (state) => (state === 'failed' ? hangUp('The call was lost.') : show(`${name}: ${state}`)),
  });
  show();
}

/** @param {string} why */
function hangUp(why) {
  call?.end();
  call = null;
  element('remote').srcObject = null;
  show(why);
}

/** Words, and the buttons that mean something now. @param {string} [words] */
function show(words) {
  if (words) element('status').textContent = words;
  element('register').hidden = Boolean(socket);
  element('call').hidden = !socket || Boolean(call || caller);
  element('ringing').hidden = !caller;
  element('hang-up').hidden = !call;
}
