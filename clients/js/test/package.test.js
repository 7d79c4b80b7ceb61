/** The package, as somebody gets it who installs it: packed, and installed in a folder that knows nothing of this one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { publint } from 'publint';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const NAME = '@switchboard/client';
/** That of attw. */
const OLDER_TSC = '@arethetypeswrong/core/node_modules/typescript/bin/tsc';

let folder;
let tarball;
let installed;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-package-'));
  await run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT);
  tarball = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  // It has no dependencies: nothing is to be fetched.
  await run('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', `./${tarball}`]);
  installed = join(folder, 'node_modules', NAME);
});
after(() => rm(folder, { recursive: true }));

test('it brings the modules, their types, the one file and the licences', async () => {
  const files = await readdir(installed);
  assert.deepEqual(files.sort(), ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'dist', 'package.json', 'src', 'types']);
});

test('attw finds nothing wrong with its types', async () => {
  await runTool('@arethetypeswrong/cli/dist/index.js', [`./${tarball}`, '--profile', 'esm-only']);
});

test('publint finds nothing wrong with its manifest', async () => {
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
  assert.deepEqual(messages, []);
});

test('Node imports it where there is no page', async () => {
  const script = `import * as sdk from '${NAME}'; console.log(Object.keys(sdk).join());`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  assert.match(stdout, /Client/);
});

describe('the examples of the README', () => {
  let names;

  before(async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
    assert.ok(examples.length > 0, 'there are none');
    await mkdir(join(folder, 'examples'));
    names = examples.map((_, index) => `examples/${index + 1}.ts`);
    for (const [index, name] of names.entries()) await writeFile(join(folder, name), examples[index]);
  });

  for (const [module, moduleResolution] of [['esnext', 'bundler'], ['nodenext', 'nodenext']]) {
    for (const [version, tsc] of [['the newest TypeScript', 'typescript/bin/tsc'], ['TypeScript 5.6', OLDER_TSC]]) {
      test(`compile, strictly, with moduleResolution ${moduleResolution} of ${version}`, async () => {
        const how = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--target', 'es2022'];
        await runTool(tsc, [...how, '--module', module, '--moduleResolution', moduleResolution, ...names]);
      });
    }
  }

  test('are built by esbuild', async () => {
    const { warnings, outputFiles } = await bundle({ entryPoints: names, outdir: 'built' });
    assert.deepEqual(warnings, []);
    assert.match(outputFiles[0].text, /switchboard\.v1\.json/);
  });
});

describe('its sideEffects', () => {
  test('leave nothing of what is not used', async () => {
    assert.equal(await built(`import '${NAME}';`), '');
    const some = await built(`import { getLocalDevices } from '${NAME}'; getLocalDevices();`);
    assert.ok(some.length < 1_000, some);
  });

  test('keep what takes up the session of the page before', async () => {
    assert.match(await built(`import { Client } from '${NAME}'; new Client({ url: '' });`), /sessionStorage/);
  });

  test('are exactly those that there are', async () => {
    const modules = await readdir(join(installed, 'src'));
    const effects = await Promise.all(modules.map(async (module) => [`./src/${module}`, await effectsOf(module)]));
    const those = effects.filter(([, code]) => code !== '');
    const { sideEffects } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    assert.deepEqual(those.map(([module]) => module), sideEffects, `done when a module is loaded:\n${those.join('\n')}`);
  });

  before(() => cp(join(installed, 'src'), join(folder, 'unmarked'), { recursive: true }));

  /** What a module does when it is loaded and nothing of it is used, without what it imports. */
  async function effectsOf(module) {
    const itsImports = { name: 'its imports', setup: ({ onResolve }) => onResolve({ filter: /^\.\// }, () => ({ external: true, sideEffects: false })) };
    return built(`import 'unmarked/${module}';`, { plugins: [itsImports], alias: { unmarked: join(folder, 'unmarked') } });
  }
});

async function built(contents, options) {
  const stdin = { contents, resolveDir: folder };
  const { outputFiles } = await bundle({ stdin, treeShaking: true, ...options });
  return outputFiles[0].text;
}

function bundle(options) {
  return build({ absWorkingDir: folder, bundle: true, minify: true, format: 'esm', write: false, logLevel: 'silent', ...options });
}

/** A script of one of the packages that this one is made with. */
function runTool(path, args) {
  return run(process.execPath, [join(ROOT, 'node_modules', path), ...args]);
}

/** What the program says is in the failure of the test. */
async function run(program, args, cwd = folder) {
  try {
    return await promisify(execFile)(program, args, { cwd });
  } catch ({ message, stdout, stderr }) {
    assert.fail([message, stdout, stderr].join('\n'));
  }
}
