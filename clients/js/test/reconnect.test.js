import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceFor, Backoff } from '../src/reconnect.js';

test('every close code has its advice', () => {
  const table = {
    1000: 'stay-away',
    1001: 'come-back',
    1006: 'come-back',
    1009: 'stay-away',
    4400: 'stay-away',
    4401: 'new-token',
    4403: 'new-token',
    4408: 'come-back',
    4409: 'stay-away',
    4413: 'come-back',
    4429: 'retry-after',
    4503: 'retry-after',
  };
  for (const [code, action] of Object.entries(table)) assert.equal(adviceFor(Number(code), '').action, action, code);
});

test('a code that is in no table is a lost connection', () => {
  assert.equal(adviceFor(1005, '').why, 'connection-lost');
  assert.equal(adviceFor(1012, '').action, 'come-back');
});

test('the time to wait is read from the close reason, whatever else is in it', () => {
  assert.equal(adviceFor(4503, '{"retry_after_ms": 1500, "detail": "x"}').retryAfterMs, 1500);
  for (const reason of ['', 'busy', 'null', '{}', '{"retry_after_ms": "soon"}', '{"retry_after_ms": -1}']) {
    assert.equal(adviceFor(4429, reason).retryAfterMs, 0, reason);
  }
  assert.equal(adviceFor(4429, '{"retry_after_ms": 1e300}').retryAfterMs, 3_600_000);
  assert.equal(adviceFor(1001, '{"retry_after_ms": 1500}').retryAfterMs, 0, 'only 4429 and 4503 carry one');
});

test('what a gateway says of a limit is what the app is told', () => {
  const words = 'too many sessions from this address (limits.sessions_per_address)';
  assert.equal(adviceFor(4429, JSON.stringify({ retry_after_ms: 1, reason: words })).message, words);
  for (const reason of ['', '{"retry_after_ms":1}', '{"reason":""}', '{"reason":5}', 'null', '7']) {
    assert.match(adviceFor(4429, reason).message, /a limit is reached/, reason);
  }
});

test('back-off doubles its bound up to the cap and draws from all of it', () => {
  const longest = new Backoff({ random: () => 1 });
  assert.deepEqual(
    Array.from({ length: 7 }, () => longest.next()),
    [500, 1000, 2000, 4000, 8000, 15_000, 15_000],
  );
  const shortest = new Backoff({ random: () => 0 });
  assert.deepEqual([shortest.next(), shortest.next()], [0, 0]);
});

test('back-off starts again only after a connection that lasted', () => {
  const backoff = new Backoff({ random: () => 1 });
  backoff.next();
  backoff.next();
  backoff.ended(14_999);
  assert.equal(backoff.next(), 2000);
  backoff.ended(15_000);
  assert.equal(backoff.next(), 500);
});
