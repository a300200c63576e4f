/** All studies: which run, what is best, what needs a look. */
import {all, get, root} from './api.js';
import {html, nothing, state, studyReason, studyPath, apiPath, counted, total, objective, number, num, percent,
  value, sparkline, bar, count, ago, plural, throttle, empty} from './view.js';

const TRACES = 6; // read at once

/** The first value, the best, and by how much that is better. */
function gain(study, items) {
  const values = items.map((item) => value(item.value)).filter(Number.isFinite);
  if (values.length < 2 || values[0] === 0) return nothing;
  const share = (values.at(-1) - values[0]) / Math.abs(values[0]);
  const sign = share < 0 ? '−' : '+';
  return html`<span class="gain" title="Against the first value, ${num(values[0])}">${sign}${
    percent(Math.abs(share))}</span>`;
}

/** Something that a person should look at, or nothing. */
function attention(study, workers) {
  const failed = counted(study, 'failed'), running = counted(study, 'running');
  const done = counted(study, 'completed', 'pruned', 'paused');
  if (study.state === 'finished' && study.reason === 'failures') return 'failed too often';
  if (failed > 0 && failed >= done) return `${count(failed)} failed`;
  if (study.state !== 'running' || running || !workers) return '';
  return workers.some((w) => w.waiting) ? 'nothing runs' : 'no worker asks for trials';
}

function commands() {
  const where = root.href.replace(/\/$/, '');
  return [`export HONE_URL=${where}`,
    'hone run first --maximize accuracy -P lr=log:1e-5..1e-1 --trials 40 -- ./train --lr {lr}'];
}

export function open(context) {
  const {update, query, setQuery} = context;
  let studies = [], workers = null, traces = new Map();
  const wanted = new Set();

  async function readTrace(study) {
    try {
      traces.set(study.name, study.objectives.length > 1
        ? {front: (await get(`${apiPath(study.name)}/pareto`)).items.length}
        : {items: (await get(`${apiPath(study.name)}/history`)).items});
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      traces.delete(study.name); // deleted meanwhile, or no answer: the row shows no value
    }
    update();
  }

  /** Reads the values of the studies in `wanted`, a few at a time, the newest first. */
  const readTraces = throttle(async () => {
    const mine = studies.filter((s) => wanted.has(s.name));
    wanted.clear();
    const next = async () => {
      for (let study; (study = mine.shift()); ) await readTrace(study);
    };
    await Promise.all(Array.from({length: TRACES}, next));
  }, 1000);

  async function readStudies() {
    studies = await all('v1/studies');
    const active = (s) => (counted(s, 'running') ? 2 : s.state === 'running' ? 1 : 0);
    studies.sort((a, b) => active(b) - active(a)
      || b.created_at.localeCompare(a.created_at));
    studies.filter((s) => !traces.has(s.name)).forEach((s) => wanted.add(s.name));
    readTraces();
    update();
  }
  const again = throttle(readStudies, 1000);
  const againWorkers = throttle(async () => { // there may be thousands of them
    workers = (await get('v1/workers')).items;
    update();
  }, 5000);

  const shown = () => {
    const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    return studies.filter((s) => words.every((w) => s.name.includes(w) || s.state === w
      || (s.description ?? '').toLowerCase().includes(w)
      || Object.entries(s.labels ?? {}).some((pair) => pair.join('=').toLowerCase().includes(w))));
  };

  function bestCell(study) {
    const trace = traces.get(study.name), goal = objective(study);
    if (trace?.front !== undefined) {
      return html`<a href="${studyPath(study.name)}">${plural(trace.front, 'trial')}</a><small>on the front</small>`;
    }
    const best = trace?.items.at(-1);
    return html`${best ? html`<b>${number(best.value)}</b>` : '–'}<small dir="auto" title=${goal.metric}>${
      goal.direction === 'maximize' ? '↑' : '↓'} ${goal.metric}</small>`;
  }

  function progressCell(study) {
    const limit = study.limits?.trials;
    const done = counted(study, 'completed', 'pruned', 'failed', 'infeasible', 'cancelled');
    const parts = [{label: 'ended', n: done - counted(study, 'failed'), kind: 'completed'},
      {label: 'failed', n: counted(study, 'failed'), kind: 'failed'},
      {label: 'running', n: counted(study, 'running'), kind: 'running'},
      {label: 'paused', n: counted(study, 'paused'), kind: 'paused'}];
    const text = limit ? `${count(done)} of ${count(limit)}` : `${count(done)} ended`;
    return html`${bar(parts, limit && Math.max(limit, total(study)), text)}<small>${text}</small>`;
  }

  function row(study) {
    const trace = traces.get(study.name)?.items ?? [];
    const look = attention(study, workers);
    const reason = studyReason(study);
    const running = counted(study, 'running'), failed = counted(study, 'failed');
    return html`<tr><th scope="row"><a href=${studyPath(study.name)} title=${study.name}>${study.name}</a>${
      study.description ? html`<small dir="auto" title=${study.description.slice(0, 1000)}>${
        study.description.slice(0, 200)}</small>` : nothing}</th><td>${state(study.state, reason)}${
      look ? html`<small class="warn">${look}</small>` : reason ? html`<small>${reason}</small>` : nothing}</td><td
      class="right">${bestCell(study)}</td><td class="right wide">${gain(study, trace)}</td><td class="progress">${
      progressCell(study)}</td><td class="right">${running ? html`<a href="${studyPath(study.name)}/trials?q=state:running">${
      count(running)}</a>` : 0}</td><td class="right">${failed ? html`<a class="bad"
      href="${studyPath(study.name)}/trials?q=state:failed">${count(failed)}</a>` : 0}</td><td class="wide">${
      sparkline(trace.map((item) => value(item.value)), `best value over time, now ${num(trace.at(-1)?.value)}`)}</td><td
      class="right wide">${ago(study.created_at)}</td></tr>`;
  }

  function table(rows) {
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Table of studies"><table
      class="list studies"><thead><tr><th scope="col">Study</th><th scope="col">State</th><th scope="col"
      class="right">Best</th><th scope="col" class="right wide">Gain</th><th scope="col">Progress</th><th scope="col"
      class="right">Running</th><th scope="col" class="right">Failed</th><th scope="col" class="wide">Best over time</th><th
      scope="col" class="right wide">Created</th></tr></thead><tbody>${rows.map(row)}</tbody></table></div>`;
  }

  function workersText() {
    if (!workers) return nothing;
    const busy = workers.filter((w) => w.leases.length).length;
    const ill = workers.filter((w) => w.state === 'quarantined').length;
    return html` · <a
      href="workers">${plural(workers.filter((w) => w.state !== 'gone').length, 'worker')}</a>, ${count(busy)} busy${
      ill ? html`, <a class="bad" href="workers">${count(ill)} quarantined</a>` : nothing}`;
  }
  const summary = () => html`<p class="summary">${plural(studies.length, 'study', 'studies')}, ${
    count(studies.filter((s) => s.state === 'running').length)} running${workersText()}</p>`;

  return {
    title: 'Studies',
    async load() {
      await readStudies();
      againWorkers();
    },
    changed(batch) {
      batch.studies.forEach((name) => wanted.add(name));
      if (batch.reset) traces.clear();
      if (batch.studies.size || batch.workers || batch.reset || batch.resync) {
        again();
        againWorkers();
      }
    },
    close: () => (again.cancel(), againWorkers.cancel(), readTraces.cancel()),
    view() {
      if (!studies.length) {
        return html`<h1>Studies</h1>${empty('There is no study yet. Point the command line here and begin one:',
          commands())}<p class="center">or <a class="button" href="new">describe a study in the browser</a></p>`;
      }
      const rows = shown();
      return html`<div class="head"><h1>Studies</h1>${summary()}<span class="gap"></span><input type="search"
        aria-label="Filter studies" placeholder="Filter: name, state, label  ( / )" .value=${query.get('q') ?? ''}
        @input=${(event) => (setQuery({q: event.target.value}), update())}><a class="button primary" href="new">New
        study</a></div>${rows.length ? table(rows)
          : empty('No study fits the filter. Clear it to see all of them.')}`;
    },
  };
}
