/** The rules of Grafana's dashboard linter, and some of our own, on every board. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import test from 'node:test';
import { boards } from './dashboards.mjs';

const ROOT = new URL('../../', import.meta.url);
const COMMITTED = new URL('helm/switchboard/files/dashboards/', ROOT);
const METRICS = [...(await readFile(new URL('docs/metrics.md', ROOT), 'utf8')).matchAll(/^\| `(\w+)/gm)].map(([, name]) => name);
/** In each selector, so that one set of boards serves many clusters. */
const CHOSEN = ['namespace=~"$namespace"', 'job=~"$job"', 'instance=~"$instance"'];
const SELECTOR = /\b(switchboard_\w+|process_\w+|up)\b(\{[^}]*\})?/g;
const COUNTED = /_(total|count|sum|bucket)$/;
/** How a description names the window of its number. */
const WINDOWS = { '5m': 'last 5 minutes', '1h': 'last hour', '1d': 'last day' };

const everyBoard = Object.values(boards);
const panels = everyBoard.flatMap((board) => board.panels.filter((panel) => panel.type !== 'row').map((panel) => ({ board, panel })));
const targets = panels.flatMap(({ panel }) => panel.targets.map((target) => ({ panel, target })));

/** One assertion for each, which names it. */
function each(things, holds) {
  assert.ok(things.length > 0);
  for (const thing of things) assert.ok(holds(thing), JSON.stringify(thing.target ?? thing.panel ?? thing, null, 2).slice(0, 600));
}

test('the committed boards are what the program makes', async () => {
  const files = (await readdir(COMMITTED)).sort();
  assert.deepEqual(files, Object.keys(boards).map((name) => `${name}.json`).sort());
  for (const [name, board] of Object.entries(boards)) {
    const committed = await readFile(new URL(`${name}.json`, COMMITTED), 'utf8');
    assert.equal(committed, `${JSON.stringify(board, null, 2)}\n`, `${name}: npm --prefix deploy/grafana run build`);
  }
});

test('a board has a fixed uid, a tag, a description, and cannot be edited in place', () => {
  assert.equal(new Set(everyBoard.map((board) => board.uid)).size, everyBoard.length);
  each(everyBoard, (board) => board.uid.startsWith('switchboard-') && board.tags.includes('switchboard') && board.description && !board.editable);
});

test('boards lead to one another with their time and variables, and share a crosshair', () => {
  each(everyBoard, ({ links: [link], graphTooltip }) => graphTooltip === 1 && link.tags[0] === 'switchboard' && link.keepTime && link.includeVars);
});

test('variables choose the data source, the namespace, the job and the instance, and follow the time range', () => {
  for (const { templating } of everyBoard) {
    const [source, ...queries] = templating.list;
    assert.deepEqual(templating.list.map((variable) => variable.name), ['datasource', 'namespace', 'job', 'instance']);
    assert.equal(source.type, 'datasource');
    each(queries, (variable) => variable.type === 'query' && variable.refresh === 2 && variable.multi && variable.includeAll && variable.datasource.uid === '${datasource}');
  }
});

test('the first row says whether it is well', () => {
  each(everyBoard, (board) => board.panels[0].type === 'row' && board.panels[0].title === 'Is it well?' && board.panels[1].type === 'stat');
});

test('a panel has a title, a description, a unit, and the data source that was chosen', () => {
  each(panels, ({ panel }) => panel.title && panel.description && panel.fieldConfig.defaults.unit && panel.datasource.uid === '${datasource}');
  each(targets, ({ target }) => target.datasource.uid === '${datasource}');
});

test('panels have ids of their own and a place each', () => {
  for (const { panels } of everyBoard) {
    assert.deepEqual(panels.map((panel) => panel.id), panels.map((_, index) => index + 1));
    const taken = new Set();
    for (const { gridPos: { x, y, w, h } } of panels) {
      assert.ok(x + w <= 24);
      for (let cell = 0; cell < w * h; cell += 1) taken.add(`${x + (cell % w)} ${y + Math.floor(cell / w)}`);
    }
    assert.equal(taken.size, panels.reduce((sum, { gridPos: { w, h } }) => sum + w * h, 0), 'two panels share a place');
  }
});

test('no panel or query sets an interval of its own', () => {
  each(panels, ({ panel }) => !panel.interval);
  each(targets, ({ target }) => !target.interval);
});

test('each selector has the gateways that were chosen', () => {
  each(targets, ({ target }) => {
    const selectors = [...target.expr.matchAll(SELECTOR)].map(([, , labels]) => labels ?? '');
    return selectors.length > 0 && selectors.every((labels) => CHOSEN.every((label) => labels.includes(label)));
  });
});

test('annotations have the cluster that was chosen', () => {
  for (const { annotations } of everyBoard) {
    assert.deepEqual(annotations.list.map((annotation) => annotation.name), ['Releases', 'Drains', 'Alerts']);
    each(annotations.list, ({ expr }) => [...expr.matchAll(/\{([^}]*)\}/g)].every(([, labels]) => CHOSEN.slice(0, 2).every((label) => labels.includes(label))));
  }
});

test('counters are seen as rates or increases', () => {
  each(targets, ({ target }) => {
    const bare = target.expr.replaceAll(/(rate|increase)\(\w+\{[^}]*\}\[[^\]]+\]\)/g, '');
    return [...bare.matchAll(SELECTOR)].every(([, name]) => !COUNTED.test(name));
  });
});

test('a graph takes the rate interval; a number says over how long it is', () => {
  each(targets, ({ panel, target }) => {
    const windows = [...target.expr.matchAll(/\[([^\]]+)\]/g)].map(([, window]) => window);
    return windows.every((window) => (panel.type === 'stat' ? panel.description.includes(WINDOWS[window]) : window === '$__rate_interval'));
  });
});

test('metrics of ours are those of docs/metrics.md', () => {
  const used = targets.flatMap(({ target }) => [...target.expr.matchAll(/\bswitchboard_(\w+)/g)].map(([, name]) => name));
  each([...new Set(used)], (name) => METRICS.includes(name) || METRICS.includes(name.replace(/_(count|sum|bucket)$/, '')));
});
