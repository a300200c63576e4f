/** Small pieces that every page uses: formats, states, dialogs. Text only, never markup. */
import {html, svg, nothing, render} from './vendor/lit-html.js';

export {html, svg, nothing, render};

/* ---- numbers and times ---- */

/** Non-finite numbers travel as strings; anything that is no number is null. */
export function value(x) {
  if (typeof x === 'number') return x;
  return {NaN, Infinity, '-Infinity': -Infinity}[x] ?? null;
}

/** Four significant digits, or as many as `digits` says; all before the point up to ten million. */
export function num(x, digits = 4) {
  const v = value(x);
  if (v === null) return '–';
  if (Number.isNaN(v)) return 'NaN';
  if (!Number.isFinite(v)) return v > 0 ? '∞' : '−∞';
  if (Number.isInteger(v) && Math.abs(v) < 1e7) return minus(String(v));
  const size = Math.abs(v);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return minus(tidy(v.toExponential(digits - 1)));
  if (Math.round(size) >= 10 ** digits) return minus(count(Math.round(v)));
  return minus(tidy(v.toPrecision(digits)));
}
const minus = (s) => s.replace('-', '−').replace('e+', 'e').replace('e-', 'e−');
const tidy = (s) => s.replace(/(\.\d*?)0+(e|$)/, '$1$2').replace(/\.(e|$)/, '$1');

/** A number with its full value on hover. */
export const number = (x, digits) =>
  html`<span class="n" title=${x === null || x === undefined ? '' : String(x)}>${num(x, digits)}</span>`;

/** A parameter's value of any JSON type, as people write it. */
export function plain(x) {
  if (x === null || x === undefined) return '–';
  if (typeof x === 'number') return num(x);
  return typeof x === 'string' ? x : JSON.stringify(x);
}
const full = (x) => (x === undefined ? '' : typeof x === 'string' ? x : JSON.stringify(x));
export const cell = (x) =>
  html`<span class=${typeof x === 'number' ? 'n' : 'v'} dir="auto" title=${full(x).slice(0, 2000)}>${
    plain(x).slice(0, 400)}</span>`;

export const count = (n) => (n ?? 0).toLocaleString('en').replaceAll(',', '\u202f');
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
/** So much of a resource, which is named in the plural: 1 epoch, 3 epochs. */
export const amount = (n, unit) => `${num(n)} ${n === 1 ? singular(unit) : unit}`;
const singular = (unit) => unit.replace(/(?<=ch|sh|ss|x)es$|(?<=[^s])s$/, '');
export const percent = (share) => `${num(100 * share, share < 0.1 ? 2 : 3)} %`;

const two = (n) => String(Math.trunc(n)).padStart(2, '0');
/** Local time with its offset: 2026-11-29 19:48:33 +01:00. */
export function moment(at) {
  if (at === null || at === undefined) return '–';
  const d = new Date(at);
  const offset = -d.getTimezoneOffset();
  const zone = `${offset < 0 ? '−' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${
    two(d.getMinutes())}:${two(d.getSeconds())} ${zone}`;
}
/** A span of time in its two largest units. */
export function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const s = Math.max(0, seconds);
  if (s < 10) return `${num(s, 2)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
/** A coarse age: 3 s, 5 min, 2 h, 4 d. */
export function age(at, now = Date.now()) {
  const s = Math.max(0, (now - new Date(at).getTime()) / 1000);
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}
export const ago = (at) =>
  at ? html`<time datetime=${new Date(at).toISOString()} title=${moment(at)}>${age(at)} ago</time>` : '–';

/* ---- states: a shape and a colour each ---- */

export const SHAPES = {
  queued: 'M6 1.8a4.2 4.2 0 1 0 .01 0z',
  running: 'M3 1.5v9L10.5 6z',
  paused: 'M3.5 2v8M8.5 2v8',
  completed: 'M1.8 6.4 4.8 9.4 10.3 2.8',
  pruned: 'M2 3.2h8L6 9.6z',
  failed: 'M2.2 2.2l7.6 7.6M9.8 2.2 2.2 9.8',
  infeasible: 'M6 1.8a4.2 4.2 0 1 0 .01 0zM3 9 9 3',
  cancelled: 'M2 6h8',
  stopped: 'M2.5 2.5h7v7h-7z',
  finished: 'M1.8 6.4 4.8 9.4 10.3 2.8',
  lost: 'M6 1.5v5.5M6 9.4v1',
};
const MEANING = {
  queued: 'waits for a worker',
  running: 'a worker trains it',
  paused: 'waits for others at its rung',
  completed: 'trained to its end',
  pruned: 'stopped early: others were better at the same step',
  failed: 'ended without a usable value',
  infeasible: 'its configuration cannot be trained',
  cancelled: 'ended by a user, or with its study',
};
/** A state as people read it: shape and colour of the trial state `like`, word, and why on hover. */
export function state(name, reason, like = SHAPES[name] ? name : 'lost') {
  return html`<span class="state s-${like}" title=${reason ? failureText(reason) : MEANING[name] || ''}><svg viewBox="0 0 12 12"
    aria-hidden="true"><path d=${SHAPES[like]}></path></svg>${name}</span>`;
}
export const TRIAL_STATES = ['running', 'queued', 'paused', 'completed', 'pruned', 'failed',
  'infeasible', 'cancelled'];
export const FINAL = new Set(['completed', 'pruned', 'failed', 'infeasible', 'cancelled']);

const STUDY_REASON = {
  trials: 'all its trials were tried',
  seconds: 'its time is used up',
  resource: 'its resource is used up',
  target: 'its target was reached',
  failures: 'too many trials failed',
  exhausted: 'every configuration was tried',
  rounds: 'its rounds are complete',
};
const FAILURE = {
  exit_code: 'it ended with an error',
  signal: 'it was killed',
  timeout: 'it took too long',
  stalled: 'it reported nothing for too long',
  oom: 'out of memory',
  no_metric: 'it reported no value',
  diverged: 'its value is not finite',
  lost: 'its workers were lost',
};
/** Why a trial or an attempt ended as it did, in words. */
export const failureText = (reason) => FAILURE[reason] ?? reason ?? 'no reason given';

/** Why a study is in its state, in words. */
export const studyReason = (study) =>
  study.detail || STUDY_REASON[study.reason] || (study.reason ? String(study.reason) : '');

/* ---- studies ---- */

export const studyPath = (name) => `studies/${encodeURIComponent(name)}`;
export const trialPath = (name, n) => `${studyPath(name)}/trials/${n}`;
export const apiPath = (name) => `v1/studies/${encodeURIComponent(name)}`;
export const trialLink = (study, n) => html`<a href=${trialPath(study, n)}>#${n}</a>`;

/** Trials of these states together. */
export const counted = (study, ...states) =>
  states.reduce((sum, s) => sum + (study.counts?.[s] ?? 0), 0);
export const total = (study) => Object.values(study.counts ?? {}).reduce((a, b) => a + b, 0);
export const objective = (study) => study.objectives[0];
export const better = (direction) => (direction === 'maximize' ? (a, b) => a > b : (a, b) => a < b);
export const goal = (o) => (o.direction === 'maximize' ? 'larger is better' : 'smaller is better');

/** A line of values, 96 by 22, without axes. */
export function sparkline(values, label) {
  const ys = values.filter(Number.isFinite);
  if (ys.length < 2) return html`<span class="muted">–</span>`;
  const low = Math.min(...ys), height = Math.max(...ys) - low || 1;
  const at = (y, i) => `${(2 + (92 * i) / (ys.length - 1)).toFixed(1)},${
    (19 - (16 * (y - low)) / height).toFixed(1)}`;
  return html`<svg class="spark" viewBox="0 0 96 22" role="img" aria-label=${label}><polyline points=${
    ys.map(at).join(' ')}></polyline><circle cx="94" cy=${at(ys.at(-1), ys.length - 1).split(',')[1]}
    r="2"></circle></svg>`;
}

/** Shares of a whole side by side: [{label, n, kind}]. */
export function bar(parts, whole, label) {
  const all = whole || parts.reduce((sum, p) => sum + p.n, 0) || 1;
  return html`<div class="bar" role="img" aria-label=${label}>${parts
    .filter((p) => p.n > 0)
    .map((p) => html`<span class="b-${p.kind}" title="${p.label}: ${count(p.n)}"
      .style=${`flex:0 0 ${Math.min(100, (100 * p.n) / all)}%`}></span>`)}</div>`;
}

/* ---- what pages have in common ---- */

export const panel = (title, body, more = nothing, kind = '') => html`<section class="panel ${kind}">
  <header><h2>${title}</h2>${more}</header>${body}</section>`;
export const empty = (text, commands = []) => html`<div class="empty"><p>${text}</p>${
  commands.map((command) => html`<pre class="command">${command}</pre>`)}</div>`;
export const problemView = (problem, retry) => html`<div class="problem" role="alert"><p>${
  problem.message}</p>${retry ? html`<button @click=${retry}>Try again</button>` : nothing}</div>`;

/** Was the study or trial that was read before deleted, and is this another one of its name? */
export const isAnother = (before, now) => before !== null && before.created_at !== now.created_at;

/** Does the same request have an answer later? Without any answer the stream says when: it begins again. */
export const isOverload = ({status}) => status === 429 || status >= 500;
const RETRY_MS = 2000; // where the answer names no time

/**
 * Runs `work` at once, then at most every `ms` (or what it returns), never twice at a time, and once more at the end.
 * After a server that could not answer now (503), again when the server says.
 */
export function throttle(work, ms) {
  let running = false, again = false, cancelled = false, last = -Infinity, timer = 0;
  const run = async () => {
    timer = 0;
    running = true;
    again = false;
    last = performance.now();
    try {
      await work();
    } catch (error) {
      if (error.name !== 'AbortError' && error.status === undefined) throw error;
      if (isOverload(error) && !cancelled) timer = setTimeout(run, error.wait || RETRY_MS);
    } finally {
      running = false;
      if (again && !cancelled) ask();
    }
  };
  const ask = () => {
    if (running) again = true;
    else timer ||= setTimeout(run, Math.max(0, last + (typeof ms === 'function' ? ms() : ms) - performance.now()));
  };
  ask.cancel = () => {
    cancelled = true;
    clearTimeout(timer);
  };
  return ask;
}

/** Says something without taking the focus. */
export function notify(text, kind = 'info') {
  const line = document.createElement('p');
  line.className = kind;
  line.textContent = text;
  document.getElementById('notices').append(line);
  setTimeout(() => line.remove(), kind === 'bad' ? 10_000 : 4_000);
}

/** Copies text; navigator.clipboard is missing on plain http. */
export async function copy(text, what = 'Copied') {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
    notify(`${what}.`);
  } catch {
    notify('The browser does not let the page copy.', 'bad');
  }
}
function copyBySelection(text) {
  const area = document.createElement('textarea');
  area.value = text;
  (document.querySelector('dialog[open]') || document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('refused');
}

/** Shows a dialog until `done` is called; resolves with what it was called with. */
export function dialog(title, content) {
  return new Promise((resolve) => {
    const box = document.createElement('dialog');
    const before = document.activeElement;
    let answer;
    const done = (result) => {
      answer = result;
      box.close();
    };
    box.setAttribute('aria-label', title);
    box.addEventListener('close', () => {
      box.remove();
      before?.focus?.();
      resolve(answer);
    });
    box.addEventListener('click', (event) => event.target === box && box.close());
    const update = () => render(content(done, update), box);
    document.body.append(box);
    update();
    box.showModal();
  });
}

/** Asks before something that cannot be undone; `typed`: text to type first. Resolves to true. */
export function confirm({title, text, action, typed}) {
  let given = '';
  return dialog(title, (done, update) => html`<form method="dialog" @submit=${(event) => {
    event.preventDefault();
    if (!typed || given === typed) done(true);
  }}><h2>${title}</h2><p>${text}</p>${typed
    ? html`<label>Type <b>${typed}</b> to go on<input autocomplete="off" autofocus @input=${(event) => {
        given = event.target.value;
        update();
      }}></label>`
    : nothing}<div class="buttons"><button type="button" @click=${() => done(false)}>Leave it</button><button
    class="danger" ?disabled=${typed && given !== typed}>${action}</button></div></form>`);
}

/** Runs a change and says how it went. */
export async function act(work, said) {
  try {
    const result = await work();
    if (said) notify(said);
    return result;
  } catch (problem) {
    notify(problem.errors?.length ? problem.errors.map((e) => e.detail).join(' ') : problem.message, 'bad');
    return undefined;
  }
}
