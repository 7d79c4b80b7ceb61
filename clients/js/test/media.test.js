import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalMedia } from '../src/media.js';
import { FakeDevices, FakeTrack, refusal } from './fake_devices.js';
import { FakeRtc } from './fake_rtc.js';
import { idle } from './support.js';

FakeRtc.install();

const inWords = (errors) => errors.map(({ device, reason }) => `${device} ${reason}`);

test('microphone and camera are asked for in one prompt, and muted ones are never heard', async (context) => {
  const devices = FakeDevices.install(context);
  const media = new LocalMedia();
  assert.deepEqual(await media.open({ muted: true }), []);
  assert.equal(devices.prompts.length, 1);
  assert.deepEqual(media.state, { muted: true, video_off: false, sharing_screen: false });
  assert.equal(media.audioTrack.enabled, false);
  assert.deepEqual(await media.open(), []);
  assert.equal(devices.prompts.length, 1, 'what is there is not asked for');
  assert.equal(media.state.muted, true, 'asking again does not unmute');
});

test('muting does not wait for the prompt of the camera', async (context) => {
  const devices = FakeDevices.install(context);
  const media = new LocalMedia();
  await media.open({ camera: false });
  devices.answer = undefined;
  const turningOn = media.setVideoOff(false);
  await idle();
  const changes = [];
  media.on('changed', ({ muted }) => changes.push(muted));
  const muting = media.setMuted(true);
  assert.equal(media.audioTrack.enabled, false);
  assert.deepEqual(changes, [true]);
  await muting;
  await media.setMuted(false);
  assert.equal(media.audioTrack.enabled, true);
  devices.prompts.at(-1).grant();
  await turningOn;
  assert.equal(media.state.video_off, false);
});

test('who mutes while the prompt is open is muted when the microphone comes', async (context) => {
  const devices = FakeDevices.install(context);
  devices.answer = undefined;
  const media = new LocalMedia();
  const opening = media.open();
  await idle();
  await media.setMuted(true);
  devices.prompts[0].grant();
  await opening;
  assert.equal(media.audioTrack.enabled, false);
});

test('a camera or a screen that became unwanted while the prompt was open is let go as it comes', async (context) => {
  const devices = FakeDevices.install(context);
  devices.answer = undefined;
  const media = new LocalMedia();
  const opening = media.setVideoOff(false);
  await idle();
  await media.setVideoOff(true);
  const camera = new FakeTrack('video');
  devices.prompts[0].grant([camera]);
  await opening;
  const sharing = media.shareScreen({ audio: true });
  await idle();
  media.stopSharing();
  const [screen, sound] = [new FakeTrack('video'), new FakeTrack('audio')];
  devices.prompts[1].grant([screen, sound]);
  await sharing;
  assert.deepEqual([camera, screen, sound].map(({ readyState }) => readyState), ['ended', 'ended', 'ended']);
  assert.deepEqual(media.state, { muted: true, video_off: true, sharing_screen: false });
});

test('unmuting without a microphone asks for it, unless it is muted again before its turn', async (context) => {
  const devices = FakeDevices.install(context);
  devices.answer = undefined;
  const media = new LocalMedia();
  const camera = media.setVideoOff(false);
  await idle();
  const unmuting = media.setMuted(false);
  await media.setMuted(true);
  devices.prompts[0].grant();
  await Promise.all([camera, unmuting]);
  assert.equal(devices.prompts.length, 1);
  devices.answer = () => [new FakeTrack('audio')];
  await media.setMuted(false);
  assert.equal(media.state.muted, false);
});

test('stop settles what waits for a prompt, lets go of what it brings, and open begins again', async (context) => {
  const devices = FakeDevices.install(context);
  devices.answer = undefined;
  const media = new LocalMedia();
  const [opening, sharing] = [media.open(), media.shareScreen()];
  await idle();
  media.stop();
  assert.deepEqual(inWords(await opening), ['microphone stopped', 'camera stopped']);
  await assert.rejects(sharing, { name: 'MediaError', device: 'screen', reason: 'stopped' });

  const reopening = media.open();
  await idle();
  const late = [new FakeTrack('audio'), new FakeTrack('video')];
  devices.prompts[0].grant(late);
  const wanted = [new FakeTrack('audio'), new FakeTrack('video')];
  devices.prompts[1].grant(wanted);
  assert.deepEqual(await reopening, []);
  assert.deepEqual(late.map(({ readyState }) => readyState), ['ended', 'ended']);
  assert.deepEqual(media.stream.getTracks(), wanted);
  assert.deepEqual(media.state, { muted: false, video_off: false, sharing_screen: false });
});

test('a prompt that is dismissed or refused is not shown again', async (context) => {
  const devices = FakeDevices.install(context);
  for (const permissions of [{}, { microphone: 'prompt', camera: 'prompt' }]) {
    devices.prompts = [];
    devices.permissions = permissions;
    devices.answer = () => refusal('NotAllowedError');
    const errors = await new LocalMedia().open();
    assert.deepEqual(inWords(errors), ['microphone denied', 'camera denied']);
    assert.equal(errors[0].cause.name, 'NotAllowedError');
    assert.equal(devices.prompts.length, 1);
  }
});

test('a camera that is blocked does not cost the microphone', async (context) => {
  const devices = FakeDevices.install(context);
  devices.permissions = { microphone: 'prompt', camera: 'denied' };
  devices.answer = ({ video }) => (video ? refusal('NotAllowedError') : [new FakeTrack('audio')]);
  const media = new LocalMedia();
  assert.deepEqual(inWords(await media.open()), ['camera denied']);
  assert.equal(media.state.muted, false);
  assert.deepEqual(devices.prompts.map(({ constraints }) => Object.keys(constraints)), [['audio'], ['video']]);
});

test('where there is no camera the microphone is asked for alone', async (context) => {
  const devices = FakeDevices.install(context);
  devices.answer = ({ video }) => (video ? refusal('NotFoundError') : [new FakeTrack('audio')]);
  const media = new LocalMedia();
  assert.deepEqual(inWords(await media.open()), ['camera missing']);
  assert.equal(media.state.muted, false);
});

test('a lost device says why', async (context) => {
  const devices = FakeDevices.install(context);
  const media = new LocalMedia();
  const told = [];
  media.on('changed', ({ muted }) => told.push(muted ? 'muted' : 'heard'));
  media.on('device-lost', ({ device, error }) => told.push(`${device} ${error.reason}`));
  const cases = [
    ['missing', () => (devices.connected = [])],
    ['denied', () => (devices.connected = [{ kind: 'audioinput', deviceId: '', label: '' }])],
    ['failed', () => (devices.connected = [{ kind: 'audioinput', deviceId: 'audio-1', label: 'Microphone' }])],
  ];
  for (const [reason, happen] of cases) {
    await media.open({ camera: false });
    told.length = 0;
    happen();
    media.audioTrack.end();
    await idle();
    assert.deepEqual(told, ['muted', `microphone ${reason}`]);
  }
});

test('switching to another microphone stays muted, and goes back to the former one where it fails', async (context) => {
  const devices = FakeDevices.install(context);
  const media = new LocalMedia({ microphone: { noiseSuppression: false } });
  await media.open({ camera: false });
  const first = media.audioTrack;
  await media.setMuted(true);
  await media.switchActiveDevice('audioinput', 'usb');
  assert.deepEqual(devices.prompts.at(-1).constraints, { audio: { noiseSuppression: false, deviceId: { exact: 'usb' } } });
  assert.equal(first.readyState, 'ended');
  assert.equal(media.getActiveDevice('audioinput'), 'usb');
  assert.equal(media.audioTrack.enabled, false);

  devices.answer = ({ audio }) => (audio.deviceId.exact ? refusal('OverconstrainedError') : [new FakeTrack('audio', 'usb')]);
  await assert.rejects(media.switchActiveDevice('audioinput', 'gone'), { reason: 'missing' });
  assert.equal(media.getActiveDevice('audioinput'), 'usb');
  assert.equal(media.audioTrack.readyState, 'live');
});

test('a camera that is off is switched when it is next on', async (context) => {
  const devices = FakeDevices.install(context);
  const media = new LocalMedia();
  await media.switchActiveDevice('videoinput', 'rear');
  assert.equal(devices.prompts.length, 0);
  await media.setVideoOff(false);
  const { video } = devices.prompts[0].constraints;
  assert.deepEqual([video.deviceId, video.facingMode], [{ ideal: 'rear' }, undefined]);
});

test('a device that was chosen and is there is insisted on, in one prompt with another that is not', async (context) => {
  const devices = FakeDevices.install(context);
  devices.connected.push({ kind: 'videoinput', deviceId: 'rear', label: 'Rear camera' });
  const media = new LocalMedia();
  await media.switchActiveDevice('videoinput', 'rear');
  await media.switchActiveDevice('audioinput', 'long gone');
  assert.deepEqual(await media.open(), []);
  const { audio, video } = devices.prompts[0].constraints;
  assert.deepEqual([audio.deviceId, video.deviceId], [{ ideal: 'long gone' }, { exact: 'rear' }]);
  await media.setVideoOff(true);
  await media.setVideoOff(false);
  assert.deepEqual(devices.prompts[1].constraints.video.deviceId, { exact: 'rear' });
  assert.equal(devices.prompts.length, 2);
});

test('a track of the application is sent, muted and put aside, but never stopped', async (context) => {
  FakeDevices.install(context);
  const media = new LocalMedia();
  const [canvas, sound] = [new FakeTrack('video'), new FakeTrack('audio')];
  media.publishTrack(canvas);
  media.publishTrack(sound);
  assert.deepEqual([media.audioTrack, media.videoTrack], [sound, canvas]);
  await media.setMuted(true);
  assert.equal(sound.enabled, false);
  media.stop();
  assert.deepEqual([canvas.readyState, sound.readyState], ['live', 'live']);
  assert.deepEqual(media.stream.getTracks(), []);
  assert.throws(() => media.publishTrack(sound, { source: 'camera' }), TypeError);
});

test('the sound of the screen is mixed with the microphone, and muting leaves it', async (context) => {
  FakeDevices.install(context);
  const mixes = installAudioContext(context);
  const media = new LocalMedia();
  await media.open({ camera: false });
  const microphone = media.audioTrack;
  await media.shareScreen({ audio: true });
  const [mix] = mixes;
  assert.equal(media.audioTrack, mix.track);
  assert.deepEqual([mix.heard.length, mix.heard.includes(microphone)], [2, true]);
  await media.setMuted(true);
  assert.deepEqual([media.state.muted, media.audioTrack.enabled, mix.heard.length], [true, true, 2]);
  media.stopSharing();
  assert.equal(media.audioTrack, microphone);
  assert.equal(mix.closed, true);
});

/** Remembers which tracks are heard in each mix. */
function installAudioContext(context) {
  const mixes = [];
  globalThis.AudioContext = class {
    track = new FakeTrack('audio');
    heard = [];
    closed = false;
    constructor() {
      mixes.push(this);
    }
    createMediaStreamDestination() {
      return { stream: new MediaStream([this.track]) };
    }
    createMediaStreamSource(stream) {
      const [track] = stream.getTracks();
      return {
        connect: () => this.heard.push(track),
        disconnect: () => this.heard.splice(this.heard.indexOf(track), 1),
      };
    }
    async close() {
      this.closed = true;
    }
  };
  context.after(() => delete globalThis.AudioContext);
  return mixes;
}
