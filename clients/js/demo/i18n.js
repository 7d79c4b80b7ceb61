const en = {
  headline: 'Talk face to face',
  lead: 'Choose a room and send its link to the others. Sound and picture go straight from browser to browser.',
  preview: 'Preview of your camera',
  'preview-asking': 'Your browser asks for your camera and microphone.',
  'preview-off': 'Your camera is off.',
  name: 'Your name',
  'name-hint': 'As the others see it',
  guest: 'Guest',
  room: 'Room',
  'room-help': 'Whoever has its name can come in.',
  join: 'Join',
  joining: 'Connecting…',
  returning: 'Back to your call…',
  cancel: 'Cancel',
  'copy-link': 'Copy link',
  copied: 'The invitation link is copied.',
  'copy-by-hand': 'Copy this invitation link:',
  members: 'People in this call',
  controls: 'Call controls',
  alone: 'Nobody else is here yet',
  'alone-help': 'Send this link to whom you want to talk to:',
  'tap-to-hear': 'Tap to hear the others',
  mute: 'Mute',
  'camera-off': 'Camera off',
  share: 'Share screen',
  leave: 'Leave',
  you: '{name} (you)',
  'is-muted': 'microphone off',
  'is-sharing': 'shares the screen',
  'is-away': 'Away for a moment',
  'status-connecting': 'Connecting',
  'status-open': 'Connected',
  'status-reconnecting': 'Reconnecting',
  'status-closed': 'Disconnected',
  'peer-new': 'Waiting',
  'peer-connecting': 'Connecting',
  'peer-connected': '',
  'peer-disconnected': 'Connection interrupted',
  'peer-failed': 'No connection, trying another path',
  'peer-closed': 'Ended',
  server: 'The server',
  'told-present': 'In this call: {names}.',
  'told-present-many': '{count} others are in this call.',
  'told-joined': '{names} joined.',
  'told-joined-many': '{count} people joined.',
  'told-left': '{names} left.',
  'told-left-many': '{count} people left.',
  'told-interrupted': 'Connection interrupted: {names}.',
  'told-interrupted-many': 'Connection to {count} people interrupted.',
  'told-back': 'Connected again: {names}.',
  'told-back-many': 'Connected again with {count} people.',
  reconnecting: 'The connection to the server was lost. Coming back by itself, the call goes on.',
  unreachable: 'The server cannot be reached. Trying again…',
  'server-busy': 'The server takes nobody new at the moment. Trying again…',
  'error-room-empty': 'Please name a room.',
  'error-room-invalid': 'A room name has no * and at most 128 bytes, and is not . or ..',
  'error-room-full': 'This room is full. Choose another one, or try again when somebody has left.',
  'error-no-such-room': 'This room does not exist, and you may not create it.',
  'error-unauthorized': 'You need a valid invitation: the access token is missing, expired or wrong.',
  'error-forbidden': 'You may not enter this room.',
  'error-room-closed': 'The room was closed.',
  'error-kicked': 'You were removed from the room.',
  'error-superseded': 'This call goes on in another window.',
  'error-other': 'That did not work: {message}',
  'microphone-denied': 'Your browser does not allow the microphone. You can allow it beside the address bar.',
  'microphone-missing': 'No microphone was found.',
  'microphone-in-use': 'The microphone is in use by another program.',
  'microphone-failed': 'The microphone cannot be used.',
  'camera-denied': 'Your browser does not allow the camera. You can allow it beside the address bar.',
  'camera-missing': 'No camera was found.',
  'camera-in-use': 'The camera is in use by another program.',
  'camera-failed': 'The camera cannot be used.',
  'screen-failed': 'The screen cannot be shared.',
  'media-insecure': 'Browsers allow camera and microphone only on https pages and on localhost.',
  'join-anyway': 'You can join all the same: you see and hear the others.',
};

/** @type {typeof en} */
const ko = {
  headline: '얼굴 보며 이야기해요',
  lead: '방을 정하고 링크를 보내세요. 소리와 영상은 브라우저끼리 직접 오갑니다.',
  preview: '내 카메라 미리 보기',
  'preview-asking': '브라우저가 카메라와 마이크 사용을 묻고 있습니다.',
  'preview-off': '카메라가 꺼져 있습니다.',
  name: '이름',
  'name-hint': '다른 사람에게 보이는 이름',
  guest: '손님',
  room: '방',
  'room-help': '방 이름을 아는 사람은 누구나 들어올 수 있습니다.',
  join: '들어가기',
  joining: '연결하는 중…',
  returning: '통화로 돌아가는 중…',
  cancel: '취소',
  'copy-link': '링크 복사',
  copied: '초대 링크를 복사했습니다.',
  'copy-by-hand': '초대 링크를 복사하세요:',
  members: '통화 참여자',
  controls: '통화 조작',
  alone: '아직 아무도 없습니다',
  'alone-help': '대화할 사람에게 이 링크를 보내세요:',
  'tap-to-hear': '눌러서 소리 듣기',
  mute: '음소거',
  'camera-off': '카메라 끔',
  share: '화면 공유',
  leave: '나가기',
  you: '{name} (나)',
  'is-muted': '마이크 꺼짐',
  'is-sharing': '화면 공유 중',
  'is-away': '다시 연결되기를 기다리는 중',
  'status-connecting': '연결 중',
  'status-open': '연결됨',
  'status-reconnecting': '다시 연결 중',
  'status-closed': '연결 끊김',
  'peer-new': '기다리는 중',
  'peer-connecting': '연결 중',
  'peer-connected': '',
  'peer-disconnected': '연결이 잠시 끊겼습니다',
  'peer-failed': '연결 실패, 다른 경로를 찾는 중',
  'peer-closed': '종료됨',
  server: '서버',
  'told-present': '통화 중: {names}.',
  'told-present-many': '{count}명이 통화 중입니다.',
  'told-joined': '{names} 님이 들어왔습니다.',
  'told-joined-many': '{count}명이 들어왔습니다.',
  'told-left': '{names} 님이 나갔습니다.',
  'told-left-many': '{count}명이 나갔습니다.',
  'told-interrupted': '연결이 잠시 끊겼습니다: {names}.',
  'told-interrupted-many': '{count}명과 연결이 잠시 끊겼습니다.',
  'told-back': '다시 연결되었습니다: {names}.',
  'told-back-many': '{count}명과 다시 연결되었습니다.',
  reconnecting: '서버와 연결이 끊겨 다시 연결하고 있습니다. 통화는 그대로 이어집니다.',
  unreachable: '서버에 연결할 수 없습니다. 다시 시도하는 중…',
  'server-busy': '서버가 지금은 새 연결을 받지 않습니다. 다시 시도하는 중…',
  'error-room-empty': '방 이름을 적어 주세요.',
  'error-room-invalid': '방 이름에는 * 을 쓸 수 없고, 한글로 42자(128바이트)까지이며, . 이나 .. 은 안 됩니다.',
  'error-room-full': '방이 가득 찼습니다. 다른 방을 고르거나 누군가 나간 뒤 다시 시도하세요.',
  'error-no-such-room': '없는 방이며, 새로 만들 권한이 없습니다.',
  'error-unauthorized': '유효한 초대가 필요합니다. 토큰이 없거나 만료되었거나 잘못되었습니다.',
  'error-forbidden': '이 방에 들어갈 권한이 없습니다.',
  'error-room-closed': '방이 닫혔습니다.',
  'error-kicked': '방에서 내보내졌습니다.',
  'error-superseded': '이 통화는 다른 창에서 이어지고 있습니다.',
  'error-other': '문제가 생겼습니다: {message}',
  'microphone-denied': '브라우저가 마이크를 허용하지 않습니다. 주소창 옆에서 허용할 수 있습니다.',
  'microphone-missing': '마이크를 찾을 수 없습니다.',
  'microphone-in-use': '다른 프로그램이 마이크를 쓰고 있습니다.',
  'microphone-failed': '마이크를 쓸 수 없습니다.',
  'camera-denied': '브라우저가 카메라를 허용하지 않습니다. 주소창 옆에서 허용할 수 있습니다.',
  'camera-missing': '카메라를 찾을 수 없습니다.',
  'camera-in-use': '다른 프로그램이 카메라를 쓰고 있습니다.',
  'camera-failed': '카메라를 쓸 수 없습니다.',
  'screen-failed': '화면을 공유할 수 없습니다.',
  'media-insecure': '카메라와 마이크는 https 페이지나 localhost에서만 쓸 수 있습니다.',
  'join-anyway': '그래도 들어가서 다른 사람을 보고 들을 수 있습니다.',
};

/** @typedef {keyof typeof en} Key */

const language = navigator.language.toLowerCase().startsWith('ko') ? 'ko' : 'en';
const words = { en, ko }[language];

/**
 * @param {Key} key
 * @param {Record<string, string>} [values] for `{…}` in the text
 */
export function t(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

const listing = new Intl.ListFormat(language, { type: language === 'ko' ? 'unit' : 'conjunction' });

/** Names as a sentence has them. @param {string[]} names */
export function list(names) {
  return listing.format(names);
}

/**
 * @param {string} key
 * @returns {key is Key}
 */
export function isKey(key) {
  return Object.hasOwn(en, key);
}

/** Fills in the page's texts: `data-i18n`, and the attributes beside them. */
export function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-i18n]')) element.textContent = textFor(element, 'data-i18n');
  for (const [from, to] of /** @type {const} */ ([
    ['data-i18n-placeholder', 'placeholder'],
    ['data-i18n-label', 'aria-label'],
  ])) {
    for (const element of document.querySelectorAll(`[${from}]`)) element.setAttribute(to, textFor(element, from));
  }
}

/**
 * @param {Element} element
 * @param {string} attribute
 */
function textFor(element, attribute) {
  return t(/** @type {Key} */ (element.getAttribute(attribute)));
}
