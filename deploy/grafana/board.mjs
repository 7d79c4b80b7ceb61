/** What every board has in common: variables, links, annotations, and panels that follow one set of rules. */
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import {
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';

const SOURCE = { type: 'prometheus', uid: '${datasource}' };
/** In every selector: the gateways that were chosen. */
const CHOSEN = 'namespace=~"$namespace", job=~"$job", instance=~"$instance"';
/** Of annotations and what is about the cluster as a whole. */
const CLUSTER = 'namespace=~"$namespace", job=~"$job"';

/**
 * A query. `{}` in a selector stands for the gateways that were chosen, as in `switchboard_ready{}` and
 * `switchboard_closes_total{code="4413"}`.
 *
 * @typedef {{ query: string, legend?: string }} Target
 */

/**
 * @param {{ uid: string, title: string, description: string, rows: { title: string, panels: any[] }[] }} board
 * @returns as Grafana imports it
 */
export function board({ uid, title, description, rows }) {
  const builder = new DashboardBuilder(`Switchboard / ${title}`)
    .uid(uid)
    .description(description)
    .tags(['switchboard'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(new DashboardLinkBuilder('Switchboard').type(DashboardLinkType.Dashboards).tags(['switchboard']).asDropdown(true).includeVars(true).keepTime(true))
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(choice('namespace', 'label_values(switchboard_build_info, namespace)'))
    .withVariable(choice('job', 'label_values(switchboard_build_info{namespace=~"$namespace"}, job)'))
    .withVariable(choice('instance', `label_values(switchboard_build_info{${CLUSTER}}, instance)`))
    .annotation(event('Releases', 'purple', `count by (version) (switchboard_build_info{${CLUSTER}}) unless count by (version) (switchboard_build_info{${CLUSTER}} offset 1m)`, '{{version}}'))
    .annotation(event('Drains', 'blue', `switchboard_drain_share{${CLUSTER}} > 0`, '{{instance}} drains'))
    .annotation(event('Alerts', 'red', `ALERTS{alertname=~"Switchboard.*", alertstate="firing", ${CLUSTER}}`, '{{alertname}} {{instance}}'));
  for (const { title: name, panels } of rows) {
    builder.withRow(new RowBuilder(name));
    for (const panel of panels) builder.withPanel(panel);
  }
  const built = builder.build();
  // Grafana's conversion to its newer format names panels by these.
  for (const [index, panel] of (built.panels ?? []).entries()) panel.id = index + 1;
  return built;
}

/**
 * One number, for the question «is it well?».
 *
 * @param {string} title
 * @param {string} description
 * @param {string} unit
 * @param {Target} target
 * @param {[number, string][]} [steps] from which value on which colour; the first is for all below
 */
export function number(title, description, unit, target, steps = [[0, 'green']]) {
  const [[, base], ...others] = steps;
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .unit(unit)
    .span(4)
    .height(4)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds({ build: () => ({ mode: ThresholdsMode.Absolute, steps: [{ value: null, color: base }, ...others.map(([value, color]) => ({ value, color }))] }) })
    .noValue('–')
    .withTarget(query(target));
}

/**
 * Over time.
 *
 * @param {string} title
 * @param {string} description
 * @param {string} unit
 * @param {...Target} targets
 */
export function graph(title, description, unit, ...targets) {
  const builder = new TimeseriesBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .unit(unit)
    .min(0)
    .span(8)
    .height(8)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Never)
    .legend(new VizLegendOptionsBuilder().displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom).showLegend(true))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  for (const target of targets) builder.withTarget(query(target));
  return builder;
}

/** @param {Target} target */
function query({ query: text, legend = '' }) {
  return new DataqueryBuilder().datasource(SOURCE).expr(selecting(text)).legendFormat(legend).range();
}

/** Puts the gateways that were chosen into each selector of ours. @param {string} text */
export function selecting(text) {
  return text.replace(/(switchboard_\w+|process_\w+|\bup)\{([^}]*)\}/g, (_, name, own) => `${name}{${own ? `${own}, ` : ''}${CHOSEN}}`);
}

/**
 * @param {string} name
 * @param {string} values
 */
function choice(name, values) {
  const builder = new QueryVariableBuilder(name).datasource(SOURCE).query(values).refresh(VariableRefresh.OnTimeRangeChanged).multi(true).includeAll(true).sort(VariableSort.AlphabeticalAsc);
  // «All» jobs are those of gateways: `process_…` is everybody's. A namespace may be missing, and no list of them finds that.
  return name === 'job' ? builder : builder.allValue('.*');
}

/**
 * @param {string} name
 * @param {string} color
 * @param {string} expr
 * @param {string} title
 */
function event(name, color, expr, title) {
  const builder = new AnnotationQueryBuilder().name(name).datasource(SOURCE).enable(true).iconColor(color).expr(expr);
  return { build: () => ({ ...builder.build(), titleFormat: title, step: '30s' }) };
}
