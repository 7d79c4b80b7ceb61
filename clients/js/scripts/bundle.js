/**
 * `npm run bundle`: makes `dist/switchboard.min.js`, the SDK in one file, and says its size in the README. Both are
 * committed, so that the gateway, which embeds the file, is built without Node; `test/bundle.test.js` makes them again
 * and compares.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ROOT = new URL('../', import.meta.url);
export const BUNDLE = new URL('dist/switchboard.min.js', ROOT);
export const README = new URL('README.md', ROOT);

/** What the README says: `37 KB, 13 KB gzip`. */
export const SIZES = /(\d+) KB, (\d+) KB gzip/;

/** The same sources give the same bytes: esbuild's version is pinned. */
export async function bundled() {
  const { version, license } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'));
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('src/index.js', ROOT))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    banner: { js: `/*! @switchboard/client ${version} | ${license} */` },
    write: false,
  });
  return outputFiles[0].text;
}

/** Bytes, as they are and as they travel. @param {string} bundle */
export function sizesOf(bundle) {
  return [Buffer.byteLength(bundle), gzipSync(bundle, { level: 9 }).length];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bundle = await bundled();
  await writeFile(BUNDLE, bundle);
  const [raw, gzip] = sizesOf(bundle).map((bytes) => `${Math.round(bytes / 1_000)} KB`);
  const readme = await readFile(README, 'utf8');
  await writeFile(README, readme.replace(SIZES, `${raw}, ${gzip} gzip`));
}
