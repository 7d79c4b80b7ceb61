/** The SDK in one file, as it is committed for the gateway to embed. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { BUNDLE, bundled, README, SIZES, sizesOf } from '../scripts/bundle.js';
import * as modules from '../src/index.js';

test('the committed bundle is what the sources give', async () => {
  const isCurrent = (await readFile(BUNDLE, 'utf8')) === (await bundled());
  assert.ok(isCurrent, 'dist/switchboard.min.js is not what src/ gives: run `npm run bundle`, and commit it');
});

test('the bundle has what the modules have', async () => {
  assert.deepEqual(Object.keys(await import(BUNDLE.href)).sort(), Object.keys(modules).sort());
});

test('the README says its size, to a kilobyte', async () => {
  const said = SIZES.exec(await readFile(README, 'utf8'));
  assert.ok(said, 'README.md does not say «… KB, … KB gzip»');
  for (const [index, bytes] of sizesOf(await bundled()).entries()) {
    const off = Math.abs(Number(said[index + 1]) * 1_000 - bytes);
    // Not to the half: builds of zlib differ by some bytes.
    assert.ok(off < 1_000, `${said[0]} is not true, it is ${bytes} bytes: run \`npm run bundle\``);
  }
});
