/** Every type that an application can reach has a name that it can import. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
// Another release of TypeScript may have another API there: the version is pinned.
import { SyntaxKind } from 'typescript/unstable/ast';
import { API, SymbolFlags } from 'typescript/unstable/sync';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

let folder;
let index;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchboard-types-'));
  index = join(folder, 'index.d.ts');
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '--project', 'tsconfig.types.json', '--outDir', folder], { cwd: ROOT });
});
after(() => rm(folder, { recursive: true }));

test('every type that can be reached from the index is exported by it', () => {
  assert.deepEqual(publicTypes(index).unnamed, []);
});

test('a type that is not exported is noticed', async () => {
  const whole = await readFile(index, 'utf8');
  const less = join(folder, 'less.d.ts');
  await writeFile(less, whole.replace(/^export type (Advice|ConnectionState|Emitter)\b.*\n/gm, ''));
  assert.deepEqual(publicTypes(less).unnamed, ['Advice', 'ConnectionState', 'Emitter']);
});

test('the README names every member and every event, and what the SDK needs of itself is no member', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const code = [...readme.matchAll(/^```.*?^```|`[^`]+`/gms)].join(' ');
  const words = new Set(code.match(/[\w-]+/g));
  const { members } = publicTypes(index);
  assert.ok(members.includes('Client.connect') && members.includes('CallEvents.tile-added'), members.join(' '));
  const missing = members.filter((member) => !words.has(member.split('.').at(-1)));
  assert.deepEqual(missing, [], 'tell of them in README.md, or mark them @internal');
  const internal = ['Room.closed', 'Room.claim', 'SwitchboardError.from', 'MediaError.from', 'KeptSessions.put'];
  assert.deepEqual(internal.filter((member) => members.includes(member)), [], 'mark them @internal');
});

/**
 * @param {string} path a module of declarations
 * @returns {{ unnamed: string[], members: string[] }} what its exports mention and it does not export, and the members of the
 *   classes and events among them
 */
function publicTypes(path) {
  const api = new API({ cwd: folder });
  try {
    const { program, checker } = api.updateSnapshot({ openFiles: [path] }).getDefaultProjectForFile(path);
    const resolved = (symbol) => (symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
    /** What a symbol stands for, if that is declared by a module of the SDK and not inside of something else. */
    const declared = (symbol) => {
      const nodes = resolved(symbol).declarations.map((handle) => handle.resolve());
      return nodes.find((node) => node.parent.kind === SyntaxKind.SourceFile && node.parent.fileName.startsWith(folder));
    };
    const mentionedBy = (node) =>
      checker
        .getSymbolAtLocation(nodesBelow(node).filter(({ kind }) => kind === SyntaxKind.Identifier))
        .flatMap((symbol) => (symbol && declared(symbol)) ?? []);

    const module = checker.getSymbolAtLocation(program.getSourceFile(path));
    const exported = checker.getExportsOfModule(module).map(declared);
    // `export type Advice = import('./reconnect.js').Advice` gives that declaration its name.
    const named = new Set(exported.flatMap((node) => (node.type?.kind === SyntaxKind.ImportType ? mentionedBy(node.type) : node)));
    const mentioned = new Set([...named].flatMap(mentionedBy));
    const nameOf = (node) => node.name.text;
    const hasMembers = ({ kind, parent }) =>
      kind === SyntaxKind.ClassDeclaration || (kind === SyntaxKind.TypeLiteral && /Events$/.test(parent.name?.text));
    const isMember = ({ kind, name, parent }) =>
      name !== undefined && kind !== SyntaxKind.TypeParameter && name.text !== '#private' && hasMembers(parent);
    return {
      unnamed: [...mentioned].filter((node) => !named.has(node)).map(nameOf).sort(),
      members: [...named].flatMap((node) => nodesBelow(node).filter(isMember).map((member) => `${nameOf(node)}.${nameOf(member)}`)),
    };
  } finally {
    api.close();
  }
}

function nodesBelow(node) {
  const nodes = [];
  node.forEachChild((child) => void nodes.push(child, ...nodesBelow(child)));
  return nodes;
}
