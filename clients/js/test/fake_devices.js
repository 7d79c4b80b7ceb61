/** `navigator.mediaDevices` and `navigator.permissions`, whose prompts a test answers. */

export class FakeTrack extends EventTarget {
  enabled = true;
  readyState = 'live';
  constructor(kind, deviceId = `${kind}-1`) {
    super();
    this.kind = kind;
    this.deviceId = deviceId;
  }
  getSettings() {
    return { deviceId: this.deviceId };
  }
  stop() {
    this.readyState = 'ended';
  }
  /** Unplugged, or withdrawn. */
  end() {
    this.stop();
    this.dispatchEvent(new Event('ended'));
  }
}

/** @param {string} name as DOMExceptions have it */
export const refusal = (name) => new DOMException('refused by the test', name);

export class FakeDevices {
  /** Every request: its constraints, and what the test answers it with. */
  prompts = [];
  /** Answers at once, until there is a test that wants to. @type {((constraints: any) => any) | undefined} */
  answer = (constraints) => tracksFor(constraints);
  permissions = {};
  connected = [
    { kind: 'audioinput', deviceId: 'audio-1', label: 'Microphone' },
    { kind: 'videoinput', deviceId: 'video-1', label: 'Camera' },
  ];

  /** @param {import('node:test').TestContext} context */
  static install(context) {
    const devices = new FakeDevices();
    const former = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
    const prompt = (constraints) => devices.#prompt(constraints);
    const navigator = {
      mediaDevices: {
        getUserMedia: prompt,
        getDisplayMedia: prompt,
        enumerateDevices: async () => devices.connected,
      },
      permissions: {
        query: async ({ name }) => {
          if (!devices.permissions[name]) throw new TypeError(`${name} is not known`);
          return { state: devices.permissions[name] };
        },
      },
    };
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: navigator });
    context.after(() => {
      delete globalThis.navigator; // older versions of Node have none
      if (former) Object.defineProperty(globalThis, 'navigator', former);
    });
    return devices;
  }

  #prompt(constraints) {
    return new Promise((resolve, reject) => {
      const grant = (tracks = tracksFor(constraints)) => resolve(new MediaStream(tracks));
      this.prompts.push({ constraints, grant, refuse: (name) => reject(refusal(name)) });
      if (!this.answer) return;
      const answer = this.answer(constraints);
      if (answer instanceof Error) reject(answer);
      else grant(answer);
    });
  }
}

function tracksFor({ audio, video }) {
  const track = (kind, wish) => new FakeTrack(kind, wish.deviceId?.exact);
  return [...(audio ? [track('audio', audio)] : []), ...(video ? [track('video', video)] : [])];
}
