/** What a user can do to a study or a trial: buttons, and the dialogs behind them. */
import {call, get} from './api.js';
import {keyedByName} from './filters.js';
import {html, nothing, dialog, confirm, act, apiPath, counted, count, plural, trialPath, plain} from './view.js';

export const setState = (study, state, said) =>
  act(() => call('PATCH', apiPath(study.name), {state}), said);

/** The study as it is now: what a dialog says should be true. */
const fresh = (study) => act(() => get(apiPath(study.name)));

export async function stopStudy(shown) {
  const study = await fresh(shown);
  if (!study) return;
  const running = counted(study, 'running'), waiting = counted(study, 'queued', 'paused');
  const sure = await confirm({
    title: 'Stop the study',
    text: `${plural(running, 'running trial')} will be told to stop, and ${plural(waiting, 'waiting one')} cancelled. `
      + 'What was measured stays. A pause lets trials go on to their end instead.',
    action: 'Stop it',
    typed: study.name,
  });
  if (sure) await setState(study, 'stopped', 'The study is stopped.');
}

export async function retryFailed(shown) {
  const study = await fresh(shown);
  if (!study) return;
  const failed = counted(study, 'failed');
  const sure = await confirm({
    title: 'Try failed trials again',
    text: `${plural(failed, 'trial')} will be queued again, each from its start. Mend the cause first.`,
    action: `Try ${count(failed)} again`,
  });
  if (!sure) return;
  const done = await act(() => call('POST', `${apiPath(study.name)}/trials/retry`, {state: 'failed'}));
  if (done) await act(() => Promise.resolve(), `${plural(done.items.length, 'trial')} queued again${
    done.skipped ? `, ${count(done.skipped)} not: imported, or their rung is decided` : ''}.`);
}

/* ---- limits ---- */

export const LIMITS = [
  ['trials', 'Trials', 'configurations that are tried'],
  ['parallel', 'At the same time', 'trials that run at once'],
  ['seconds', 'Seconds', 'since the first trial began'],
  ['resource', 'Resource', 'steps trained by all trials together'],
  ['target', 'Target', 'a value that is good enough'],
  ['failures', 'Failures', 'failed trials that end the study'],
  ['attempts', 'Attempts', 'of a trial whose workers are lost'],
  ['retries', 'Retries', 'of a trial that fails by itself'],
  ['trial_seconds', 'Seconds a trial', 'then its attempt is ended'],
  ['stall_seconds', 'Silent seconds', 'then its attempt is ended'],
  ['guest_share', 'Guest share', 'of the trials that may be enqueued, 0 to 1'],
];

/** The fields of a form whose names begin with `prefix`, numbers where they are numbers. */
function limitsOf(form) {
  const limits = {};
  for (const [name] of LIMITS) {
    const text = form.elements[name].value.trim();
    limits[name] = text === '' ? null : Number.isNaN(Number(text)) ? text : Number(text);
  }
  return limits;
}

/** A dialog whose `send` may refuse with faults at fields. Resolves to what it answered. */
function formDialog(title, action, fields, send) {
  let faults = [], busy = false;
  const submit = async (event, done, update) => {
    event.preventDefault();
    busy = true;
    update();
    try {
      done(await send(event.target));
    } catch (problem) {
      if (problem.status === undefined && !(problem instanceof SyntaxError)) throw problem;
      faults = problem.errors?.length ? problem.errors : [{pointer: '', detail: problem.message}];
    }
    busy = false;
    update();
  };
  return dialog(title, (done, update) => html`<form @submit=${(event) => submit(event, done, update)}><h2>${
    title}</h2>${fields(faults)}${faultsElsewhere(faults)}<div class="buttons"><button type="button" @click=${() =>
    done()}>Leave it</button><button class="primary" ?disabled=${busy}>${action}</button></div></form>`);
}
const faultsElsewhere = (faults) => faults.length
  ? html`<p class="fault" role="alert">${faults.map((f) => html`<span>${f.pointer ? `${f.pointer}: ` : ''}${
    f.detail} </span>`)}</p>`
  : nothing;

export function editLimits(study) {
  const limits = study.limits ?? {};
  const fields = (faults) => html`<p class="muted">An empty field is no limit.${study.state === 'finished'
    ? ' A higher one lets the study go on.' : ''}</p><div class="fields">${LIMITS.map(([name, label, hint]) => html`<div
    class="field"><label for="limit-${name}">${label}</label><input id="limit-${name}" name=${name} inputmode="decimal" value=${
    limits[name] ?? ''} title=${hint} aria-invalid=${faults.some((f) => f.pointer === `/limits/${name}`) ? 'true' : 'false'}></div>`)}</div>`;
  const change = (form) => {
    const next = limitsOf(form);
    const changed = Object.fromEntries(Object.entries(next).filter(([name, v]) => v !== (limits[name] ?? null)));
    return call('PATCH', apiPath(study.name), {limits: changed});
  };
  return formDialog('Limits', 'Set the limits', fields, change);
}

/* ---- a configuration of one's own ---- */

/** What a text means for a parameter: JSON where the type wants it, else text. */
export function valueOf(parameter, text) {
  if (parameter.type === 'float' || parameter.type === 'int') {
    return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  }
  const choice = (parameter.choices ?? [true, false]).find((c) => plainText(c) === text);
  return choice === undefined ? text : choice;
}
const plainText = (x) => (typeof x === 'string' ? x : JSON.stringify(x));

function parameterField(parameter, given, faults, i) {
  const {name, type} = parameter;
  const bad = faults.some((f) => f.pointer.includes(`/parameters/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`));
  const choices = type === 'bool' ? [true, false] : parameter.choices;
  const start = given ?? parameter.default;
  const text = start === undefined || start === null ? '' : plainText(start);
  const hint = parameter.low !== undefined ? `${plain(parameter.low)} to ${plain(parameter.high)}` : '';
  return html`<div class="field"><label for="own-${i}" dir="auto">${name.slice(0, 60)}${
    hint ? html` <small>${hint}</small>` : nothing}</label>${choices ? html`<select id="own-${i}" name=${`p.${name}`} aria-invalid=${bad ? 'true' : 'false'}><option value="" ?selected=${
      text === ''}>–</option>${choices.map((c) => html`<option value=${plainText(c)} ?selected=${plainText(c) === text}>${
      plainText(c).slice(0, 80)}</option>`)}</select>`
    : html`<input id="own-${i}" name=${`p.${name}`} inputmode="decimal" .value=${text} aria-invalid=${bad ? 'true' : 'false'}>`}</div>`;
}

/** Queues a configuration; `given` fills the form. Resolves to the trial. */
export async function enqueue(study, given = {}) {
  const own = keyedByName(given);
  const parameters = study.parameters.filter((p, i, list) => p.type !== 'constant'
    && list.findIndex((q) => q.name === p.name) === i);
  const fields = (faults) => html`<p class="muted">It is tried before what the strategy would choose. An empty field takes its
    default, or is inactive.</p><div class="fields">${parameters.map((p, i) => parameterField(p, own[p.name], faults, i))}</div>`;
  const send = (form) => {
    const values = keyedByName();
    for (const p of parameters) {
      const text = form.elements[`p.${p.name}`].value;
      if (text !== '') values[p.name] = valueOf(p, text);
    }
    return call('POST', `${apiPath(study.name)}/trials`, {parameters: values});
  };
  const trial = await formDialog('Add a trial', 'Queue it', fields, send);
  if (trial) await act(() => Promise.resolve(), `Trial #${trial.number} is queued.`);
  return trial;
}

/* ---- trials ---- */

export async function cancelTrial(study, trial) {
  const sure = await confirm({
    title: `Cancel trial #${trial.number}`,
    text: trial.state === 'running' ? 'Its worker is told to end it at once. What it measured stays.'
      : 'It will not be tried.',
    action: 'Cancel the trial',
  });
  if (sure) await act(() => call('PATCH', `v1/${trialPath(study.name, trial.number)}`, {state: 'cancelled'}),
    `Trial #${trial.number} is cancelled.`);
}

export const retryTrial = (study, trial) =>
  act(() => call('POST', `v1/${trialPath(study.name, trial.number)}/retry`, {}), `Trial #${trial.number} is queued again.`);
