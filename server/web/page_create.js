/** A new study, by form and as JSON side by side; the server's faults stand at their fields. */
import {call, get, root} from './api.js';
import {quoted} from './share.js';
import {html, nothing, studyPath, apiPath, num, copy, plural, act} from './view.js';

const STRATEGIES = ['auto', 'bayesian', 'tpe', 'nsga2', 'hyperband', 'successive_halving', 'asha', 'bohb', 'quasirandom', 'random', 'grid'];
const TYPES = ['float', 'int', 'categorical', 'ordinal', 'bool', 'constant'];
const BEGIN = {
  name: 'my-study',
  objectives: [{metric: 'accuracy', direction: 'maximize'}],
  parameters: [
    {name: 'lr', type: 'float', low: 1e-5, high: 0.1, scale: 'log'},
    {name: 'units', type: 'int', low: 16, high: 512},
  ],
  strategy: 'auto',
  limits: {trials: 50},
};
/** The members of a definition; a study that is read has more. A seed of its own is drawn for the new one. */
const DEFINITION = ['name', 'description', 'labels', 'objectives', 'subject_to', 'parameters', 'constraints', 'strategy', 'resource',
  'stopping', 'limits', 'lease', 'job', 'priority', 'share', 'requires', 'after'];

/** The definition of a study as a new one. */
export function copyOf(study) {
  const body = structuredClone(Object.fromEntries(DEFINITION.filter((m) => study[m] !== undefined).map((m) => [m, study[m]])));
  if (body.strategy?.chosen) body.strategy = 'auto';
  body.parameters.forEach((p) => delete p.removed);
  const again = /^(.*)-(\d+)$/.exec(body.name);
  body.name = again ? `${again[1]}-${Number(again[2]) + 1}` : `${body.name.slice(0, 60)}-2`;
  return body;
}

/** The members that a parameter of a type may have beside its name, type and conditions. */
const MEMBERS = {float: ['low', 'high', 'scale', 'step'], int: ['low', 'high', 'scale', 'step'], categorical: ['choices'],
  ordinal: ['choices'], bool: [], constant: ['value']};
const AT_FIRST = {low: 0, high: 1};

/** A parameter as one of another type: what does not fit goes, what is needed comes. */
export function ofType(parameter, type) {
  const next = {name: parameter.name, type};
  for (const member of MEMBERS[type] ?? []) {
    const x = parameter[member] ?? AT_FIRST[member];
    if (x !== undefined) next[member] = x;
  }
  if (parameter.when) next.when = parameter.when;
  return next;
}

/** What a field's text means: a number, JSON, or the text. */
export function meaningOf(text, kind) {
  if (text.trim() === '') return undefined;
  if (kind === 'number') return Number.isNaN(Number(text)) ? text : Number(text);
  if (kind === 'json') {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  if (kind === 'list') return listOf(text);
  return text;
}
/** rbf, poly, 3 or a JSON array. */
function listOf(text) {
  if (text.trim().startsWith('[')) return meaningOf(text, 'json');
  return text.split(',').map((s) => s.trim()).filter(Boolean).map((s) => meaningOf(s, 'json'));
}
const listText = (list) => {
  if (!Array.isArray(list)) return list === undefined ? '' : String(list);
  const simple = list.every((x) => typeof x !== 'object' && !/^\s|[,[\]"]|\s$|^$/.test(String(x))
    && meaningOf(String(x), 'json') === x);
  return simple ? list.join(', ') : JSON.stringify(list);
};
const textOf = (x, kind) => {
  if (x === undefined || x === null) return '';
  if (kind === 'list') return listText(x);
  return typeof x === 'string' ? x : JSON.stringify(x);
};

export function open(context) {
  const {query, update, go} = context;
  let body = structuredClone(BEGIN), text = '', broken = '', faults = [], busy = false, advice = null;

  const setText = () => (text = JSON.stringify(body, null, 2));
  /** Sets or removes the member at a path of names and places. */
  function set(path, x) {
    const at = path.slice(0, -1).reduce((o, k) => (o[k] ??= {}), body);
    if (x === undefined) delete at[path.at(-1)];
    else at[path.at(-1)] = x;
    faults = faults.filter((f) => f.pointer !== pointerOf(path));
    setText();
    update();
  }
  const pointerOf = (path) => path.map((k) => `/${String(k).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  const at = (path) => path.reduce((o, k) => o?.[k], body);

  function takeText(event) {
    text = event.target.value;
    try {
      const given = JSON.parse(text);
      if (given === null || typeof given !== 'object' || Array.isArray(given)) throw new SyntaxError('It is no JSON object.');
      body = given;
      broken = '';
    } catch (error) {
      broken = error.message;
    }
    faults = [];
    update();
  }

  async function load() {
    const from = query.get('from');
    if (from) body = copyOf(await get(apiPath(from)));
    setText();
  }

  async function create() {
    busy = true;
    update();
    try {
      const made = await call('POST', 'v1/studies', JSON.parse(text));
      return go(studyPath(made.name));
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      faults = problem.errors.length ? problem.errors : [{pointer: '', detail: problem.message}];
    }
    busy = false;
    update();
    requestAnimationFrame(() => requestAnimationFrame(() =>
      (document.querySelector('[aria-invalid=true]') ?? document.querySelector('.faults'))?.focus()));
  }

  async function advise() {
    const found = await act(() => call('POST', 'v1/advice', JSON.parse(text)));
    if (found) advice = found;
    update();
  }

  /* ---- fields ---- */

  const known = new Set();
  function field(path, label, {kind = 'text', options, hint = '', wide = false, change} = {}) {
    const pointer = pointerOf(path);
    known.add(pointer);
    const mine = faults.filter((f) => f.pointer === pointer || (f.pointer.startsWith(`${pointer}/`) && kind !== 'text'));
    const id = `f${pointer.replace(/\W/g, '_')}`;
    const common = {id, invalid: mine.length ? 'true' : 'false', described: mine.length ? `${id}-fault` : nothing};
    const current = at(path);
    const input = options
      ? html`<select id=${id} aria-invalid=${common.invalid} aria-describedby=${common.described} @change=${(e) =>
          (change ?? ((x) => set(path, x || undefined)))(e.target.value)}>${options.map(([v, t]) => html`<option value=${v} ?selected=${v === (current ?? '')}>${
          t}</option>`)}</select>`
      : html`<input id=${id} .value=${textOf(current, kind)} inputmode=${kind === 'number' ? 'decimal' : nothing} aria-invalid=${
          common.invalid} aria-describedby=${common.described} placeholder=${hint} autocomplete="off" spellcheck="false" @change=${(e) =>
          set(path, meaningOf(e.target.value, kind))}>`;
    return html`<div class=${wide ? 'field wide2' : 'field'}><label for=${id}>${label}</label>${input}${mine.length
      ? html`<span class="fault" id="${id}-fault">${mine.map((f) => f.detail).join(' ')}</span>` : nothing}</div>`;
  }
  const pairs = (list) => list.map((x) => [x, x]);

  function objectives() {
    const list = Array.isArray(body.objectives) ? body.objectives : [];
    return html`<fieldset><legend>What is made better</legend>${list.map((_, i) => html`<div class="parameter" role="group" aria-label="Objective ${i + 1}"><div class="fields">${
      field(['objectives', i, 'metric'], 'Metric', {hint: 'as the program prints it'})}${field(['objectives', i, 'direction'],
      'Direction', {options: pairs(['maximize', 'minimize'])})}</div>${
      list.length > 1 ? removeButton('objective', list, i) : html`<span></span>`}</div>`)}<button type="button" class="link" @click=${() =>
      set(['objectives'], [...list, {metric: '', direction: 'minimize'}])}>Add an objective</button></fieldset>`;
  }
  const removeButton = (what, list, i) => html`<button type="button" class="quiet" aria-label="Remove ${what} ${i + 1}" title="Remove" @click=${() => {
    list.splice(i, 1);
    setText();
    update();
  }}>✕</button>`;

  function domain(p, i) {
    const path = (member) => ['parameters', i, member];
    const more = field(path('default'), 'Default', {kind: 'json', hint: 'none'});
    if (p.type === 'categorical' || p.type === 'ordinal') {
      return html`${field(path('choices'), 'Choices', {kind: 'list', hint: 'rbf, poly', wide: true})}${more}`;
    }
    if (p.type === 'constant') return field(path('value'), 'Value', {kind: 'json'});
    if (p.type === 'bool') return more;
    return html`${field(path('low'), 'From', {kind: 'number'})}${field(path('high'), 'To', {kind: 'number'})}${field(path('scale'), 'Scale',
      {options: [['', 'linear'], ['log', 'log'], ['reverse_log', 'reverse log']]})}${field(path('step'), 'Step', {kind: 'number', hint: 'any'})}${more}`;
  }

  function parameters() {
    const list = Array.isArray(body.parameters) ? body.parameters : [];
    return html`<fieldset><legend>Parameters</legend>${list.map((p, i) => html`<div class="parameter" role="group" aria-label="Parameter ${
      p?.name || i + 1}"><div class="fields">${
      field(['parameters', i, 'name'], 'Name')}${field(['parameters', i, 'type'], 'Type', {options: pairs(TYPES),
      change: (type) => set(['parameters', i], ofType(p, type))})}${
      domain(p ?? {}, i)}</div>${removeButton('parameter', list, i)}</div>`)}<button type="button" class="link" @click=${() =>
      set(['parameters'], [...list, {name: '', type: 'float', low: 0, high: 1}])}>Add a parameter</button></fieldset>`;
  }

  function search() {
    const isObject = body.strategy !== null && typeof body.strategy === 'object';
    const path = isObject ? ['strategy', 'name'] : ['strategy'];
    return html`<fieldset><legend>How it is searched</legend><div class="fields">${field(path, 'Strategy', {options:
      [['', 'auto'], ...pairs(STRATEGIES.filter((s) => s !== 'auto'))].map(([v, t]) => (v === '' && at(path) === 'auto' ? ['auto', t] : [v, t]))})}${
      field(['resource', 'name'], 'Trained with', {hint: 'epochs; none'})}${field(['resource', 'min'], 'At least', {kind: 'number'})}${
      field(['resource', 'max'], 'At most', {kind: 'number'})}${field(['stopping', 'rule'], 'Stop early',
      {options: [['', 'never'], ['median', 'worse than the median']]})}</div><button type="button" class="link" @click=${
      advise}>Which strategy fits?</button>${adviceView()}</fieldset>`;
  }

  function adviceView() {
    if (!advice) return nothing;
    const use = (item) => {
      set(['strategy'], item.strategy);
      advice = null;
      update();
    };
    return html`<ol class="plainlist advice">${advice.items.filter((item) => item.usable).slice(0, 3).map((item) => html`<li><div class="row"><b>${
      item.title}</b><span class="gap"></span><button type="button" class="small" @click=${() => use(item)}>Use it</button></div>${
      item.does}${item.for.length ? html`<br><small>${item.for.join('; ')}</small>` : nothing}${item.expected
        ? html`<br><small>About ${num(item.expected.trials)} trials, ${num(item.expected.full_evaluations)} full trainings’ worth.</small>`
        : nothing}</li>`)}</ol>`;
  }

  const limits = () => html`<fieldset><legend>When it ends</legend><div class="fields">${[['trials', 'Trials'], ['parallel', 'At the same time'],
    ['seconds', 'Seconds'], ['target', 'Target value'], ['failures', 'Failures'], ['trial_seconds', 'Seconds a trial']]
    .map(([name, label]) => field(['limits', name], label, {kind: 'number', hint: 'no limit'}))}</div></fieldset>`;

  /** Faults of what the form has no field for. */
  function otherFaults() {
    const rest = faults.filter((f) => ![...known].some((p) => f.pointer === p || (p && f.pointer.startsWith(`${p}/`))));
    if (!rest.length) return nothing;
    return html`<div class="problem faults" role="alert" tabindex="-1"><ul>${rest.map((f) => html`<li>${f.pointer
      ? html`<code>${f.pointer}</code> ` : nothing}${f.detail}</li>`)}</ul></div>`;
  }

  const command = () => `curl -H "Authorization: Bearer $HONE_TOKEN" ${quoted(new URL('v1/studies', root).href)} --json ${quoted(
    broken ? text : JSON.stringify(body))}`;

  return {
    title: 'New study',
    load,
    view() {
      known.clear();
      const form = html`<form class="form" @submit=${(event) => {
        event.preventDefault();
        if (!broken) create();
      }}><fieldset><legend>The study</legend><div class="fields">${field(['name'], 'Name', {hint: 'a-z 0-9 . _ -'})}${
        field(['description'], 'Description', {wide: true})}</div></fieldset>${objectives()}${parameters()}${search()}${limits()}<div
        class="buttons"><button class="primary" ?disabled=${busy || broken !== ''}>Create the study</button>${faults.length
        ? html`<span class="fault" role="alert">${plural(faults.length, 'fault')}: see above.</span>` : nothing}</div></form>`;
      return html`<div class="head"><h1>New study</h1><p class="summary">${query.get('from') ? `as ${query.get('from')}`
        : 'The form and the JSON are two views of the same thing.'}</p></div>${otherFaults()}<div class="panels"><section
        class="panel two-thirds">${form}</section><section class="panel third json"><header><h2>As JSON</h2><span class="gap"></span><button
        class="small" @click=${() => copy(text, 'Copied as JSON')}>Copy</button><button class="small" @click=${() => copy(command(),
        'Copied as curl')}>Copy curl</button></header><textarea class="code" aria-label="The study as JSON" spellcheck="false" aria-invalid=${
        broken ? 'true' : 'false'} .value=${text} @input=${takeText}></textarea>${broken ? html`<p class="fault" role="alert">${broken}</p>`
        : nothing}<p><small>What the form has no field for, such as constraints, conditions and labels, is written here and kept.</small></p></section></div>`;
    },
  };
}
