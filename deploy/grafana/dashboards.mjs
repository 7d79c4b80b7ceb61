/** `npm run build`: writes the boards to `helm/switchboard/files/dashboards`, where the chart and compose take them from. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { board, graph, number } from './board.mjs';

const RATE = '[$__rate_interval]';
const percentile = (/** @type {number} */ q, /** @type {string} */ metric) => `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket{}${RATE})))`;

export const boards = {
  overview: board({
    uid: 'switchboard-overview',
    title: 'Overview',
    description: 'Is the cluster healthy, how full is it, and how many are connected.',
    rows: [
      {
        title: 'Is it well?',
        panels: [
          number('Gateways ready', 'Of those that Prometheus scrapes.', 'none', { query: 'sum(switchboard_ready{})' }, [[0, 'red'], [1, 'green']]),
          number('Redis', 'Gateways that can use it. If not all can: see the board Redis and links.', 'percentunit', { query: 'avg(switchboard_backend_up{})' }, [[0, 'red'], [1, 'green']]),
          number('Delivered', 'Of the signals whose outcome depends on the cluster, in the last 5 minutes.', 'percentunit', { query: `sum(rate(switchboard_signals_total{outcome="delivered"}[5m])) / sum(rate(switchboard_signals_total{outcome=~"delivered|unconfirmed|unavailable|overloaded"}[5m]))` }, [[0, 'red'], [0.99, 'orange'], [0.999, 'green']]),
          number('Between gateways', 'Within which time 99 of 100 envelopes were with the other gateway in the last 5 minutes.', 's', { query: 'histogram_quantile(0.99, sum by (le) (rate(switchboard_link_confirm_seconds_bucket{}[5m])))' }, [[0, 'green'], [0.25, 'orange'], [1, 'red']]),
          number('Refused', 'Requests a second that were answered with an error, in the last 5 minutes.', 'reqps', { query: 'sum(rate(switchboard_errors_total{}[5m]))' }),
          number('Panics', 'In the last day. Each is a defect.', 'none', { query: 'sum(increase(switchboard_panics_total{}[1d]))' }, [[0, 'green'], [1, 'red']]),
        ],
      },
      {
        title: 'Who is there',
        panels: [
          graph('Sessions', 'Live ones, by dialect.', 'none', { query: 'sum by (dialect) (switchboard_sessions{state="live"})', legend: '{{dialect}}' }),
          graph('Sessions by gateway', 'After one was added, the others stay as full as they were: switchboard drain --share.', 'none', { query: 'sum by (instance) (switchboard_sessions{state="live"})', legend: '{{instance}}' }),
          graph('Away', 'Without a connection, and still within their window.', 'none', { query: 'sum by (instance) (switchboard_sessions_away{})', legend: '{{instance}}' }),
          graph('Rooms and members', 'Rooms count once for each gateway with members in them.', 'none', { query: 'sum(switchboard_rooms{})', legend: 'rooms' }, { query: 'sum(switchboard_members{})', legend: 'members' }),
          graph('Coming and going', 'Connections that came, and that ended by their close code.', 'cps', { query: `sum(rate(switchboard_connections_total{}${RATE}))`, legend: 'came' }, { query: `sum by (code) (rate(switchboard_closes_total{}${RATE}))`, legend: '{{code}}' }),
          graph('Joins and leaves', 'As this cluster wrote them.', 'ops', { query: `sum(rate(switchboard_member_joins_total{}${RATE}))`, legend: 'joined' }, { query: `sum by (reason) (rate(switchboard_member_leaves_total{}${RATE}))`, legend: '{{reason}}' }),
        ],
      },
      {
        title: 'What it takes',
        panels: [
          graph('CPU', 'Cores, by gateway.', 'none', { query: `sum by (instance) (rate(process_cpu_seconds_total{}${RATE}))`, legend: '{{instance}}' }),
          graph('Memory', 'Resident, by gateway.', 'bytes', { query: 'sum by (instance) (process_resident_memory_bytes{})', legend: '{{instance}}' }),
          graph('Open files', 'Used, of those that a gateway may have.', 'percentunit', { query: 'max by (instance) (process_open_fds{} / process_max_fds{})', legend: '{{instance}}' }),
          graph('Certificate', 'How long the one is good that a gateway itself serves. 0: it has ended, or the gateway speaks no TLS.', 's', { query: 'min by (instance) (clamp_min(switchboard_tls_certificate_not_after_seconds{} - time(), 0))', legend: '{{instance}}' }),
        ],
      },
    ],
  }),
  signaling: board({
    uid: 'switchboard-signaling',
    title: 'Signaling',
    description: 'What becomes of signals, and how long it takes.',
    rows: [
      {
        title: 'Is it well?',
        panels: [
          number('Signals', 'Answers a second to senders, one for each receiver, in the last 5 minutes.', 'ops', { query: 'sum(rate(switchboard_signals_total{}[5m]))' }),
          number('Unconfirmed', 'They may have arrived or not; in the last hour.', 'none', { query: 'sum(increase(switchboard_signals_total{outcome="unconfirmed"}[1h]))' }, [[0, 'green'], [100, 'orange']]),
          number('Median', 'From taking a signal to its answer, in the last 5 minutes.', 's', { query: 'histogram_quantile(0.5, sum by (le) (rate(switchboard_signal_answer_seconds_bucket{}[5m])))' }),
        ],
      },
      {
        title: 'Signals',
        panels: [
          graph('By kind', 'Answers to senders.', 'ops', { query: `sum by (kind) (rate(switchboard_signals_total{}${RATE}))`, legend: '{{kind}}' }),
          graph('Not delivered', 'By reason. no-such-peer, left and expired are the clients\' own.', 'ops', { query: `sum by (outcome) (rate(switchboard_signals_total{outcome!="delivered"}${RATE}))`, legend: '{{outcome}}' }),
          graph('Time to the answer', 'From taking a signal to its answer by one receiver. Its network, and the time for which it is away, count.', 's', ...[0.5, 0.9, 0.99].map((q) => ({ query: percentile(q, 'switchboard_signal_answer_seconds'), legend: `${q * 100} %` }))),
          graph('In flight', 'Payloads that wait for an answer.', 'bytes', { query: 'sum by (instance) (switchboard_in_flight_bytes{})', legend: '{{instance}}' }),
          graph('Outboxes', 'What waits for clients that read slowly.', 'bytes', { query: 'sum by (instance) (switchboard_outbox_bytes{})', legend: '{{instance}}' }),
          graph('Refused requests', 'By error code.', 'reqps', { query: `sum by (code) (rate(switchboard_errors_total{}${RATE}))`, legend: '{{code}}' }),
        ],
      },
      {
        title: 'Who is let in',
        panels: [
          graph('Tokens', 'Hellos, by the outcome of their token.', 'ops', { query: `sum by (outcome) (rate(switchboard_auth_total{}${RATE}))`, legend: '{{outcome}}' }),
          graph('Refused by a limit', 'Requests and connections, by the limit. Those of an address: is it the address of a proxy that proxy.trusted does not name?', 'ops', { query: `sum by (rule) (rate(switchboard_limited_total{}${RATE}))`, legend: '{{rule}}' }),
          graph('Closed to make room', 'Connections that sent nothing.', 'cps', { query: `sum by (reason) (rate(switchboard_connections_shed_total{}${RATE}))`, legend: '{{reason}}' }),
          graph('Ended before a request', 'Because of PROXY protocol or TLS, by what was wrong.', 'cps', { query: `sum by (reason) (rate(switchboard_opening_failures_total{}${RATE}))`, legend: '{{reason}}' }),
          graph('Revoked', 'Sessions that ended because they, their token or their user were revoked.', 'ops', { query: `sum by (instance) (rate(switchboard_sessions_revoked_total{}${RATE}))`, legend: '{{instance}}' }),
          graph('Away sessions that ended early', 'By the limit that was reached.', 'ops', { query: `sum by (limit) (rate(switchboard_away_ended_total{}${RATE}))`, legend: '{{limit}}' }),
        ],
      },
      {
        title: 'Traces',
        panels: [
          graph('Spans', 'By what became of them. failed: the OTLP receiver did not take them. dropped: too many waited for it. Calls go on without.', 'ops', { query: `sum by (outcome) (rate(switchboard_spans_total{}${RATE}))`, legend: '{{outcome}}' }),
        ],
      },
    ],
  }),
  drain: board({
    uid: 'switchboard-drain',
    title: 'Drain and resume',
    description: 'An upgrade, a drain, a lost node: which clients move, and which are lost on the way.',
    rows: [
      {
        title: 'Is it well?',
        panels: [
          number('Draining', 'Gateways that move sessions to others now.', 'none', { query: 'count(switchboard_drain_share{} > 0) or vector(0)' }),
          number('Still to move', 'Connections that drains wait for.', 'none', { query: 'sum(switchboard_drain_remaining{})' }),
          number('Overdue', 'Time since a gateway that stops told its last client to move. Those that are still there at its deadline are closed.', 's', { query: 'max(switchboard_drain_overdue_seconds{})' }, [[0, 'green'], [5, 'orange']]),
          number('Resumed', 'Of the clients that asked for their session in the last hour.', 'percentunit', { query: 'sum(increase(switchboard_resumes_total{outcome="resumed"}[1h])) / sum(increase(switchboard_resumes_total{}[1h]))' }, [[0, 'red'], [0.95, 'green']]),
          number('Releases', 'That run side by side.', 'none', { query: 'count(count by (version) (switchboard_build_info{}))' }, [[0, 'green'], [2, 'orange']]),
        ],
      },
      {
        title: 'Drains',
        panels: [
          graph('Share that moves', '1: the gateway stops.', 'percentunit', { query: 'switchboard_drain_share{}', legend: '{{instance}}' }),
          graph('Remaining', 'Connections that the drain waits for.', 'none', { query: 'switchboard_drain_remaining{}', legend: '{{instance}}' }),
          graph('How connections ended', 'moved is good, closed is not.', 'cps', { query: `sum by (outcome) (rate(switchboard_drain_ended_total{}${RATE}))`, legend: '{{outcome}}' }, { query: `sum(rate(switchboard_drain_told_total{}${RATE}))`, legend: 'told to move' }),
        ],
      },
      {
        title: 'Coming back',
        panels: [
          graph('Resumes', 'By outcome.', 'ops', { query: `sum by (outcome) (rate(switchboard_resumes_total{}${RATE}))`, legend: '{{outcome}}' }),
          graph('Away', 'Without a connection, within their window.', 'none', { query: 'sum by (instance) (switchboard_sessions_away{})', legend: '{{instance}}' }),
          graph('Gateways that died', 'Their sessions were taken over by other gateways.', 'ops', { query: `sum(rate(switchboard_nodes_reaped_total{}${RATE}))`, legend: 'taken over' }, { query: `sum(rate(switchboard_leases_lost_total{}${RATE}))`, legend: 'leases lost' }),
        ],
      },
    ],
  }),
  redis: board({
    uid: 'switchboard-redis',
    title: 'Redis and links',
    description: 'What gateways use of Redis, and what they send one another.',
    rows: [
      {
        title: 'Is it well?',
        panels: [
          number('Can use Redis', 'Gateways.', 'none', { query: 'sum(switchboard_backend_up{})' }, [[0, 'red'], [1, 'green']]),
          number('Oldest lease', 'At cluster.lease_ms, 4 s, a gateway is taken for dead.', 's', { query: 'max(switchboard_lease_age_seconds{})' }, [[0, 'green'], [2, 'orange'], [4, 'red']]),
          number('Written again', 'Records that Redis had lost, in the last hour.', 'none', { query: 'sum(increase(switchboard_restored_total{}[1h]))' }, [[0, 'green'], [1, 'orange']]),
          number('Unreadable', 'Records that were skipped, in the last hour.', 'none', { query: 'sum(increase(switchboard_unreadable_records_total{}[1h]))' }, [[0, 'green'], [1, 'red']]),
        ],
      },
      {
        title: 'Redis',
        panels: [
          graph('Lease age', 'Since a gateway last renewed it.', 's', { query: 'switchboard_lease_age_seconds{}', legend: '{{instance}}' }),
          graph('Failures', 'Calls that failed, leases that could not be renewed, frames that Redis did not take.', 'ops', { query: `sum(rate(switchboard_directory_failures_total{}${RATE}))`, legend: 'calls' }, { query: `sum(rate(switchboard_lease_failures_total{}${RATE}))`, legend: 'leases' }, { query: `sum(rate(switchboard_link_publish_failures_total{}${RATE}))`, legend: 'frames' }),
          graph('Repairs', 'Records written again, rosters read again, resyncs after a loss.', 'ops', { query: `sum(rate(switchboard_restored_total{}${RATE}))`, legend: 'records' }, { query: `sum(rate(switchboard_roster_reads_total{}${RATE}))`, legend: 'rosters' }, { query: `sum(rate(switchboard_resyncs_total{}${RATE}))`, legend: 'resyncs' }),
        ],
      },
      {
        title: 'Links',
        panels: [
          graph('Frames', 'That gateways publish for one another.', 'ops', { query: `sum by (instance) (rate(switchboard_link_frame_envelopes_count{}${RATE}))`, legend: '{{instance}}' }),
          graph('From gateway to gateway', 'From queuing an envelope to the other gateway\'s confirmation, which waits up to 10 ms for company.', 's', ...[0.5, 0.9, 0.99].map((q) => ({ query: percentile(q, 'switchboard_link_confirm_seconds'), legend: `${q * 100} %` }))),
          graph('Envelopes a frame', 'Under load many share one.', 'none', { query: `sum(rate(switchboard_link_frame_envelopes_sum{}${RATE})) / sum(rate(switchboard_link_frame_envelopes_count{}${RATE}))`, legend: 'mean' }),
          graph('Trouble', 'Frames sent again or rejected, links reset, gaps of the subscription.', 'ops', { query: `sum(rate(switchboard_link_frames_repeated_total{}${RATE}))`, legend: 'repeated' }, { query: `sum(rate(switchboard_link_frames_rejected_total{}${RATE}))`, legend: 'rejected' }, { query: `sum(rate(switchboard_link_resets_total{}${RATE}))`, legend: 'reset' }, { query: `sum(rate(switchboard_bus_gaps_total{}${RATE}))`, legend: 'gaps' }),
        ],
      },
    ],
  }),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('../../helm/switchboard/files/dashboards/', import.meta.url);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(boards)) await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(content, null, 2)}\n`);
}
