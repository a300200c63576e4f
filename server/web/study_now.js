/** What runs in a study and what is best: the first panels of its page. `page` has the study's name, its path
 * in the API, what was read (`data`) and its trials as `columns`. */
import {copyButtons} from './share.js';
import {html, nothing, state, studyReason, studyPath, trialLink, counted, total, objective, number, num, cell, percent, value,
  bar, count, ago, span, panel, plural, FINAL, TRIAL_STATES} from './view.js';

/** Seconds until the last trial, from how fast the newest ended; null if that cannot be told. */
export function remaining(study, ended, now) {
  const limit = study.limits?.trials;
  const recent = ended.filter((at) => at !== null).sort((a, b) => a - b).slice(-30);
  if (study.state !== 'running' || !limit || recent.length < 5) return null;
  const left = limit - counted(study, ...FINAL);
  const rate = (recent.length - 1) / Math.max(1e-3, (now - recent[0]) / 1000);
  return left > 0 ? left / rate : null;
}

function runningList(page) {
  const states = page.columns.get('state'), steps = page.columns.get('step'), values = page.columns.get('value');
  const rows = [];
  for (let row = page.columns.n - 1; row >= 0; row--) if (states[row] === 'running') rows.push(row);
  rows.sort((a, b) => (steps[b] ?? -1) - (steps[a] ?? -1)).splice(5); // the furthest first
  const most = page.data.study.resource?.max;
  return html`<table class="tight"><tbody>${rows.map((row) => html`<tr><td>${trialLink(page.name, page.columns.numbers[row])}</td><td
    class="muted clip" title=${page.columns.get('worker')[row] ?? ''}>${page.columns.get('worker')[row] ?? ''}</td><td class="right">${
    steps[row] === null ? nothing : html`${num(steps[row])}${most ? html`<span class="muted">/${num(most)}</span>` : nothing}`}</td><td
    class="right">${number(values[row])}</td></tr>`)}</tbody></table>`;
}

export function nowPanel(page) {
  const study = page.data.study, running = counted(study, 'running'), limit = study.limits?.trials;
  const ended = counted(study, ...FINAL);
  const left = remaining(study, page.columns.get('ended_at').slice(-300), Date.now());
  const parts = TRIAL_STATES.filter((s) => counted(study, s)).map((s) => ({label: s, n: counted(study, s), kind: s}));
  parts.sort((a, b) => FINAL.has(b.kind) - FINAL.has(a.kind));
  return panel('What runs', html`<div class="stack"><div class="row"><span class="big">${count(running)}</span><span>running${
    limit ? html`<br><small>${count(ended)} of ${count(limit)} trials ended${left ? `, about ${span(left)} left` : ''}</small>`
      : html`<br><small>${count(ended)} trials ended</small>`}</span></div>${bar(parts, Math.max(limit ?? 0, total(study)),
    `${count(ended)} ended, ${count(running)} running`)}<div class="row legend">${parts.map((p) => html`<a
    href=${`${studyPath(page.name)}/trials?q=state:${p.kind}`}>${state(p.kind)} <b>${count(p.n)}</b></a>`)}</div>${
    running ? runningList(page) : html`<p class="muted">${idleText(study)}</p>`}</div>`, nothing, 'third');
}

function idleText(study) {
  if (study.state === 'finished') return `It is finished: ${studyReason(study)}.`;
  if (study.state !== 'running') return `It is ${study.state}: nothing new is handed out.`;
  return 'Nothing runs.';
}

export function bestPanel(page) {
  if (page.data.study.objectives.length > 1) {
    return panel('What is best', html`<div class="row"><span class="big">${count(page.data.front.length)}</span><span>trials that no
      other one beats<br><small>in ${page.data.study.objectives.map((o) => o.metric).join(' and ')}</small></span></div>${
      feasibleText(page)}${frontTable(page)}`, nothing, 'third');
  }
  const trial = page.data.best?.trial;
  if (!trial) return panel('What is best', noBest(page), nothing, 'third');
  const first = value(page.data.history[0]?.value), now = value(trial.value);
  const share = first && page.data.history.length > 1 ? (now - first) / Math.abs(first) : null;
  return panel('What is best', html`<div class="stack"><div class="row"><span class="big">${number(trial.value)}</span><span><span
    dir="auto">${objective(page.data.study).metric}</span>${share === null ? nothing : html` <span class="gain" title="Against the first
    value, ${num(first)}">${share < 0 ? '−' : '+'}${percent(Math.abs(share))}</span>`}<br><small>trial ${trialLink(page.name, trial.number)}${
    trial.step === null ? '' : `, ${page.data.study.resource?.name ?? 'step'} ${num(trial.step)}`}, ${trial.ended_at
      ? ago(trial.ended_at) : trial.state}</small></span></div>${luckyText(page)}${feasibleText(page)}${
    factsOf(trial.parameters)}${copyButtons(page.data.study, trial, `${page.path}/best`)}</div>`, nothing, 'third');
}

/* Which trial to use where the best observed one was lucky; nothing while that is not known. */
function luckyText(page) {
  const advised = page.data.advised?.recommended;
  return !advised?.matters || advised.best.trial !== page.data.best.trial.number ? nothing
    : html`<p>Rather use trial ${trialLink(page.name, advised.trial)}: ${advised.text}.</p>`;
}

/* How many trials satisfy the outcome constraints; nothing without any. */
function feasibleText(page) {
  const study = page.data.study, n = study.feasible_trials, of = counted(study, 'completed');
  return n === undefined ? nothing : html`<p><a href=${`${studyPath(page.name)}/trials?q=feasible:true`}>${count(n)} of ${
    plural(of, 'completed trial')}</a> satisf${n === 1 ? 'ies' : 'y'} ${study.subject_to.join(' and ')}.</p>`;
}

function noBest(page) {
  const {nearest, completed_trials: of} = page.data.best ?? {};
  if (!of) return html`<p class="muted">No trial has a value yet.</p>`;
  const violated = (nearest?.constraints ?? []).filter((c) => c.satisfied === false);
  return html`<div class="stack"><p>None of ${plural(of, 'completed trial')} is known to satisfy ${page.data.study.subject_to.join(' and ')}.</p>${
    nearest ? html`<p>The nearest is trial ${trialLink(page.name, nearest.trial)}: ${violated.map((c, i) => html`${i ? ', ' : ''}<span
      dir="auto">${c.metric}</span> ${number(c.value)}, beyond by ${number(c.excess)}`)}.</p>` : nothing}</div>`;
}

function factsOf(parameters) {
  const all = Object.entries(parameters);
  const list = (entries) => html`<dl class="facts">${entries.map(([k, v]) => html`<div><dt class="clip" dir="auto" title=${k}>${
    k}</dt><dd>${cell(v)}</dd></div>`)}</dl>`;
  return html`${list(all.slice(0, 8))}${all.length > 8
    ? html`<details><summary>${count(all.length - 8)} more</summary>${list(all.slice(8))}</details>` : nothing}`;
}

function frontTable(page) {
  const goals = page.data.study.objectives;
  return html`<table class="tight"><thead><tr><th scope="col">Trial</th>${goals.map((o) => html`<th scope="col" class="right"
    dir="auto">${o.metric}</th>`)}</tr></thead><tbody>${page.data.front.slice(0, 8).map((t) => html`<tr><td>${
    trialLink(page.name, t.number)}</td>${goals.map((o) => html`<td class="right">${number(t.metrics[o.metric])}</td>`)}</tr>`)}</tbody></table>`;
}
