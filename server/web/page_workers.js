/** All workers: what each slot did, what it does now, and buttons that stop or go on giving it trials. */
import './lanes.js';
import {call, get} from './api.js';
import {Table} from './table.js';
import {html, nothing, act, ago, count, empty, num, panel, plural, state, throttle, trialLink, trialPath} from './view.js';

const SPANS = {'15m': ['15 minutes', 900], '1h': ['1 hour', 3600], '6h': ['6 hours', 21_600], '1d': ['1 day', 86_400], '7d': ['7 days', 604_800]};
const REFRESH_MS = 5000; // time goes on without events
const ORDER = ['quarantined', 'draining', 'gone', 'active'];

const LIKE = {active: 'running', draining: 'paused', quarantined: 'failed', gone: 'lost'};

const busyWith = (worker) => worker.leases ?? [];
const KEYS = {
  name: (w) => w.name,
  state: (w) => ORDER.indexOf(w.state),
  trial: (w) => busyWith(w)[0]?.trial ?? Infinity,
  reported: (w) => -Date.parse(w.last_report_at ?? 0),
  completed: (w) => w.completed ?? 0,
  failed: (w) => w.failed ?? 0,
  rate: (w) => w.completed_per_hour ?? -1,
  gpu: (w) => w.gpu_utilization ?? -1,
};

export function open(context) {
  const {query, update, setQuery, go} = context;
  let workers = [], lanes = null, path = '';
  const table = new Table({label: 'Workers', update, open: (row) => {
    const lease = busyWith(workers[row])[0];
    if (lease) go(trialPath(lease.study, lease.trial));
  }});

  const chosen = () => SPANS[query.get('span')] ?? SPANS['1h'];
  async function load() {
    const since = new Date(Date.now() - 1000 * chosen()[1]).toISOString();
    path = `v1/workers/lanes?since=${since}`;
    [workers, lanes] = await Promise.all([get('v1/workers').then((list) => list.items), get(path)]);
    update();
  }
  const again = throttle(load, 2000);
  const clock = setInterval(() => document.hidden || again(), REFRESH_MS);

  /* ---- lanes ---- */

  const choice = () => html`<span class="gap"></span><label><span class="skip">Time</span><select aria-label="Time" @change=${(event) => {
    setQuery({span: event.target.value});
    load();
  }}>${Object.entries(SPANS).map(([key, [label]]) => html`<option value=${key} ?selected=${SPANS[key] === chosen()}>last ${label}</option>`)}</select></label>`;

  const lanesPanel = () => panel('What each slot did', lanes.items.length ? html`<hone-lanes .path=${path} .lanes=${lanes} @hone-pick=${(event) =>
    go(trialPath(event.detail.study, event.detail.number))}></hone-lanes>` : html`<p class="muted">No worker trained in this time.</p>`, choice());

  /* ---- table ---- */

  const set = (worker, verb, said) => async () => {
    await act(() => call('POST', `v1/workers/${encodeURIComponent(worker.name)}/${verb}`, {}), said);
    again();
  };
  const button = (worker) => (worker.state === 'draining' || worker.state === 'quarantined'
    ? html`<button class="small" @click=${set(worker, 'resume', 'Its node gets trials again.')}>Resume</button>`
    : html`<button class="small" title="Its node gets no further trial; those that run go on to their end" @click=${
      set(worker, 'drain', 'Its node gets no further trial.')}>Drain</button>`);
  const doing = (worker) => (busyWith(worker).length
    ? html`${busyWith(worker).map((lease) => html`${trialLink(lease.study, lease.trial)} <span class="muted" dir="auto">${lease.study}${
      lease.step === null || lease.step === undefined ? nothing : html`, step ${num(lease.step)}`}</span> `)}`
    : html`<span class="muted">${worker.waiting ? 'waits for work' : '–'}</span>`);

  const hasGpu = (worker) => typeof worker.gpu_utilization === 'number';
  const columns = () => [
    {name: 'name', label: 'Worker', cell: (row) => html`<span dir="auto" title=${workers[row].host ?? ''}>${workers[row].name}</span>`},
    {name: 'state', label: 'State', cell: (row) => state(workers[row].state, workers[row].reason, LIKE[workers[row].state])},
    {name: 'rate', label: 'Per hour', kind: 'right', cell: (row) => num(workers[row].completed_per_hour, 3)},
    ...workers.some(hasGpu) ? [{name: 'gpu', label: 'GPU busy', kind: 'right', cell: (row) =>
      (hasGpu(workers[row]) ? `${count(Math.round(100 * workers[row].gpu_utilization))} %` : '–')}] : [],
    {name: 'trial', label: 'Trains', cell: (row) => doing(workers[row])},
    {name: 'reported', label: 'Last report', cell: (row) => ago(workers[row].last_report_at)},
    {name: 'completed', label: 'Results', kind: 'right', cell: (row) => count(workers[row].completed)},
    {name: 'failed', label: 'Failed', kind: 'right', cell: (row) => (workers[row].failed ? html`<span class="bad">${count(workers[row].failed)}</span>` : '0')},
    {name: 'node', label: 'Node', cell: (row) => button(workers[row])},
  ];

  function sorted() {
    const key = KEYS[query.get('sort')] ?? KEYS.state;
    const sign = query.get('desc') === '1' ? -1 : 1;
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    return workers.map((_, row) => row).sort((a, b) => sign * order(key(workers[a]), key(workers[b]))
      || order(workers[a].name, workers[b].name));
  }

  const tablePanel = () => panel('Workers', table.view({rows: sorted(), columns: columns(), sort: query.get('sort') ?? 'state',
    descending: query.get('desc') === '1', marked: () => false, onSort: (name) => {
      const isSame = name === (query.get('sort') ?? 'state');
      setQuery({sort: name, desc: isSame && query.get('desc') !== '1' ? '1' : null});
      update();
    }}));

  function head() {
    const of = (name) => workers.filter((w) => w.state === name).length;
    const busy = workers.filter((w) => busyWith(w).length).length;
    const parts = [plural(workers.length, 'worker'), `${count(busy)} busy`, `${count(workers.filter((w) => w.waiting).length)} waiting`,
      ...['draining', 'quarantined', 'gone'].filter(of).map((name) => `${count(of(name))} ${name}`)];
    return html`<div class="head"><h1>Workers</h1><span class="summary">${parts.join(' · ')}</span></div>`;
  }

  return {
    title: 'Workers',
    load,
    changed(batch) {
      if (batch.workers || batch.trials.size || batch.reset || batch.resync) again();
    },
    close() {
      again.cancel();
      clearInterval(clock);
    },
    view: () => html`${head()}${workers.length ? html`<div class="panels">${lanesPanel()}${tablePanel()}</div>`
      : empty('No worker was seen of late. On a machine that trains:', ['hone worker --study NAME -- ./train {args}'])}`,
  };
}
