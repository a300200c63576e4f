/** One trial: its configuration, its curve, who trained it, what it printed, and why it is where it is. */
import './chart.js';
import {get, text} from './api.js';
import * as plots from './plots.js';
import * as steer from './steer.js';
import {copyButtons, curlOf} from './share.js';
import {html, nothing, state, trialPath, trialLink, apiPath, objective, number, num, cell, value, ago, moment, span, plural, count,
  failureText, isAnother, isOverload, throttle, panel, FINAL} from './view.js';

const TAIL = 200; // lines

export function open(context) {
  const {params, query, update, setQuery, go} = context;
  const name = params.study, n = Number(params.trial), path = `v1/${trialPath(name, n)}`;
  const data = {study: null, trial: null, attempts: [], explain: null, measured: [], log: null};

  async function load() {
    [data.study, data.trial] = await Promise.all([get(apiPath(name)), get(path)]);
    await Promise.all([readParts(), readMeasured(), readLogSoon()]);
  }
  async function readParts() {
    const [attempts, explain] = await Promise.all([get(`${path}/attempts`), get(`${path}/explain`)]);
    data.attempts = attempts.items;
    data.explain = explain;
    update();
  }
  async function readMeasured() {
    data.measured = (await get(`${path}/measurements?limit=1000`)).items;
    update();
  }
  async function readLog() {
    const attempt = query.get('attempt');
    try {
      data.log = !data.trial.attempt ? null : await text(`${path}/log?tail=${TAIL}&format=table${attempt ? `&attempt=${attempt}` : ''}`);
    } catch (problem) {
      if (!problem.status || isOverload(problem)) throw problem;
      data.log = null; // never begun, or its log is not kept
    }
    const box = document.querySelector('.log');
    const atEnd = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    update();
    if (atEnd) requestAnimationFrame(() => requestAnimationFrame(() => {
      const now = document.querySelector('.log');
      if (now) now.scrollTop = now.scrollHeight;
    }));
  }
  /** Reads the log; a server that does not answer now is asked again. */
  const readLogSoon = () => readLog().catch((problem) => {
    if (problem.status === undefined) throw problem;
    again.log();
  });
  const again = {
    trial: throttle(async () => {
      const before = data.trial;
      data.trial = await get(path);
      if (isAnother(before, data.trial)) data.study = await get(apiPath(name));
      await readParts();
    }, 500),
    measured: throttle(readMeasured, 500),
    log: throttle(readLog, 1000),
  };
  const everything = () => Object.values(again).forEach((ask) => ask());

  /* ---- what is shown ---- */

  let chart = {measured: null, data: null};
  function curve() {
    if (chart.measured === data.measured) return chart.data;
    const names = [...new Set(data.measured.flatMap((m) => Object.keys(m.metrics)))];
    const wanted = query.get('metric') ?? objective(data.study).metric;
    const metric = names.includes(wanted) ? wanted : names[0];
    const points = new Map(); // the newest attempt's value counts
    data.measured.forEach((m) => m.metrics[metric] !== undefined && points.set(m.step, m.metrics[metric]));
    const sorted = [...points].sort((a, b) => a[0] - b[0]);
    chart = {measured: data.measured, names, metric, data: sorted.length ? {...plots.curvesData(data.study, {metric, items: [{number: n,
      state: data.trial.state, step: sorted.map((p) => p[0]), value: sorted.map((p) => p[1])}]}), kind: 'history', clip: false, title: metric,
      csv: `${path}/measurements?format=csv`, curl: curlOf(`${path}/measurements`)} : null};
    return chart.data;
  }

  function curvePanel() {
    const d = curve();
    const choice = chart.names.length > 1 ? html`<span class="gap"></span><select aria-label="Metric" @change=${
      (event) => {
        setQuery({metric: event.target.value});
        chart = {measured: null};
        update();
      }}>${chart.names.map((m) => html`<option ?selected=${m === chart.metric}>${m}</option>`)}</select>` : nothing;
    return panel('Learning curve', d ? html`<hone-chart .data=${d}></hone-chart>`
      : html`<p class="muted">${FINAL.has(data.trial.state) ? 'It measured nothing on its way.'
        : 'It has measured nothing yet.'}</p>`, choice);
  }

  function parametersPanel() {
    const entries = Object.entries(data.trial.parameters);
    const table = (list) => html`<dl class="facts">${list.map(([k, v]) => html`<div><dt class="clip" dir="auto" title=${k}>${k}</dt><dd>${
      cell(v)}</dd></div>`)}</dl>`;
    return panel('Configuration', html`<div class="stack">${table(entries.slice(0, 24))}${entries.length > 24
      ? html`<details><summary>${count(entries.length - 24)} more</summary>${table(entries.slice(24))}</details>` : nothing}${
      copyButtons(data.study, data.trial)}</div>`);
  }

  function metricsPanel() {
    const entries = Object.entries(data.trial.metrics);
    if (entries.length < 2) return nothing;
    return panel('Metrics', html`<dl class="facts">${entries.map(([k, v]) => html`<div><dt class="clip" dir="auto" title=${k}>${k}</dt><dd>${
      number(v)}</dd></div>`)}</dl>`);
  }

  function usage(a) {
    const took = a.ended_at ? (new Date(a.ended_at) - new Date(a.started_at)) / 1000 : null;
    return span(a.usage?.wall_seconds ?? took);
  }

  function attemptsPanel() {
    if (!data.attempts.length) return nothing;
    return panel(plural(data.attempts.length, 'attempt'), html`<div class="scroll-x" tabindex="0" role="region" aria-label="Attempts"><table class="list"><thead><tr><th scope="col" class="right">#</th><th
      scope="col">Worker</th><th scope="col">How it ended</th><th scope="col" class="right">${data.study.resource?.name ?? 'Steps'}</th><th
      scope="col" class="right">Took</th><th scope="col">Began</th></tr></thead><tbody>${data.attempts.map((a) => html`<tr><td class="right">${
      a.attempt}</td><td dir="auto">${a.worker}</td><td>${state(a.state, a.reason)}${a.reason ? html`<small dir="auto">${failureText(a.reason)}</small>` : nothing}${
      a.detail ? html`<small class="lines" dir="auto">${a.detail.slice(0, 2000)}</small>` : nothing}</td><td class="right">${num(a.from)} → ${
      num(a.step ?? a.to)}</td><td class="right">${usage(a)}</td><td><time title=${a.started_at}>${moment(a.started_at)}</time></td></tr>`)}</tbody></table></div>`,
      nothing);
  }

  function explainPanel() {
    const e = data.explain;
    if (!e) return nothing;
    const s = e.schedule;
    const steps = (s?.history ?? []).filter((h) => h.text);
    return panel('Why', html`<div class="stack"><p>Its configuration is ${e.provenance.text}.</p>${(e.constraints ?? []).map(bound)}${predicted(e.suggestion)}${endOf(data.trial, s)}${steps.length ? html`<ol class="plainlist">${steps.map((h) => html`<li>${h.text} <small>${
      ago(h.at)}</small></li>`)}</ol>` : nothing}${e.notes.map((note) => html`<p class="lines" dir="auto">${state(note.state)} attempt ${note.attempt}: ${
      note.text.slice(0, 2000)}</p>`)}</div>`);
  }
  /** One outcome constraint of the study, and what the trial has to say to it. */
  function bound(c) {
    const metric = html`<span dir="auto">${c.metric}</span>`;
    if (c.satisfied === null) return html`<p>${metric} was not reported, so whether <b dir="auto">${c.constraint}</b> holds is not known.</p>`;
    return html`<p class=${c.satisfied ? nothing : 'bad'}>${metric} ${number(c.value)} ${c.satisfied ? 'satisfies' : 'violates'} <b
      dir="auto">${c.constraint}</b>${c.satisfied ? '.' : html` by ${number(c.excess)}.`}</p>`;
  }
  /** The schedule knows only that a trial is no longer in its rung; the trial knows why. */
  function endOf({state: name, reason}, schedule) {
    if (name === 'failed') return html`<p>It failed: ${failureText(reason)}.</p>`;
    if (name === 'cancelled') return html`<p>It was ended by a user, or with its study.</p>`;
    return schedule?.text ? html`<p>It ${schedule.text}.</p>` : nothing;
  }
  function predicted(suggestion) {
    const p = suggestion?.predicted;
    if (!p) return nothing;
    return html`<p>The model expected ${number(p.mean)} ± ${number(p.sd)}${value(data.trial.value) === null ? '.'
      : html`; it became ${number(data.trial.value)}.`}</p>`;
  }

  function logPanel() {
    const attempt = Number(query.get('attempt')) || data.trial.attempt;
    const choice = data.attempts.length > 1 ? html`<span class="gap"></span><select aria-label="Attempt" @change=${
      (event) => {
        setQuery({attempt: event.target.value});
        data.log = null;
        readLogSoon();
      }}>${data.attempts.map((a) => html`<option value=${a.attempt} ?selected=${a.attempt === attempt}>attempt ${a.attempt}</option>`)}</select>` : nothing;
    return panel('What it printed', data.log ? html`<pre class="log" tabindex="0" dir="auto" aria-label="Log, last lines">${data.log}</pre><p><small>The last ${
      TAIL} lines${FINAL.has(data.trial.state) ? '' : ', as they come'}. All of it: <code>hone logs ${name} ${n}</code></small></p>`
      : html`<p class="muted">${data.trial.attempt ? 'It printed nothing, or its worker does not send what jobs print.'
        : 'It has not begun.'}</p>`, choice);
  }

  function actions() {
    const {study, trial} = data;
    const does = (work) => async () => {
      await work();
      everything();
    };
    const open = study.state === 'running' || study.state === 'paused';
    return html`<div class="buttons">${trial.state === 'failed' || trial.state === 'infeasible'
      ? html`<button @click=${does(() => steer.retryTrial(study, trial))}>Retry</button>` : nothing}${open
      ? html`<button @click=${async () => {
          const added = await steer.enqueue(study, trial.parameters);
          if (added) go(trialPath(name, added.number));
        }}>Add a copy…</button>` : nothing}${FINAL.has(trial.state) ? nothing
      : html`<button @click=${does(() => steer.cancelTrial(study, trial))}>Cancel…</button>`}</div>`;
  }

  /** The last step measured and a metric's value there, while the trial has none of its own. */
  function latest(metric) {
    const rows = data.measured.filter((m) => m.metrics[metric] !== undefined);
    return rows.reduce((last, m) => (!last || m.step >= last.step ? m : last), null);
  }
  const valueNow = (o) => (data.study.objectives.length > 1 ? data.trial.metrics[o.metric] : data.trial.value)
    ?? latest(o.metric)?.metrics[o.metric];
  const stepNow = () => (FINAL.has(data.trial.state) ? data.trial.step
    : latest(objective(data.study).metric)?.step ?? data.trial.step);

  function head() {
    const {study, trial} = data;
    const total = Object.values(study.counts ?? {}).reduce((a, b) => a + b, 0);
    return html`<div class="head"><h1>Trial #${n}</h1>${state(trial.state, trial.reason)}${trial.reason
      ? html`<span class="muted" dir="auto">${failureText(trial.reason)}</span>` : nothing}${trial.feasible === false
      ? html`<b class="bad">not feasible</b>` : trial.feasible === null && FINAL.has(trial.state)
      ? html`<span class="muted">not known to be feasible</span>` : nothing}<span class="gap"></span>${n > 1
      ? html`<a class="button" href=${trialPath(name, n - 1)} aria-label="Trial before">‹</a>` : nothing}${n < total
      ? html`<a class="button" href=${trialPath(name, n + 1)} aria-label="Trial after">›</a>` : nothing}${actions()}</div><div
      class="row numbers">${study.objectives.map((o) => html`<div><small dir="auto">${o.metric}</small><b class="big">${number(
      valueNow(o))}</b></div>`)}<div><small>${study.resource?.name ?? 'step'}</small><b
      class="big">${num(stepNow())}${study.resource ? html`<span class="muted">/${num(study.resource.max)}</span>` : nothing}</b></div><div><small>${
      FINAL.has(trial.state) ? 'took' : 'began'}</small><b class="big">${took(trial)}${FINAL.has(trial.state) || !trial.started_at ? nothing : ' ago'}</b></div><div><small>worker</small><b dir="auto">${
      trial.worker ?? '–'}</b></div><div><small>came as</small><b>${trial.source}</b></div></div>`;
  }
  function took(trial) {
    if (!trial.started_at) return '–';
    return span((new Date(trial.ended_at ?? Date.now()) - new Date(trial.started_at)) / 1000);
  }

  return {
    title: () => `Trial ${n} of ${name}`,
    load,
    changed(batch) {
      if (batch.reset || batch.resync) return everything();
      if (!batch.trials.get(name)?.has(n)) return;
      again.measured();
      again.trial();
      again.log();
    },
    close: () => Object.values(again).forEach((ask) => ask.cancel()),
    view: () => html`${head()}<div class="panels"><div class="two-thirds stack">${curvePanel()}${attemptsPanel()}${logPanel()}</div><div
      class="third stack">${parametersPanel()}${explainPanel()}${metricsPanel()}</div></div>`,
  };
}
