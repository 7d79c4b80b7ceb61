/** What `npm pack` takes along besides what is committed: the declarations, from the JSDoc of `src/`, and the licences. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);

// A module that has gone leaves no declarations behind.
rmSync(new URL('types/', ROOT), { recursive: true, force: true });
const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT));
execFileSync(process.execPath, [tsc, '--project', 'tsconfig.types.json'], { cwd: ROOT, stdio: 'inherit' });
for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  copyFileSync(new URL(`../../${licence}`, ROOT), new URL(licence, ROOT));
}
