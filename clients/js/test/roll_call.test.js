import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { RollCall } from '../demo/roll_call.js';

/** @type {string[]} */
let said;
/** @type {RollCall} */
let call;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  said = [];
  const t = (/** @type {string} */ key, values = {}) => [key, ...Object.values(values)].join(' ');
  call = new RollCall({ t, list: (names) => names.join('+') }, (text) => said.push(text));
  call.expect('server', 'Server');
});

function heard() {
  mock.timers.tick(2_000);
  return said.splice(0);
}

test('who is there at first is present, who comes later joins', () => {
  call.note('a', 'Ada', 'here');
  call.note('b', 'Bob', 'here');
  assert.deepEqual(heard(), ['told-present Ada+Bob']);
  call.note('c', 'Cleo', 'here');
  call.note('b', 'Bob', 'absent');
  assert.deepEqual(heard(), ['told-joined Cleo told-left Bob']);
});

test('a connection that flaps is not told, one that stays away is, and its return', () => {
  call.note('a', 'Ada', 'here');
  heard();
  for (const standing of /** @type {const} */ (['interrupted', 'here', 'interrupted', 'here'])) call.note('a', 'Ada', standing);
  assert.deepEqual(heard(), []);
  call.note('server', 'Server', 'interrupted');
  assert.deepEqual(heard(), ['told-interrupted Server']);
  call.note('a', 'Ada', 'here'); // another change of hers, such as muting
  assert.deepEqual(heard(), []);
  call.note('server', 'Server', 'here');
  assert.deepEqual(heard(), ['told-back Server']);
});

test('of many only the number is told, and once', () => {
  call.note('a', 'Ada', 'here');
  heard();
  for (let number = 0; number < 50; number += 1) call.note(`p${number}`, `Guest ${number}`, 'here');
  assert.deepEqual(heard(), ['told-joined-many 50']);
  for (let number = 0; number < 50; number += 1) call.note(`p${number}`, `Guest ${number}`, 'absent');
  assert.deepEqual(heard(), ['told-left-many 50']);
});

test('who comes again as another peer at once neither left nor joined', () => {
  call.note('a', 'Ada', 'here');
  heard();
  call.note('a', 'Ada', 'absent');
  call.note('a2', 'Ada', 'here');
  assert.deepEqual(heard(), []);
  call.note('a2', 'Ada', 'absent');
  assert.deepEqual(heard(), ['told-left Ada']);
});

test('nothing is told after the end', () => {
  call.note('a', 'Ada', 'here');
  call.stop();
  assert.deepEqual(heard(), []);
});
