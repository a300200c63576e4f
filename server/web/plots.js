/** Turns the columns of a study into what the chart elements take. Pure. */
import {bestSoFar} from './ranks.js';
import {better, value, objective, plain, count, num} from './view.js';

/** The columns of one objective: `value` where there is one, else its metric. */
export const valueColumn = (study, metric) =>
  study.objectives.length === 1 && (!metric || metric === objective(study).metric) ? 'value' : `metrics.${metric}`;

const numbersOf = (cells) => Float64Array.from(cells, (x) => value(x) ?? NaN);

/** The parameters that differ between trials, in the order of the study, each once. */
export function varying(study, columns) {
  const names = [...new Set(study.parameters.map((p) => p.name))];
  return names.filter((name) => {
    const cells = columns.get(`parameters.${name}`);
    const first = cells.find((x) => x !== null);
    return cells.some((x) => x !== null && x !== first && plain(x) !== plain(first));
  });
}

/** How a parameter is drawn: 'number', 'log' or 'category'. */
export function axisType(study, name) {
  const found = study.parameters.filter((p) => p.name === name);
  if (found.some((p) => !['float', 'int'].includes(p.type))) return 'category';
  return found.some((p) => p.scale === 'log' || p.distribution === 'lognormal') ? 'log' : 'number';
}

const choicesOf = (study, name) => study.parameters.find((p) => p.name === name)?.choices;

/** Axes of the parallel coordinates: what varies, the objectives last. */
export function parcoordsData(study, columns, names, rows) {
  const pick = rows ? (cells) => rows.map((row) => cells[row]) : (cells) => cells;
  const axes = names.map((name) => ({name, type: axisType(study, name), choices: choicesOf(study, name),
    values: pick(columns.get(`parameters.${name}`))}));
  const goals = study.objectives.map((o) => ({name: o.metric, type: 'number',
    values: pick(columns.get(valueColumn(study, o.metric)))}));
  const feasible = pick(columns.get('feasible')); // empty in a study without outcome constraints
  const ranked = feasible.length ? goals[0].values.map((v, row) => (feasible[row] === true ? v : null)) : goals[0].values;
  return {axes: [...axes, ...goals], numbers: pick(columns.numbers), value: goals[0].values, ranked,
    direction: objective(study).direction};
}

/** The values of one objective as numbers and each row's kind, made once for all charts of a version. */
const EXCLUDED = 'not feasible';
let kept = {};
function valuesOf(columns, name) {
  if (kept.columns !== columns || kept.version !== columns.version || kept.name !== name) {
    const states = columns.get('state');
    const feasible = columns.get('feasible'); // empty in a study without outcome constraints
    kept = {columns, version: columns.version, name, y: columns.get(name).map(value),
      kinds: states.map((s, row) => (s === 'queued' ? 'running' : s === 'completed' && feasible.length && feasible[row] !== true
        ? EXCLUDED : s))};
  }
  return kept;
}

/** Points of trials by state, a series for each that occurs. `x` gives a row's place. */
function pointsByState(study, columns, metric, x) {
  const {y, kinds} = valuesOf(columns, valueColumn(study, metric));
  const groups = new Map();
  for (let row = 0; row < columns.n; row++) {
    const at = x(row);
    if (at === null || y[row] === null || y[row] === undefined) continue;
    if (!groups.has(kinds[row])) groups.set(kinds[row], []);
    groups.get(kinds[row]).push(row);
  }
  return [...groups].map(([kind, rows]) => ({label: kind, state: kind === EXCLUDED ? 'infeasible' : kind, style: 'points', x: Float64Array.from(rows, x),
    y: Float64Array.from(rows, (row) => y[row]), numbers: Float64Array.from(rows, (row) => columns.numbers[row])}));
}

/**
 * What each row had cost when it ended: trials before it, seconds since the first began, or steps
 * trained by all trials that had ended.
 */
function costs(columns, by) {
  const numbers = columns.numbers;
  if (by === 'trial') return numbers;
  const ended = columns.get('ended_at'), started = columns.get('started_at'), steps = columns.get('step');
  const first = started.reduce((low, at) => (at !== null && at < low ? at : low), Infinity);
  if (by === 'time') return ended.map((at) => (at === null ? null : (at - first) / 1000));
  const order = ended.map((at, row) => [at, row]).filter(([at]) => at !== null).sort((a, b) => a[0] - b[0]);
  const cost = new Array(columns.n).fill(null);
  let sum = 0;
  for (const [, row] of order) cost[row] = sum += steps[row] ?? 0;
  return cost;
}

const X_LABEL = {trial: 'trial', time: 'seconds since the first trial began'};

/** Trials of these states were measured at less than the whole resource. */
const BELOW = ['pruned', 'paused'];

/**
 * The best at the highest level of the resource reached so far, until the first trial is complete: values
 * of different levels do not compare, so a line ends where the level rises and another one begins.
 */
function earlyBest(study, columns, at, until, goal) {
  if (!study.resource || study.objectives.length > 1) return [];
  const {y, kinds} = valuesOf(columns, valueColumn(study, goal.metric));
  const steps = columns.get('step'), isBetter = better(goal.direction), line = [];
  const feasible = columns.get('feasible');
  const rows = [...kinds.keys()].filter((row) => BELOW.includes(kinds[row]) && (!feasible.length || feasible[row] === true) && Number.isFinite(y[row]) && at[row] !== null
    && at[row] < until && steps[row] !== null).sort((a, b) => at[a] - at[b]);
  let level = 0, best = NaN;
  for (const row of rows) {
    if (steps[row] > level) {
      if (line.length) line.push([at[row], best], [at[row], NaN]);
      [level, best] = [steps[row], y[row]];
    } else if (steps[row] === level && isBetter(y[row], best)) best = y[row];
    else continue;
    line.push([at[row], best]);
  }
  if (line.length && Number.isFinite(until)) line.push([until, best]);
  return line;
}

/** Every trial's value and the best so far, as the server tells it (items of …/history). */
export function historyData(study, columns, improvements, {by, log, metric}) {
  const goal = study.objectives.find((o) => o.metric === metric) ?? objective(study);
  const at = costs(columns, by);
  const series = pointsByState(study, columns, goal.metric, (row) => at[row]);
  if (study.resource && improvements.length) series.forEach((s) => { s.isFaint = BELOW.includes(s.state); });
  const line = improvements.map((item) => [at[columns.find(item.number)], value(item.value)])
    .filter(([x, y]) => x !== null && x !== undefined && y !== null).sort((a, b) => a[0] - b[0]);
  const end = at.reduce((high, x) => (x !== null && x > high ? x : high), -Infinity);
  if (line.length) line.push([end, line.at(-1)[1]]);
  // improvements are told in the order of time; along another axis only some of them are
  const best = bestSoFar(line.map((p) => p[1]), goal.direction);
  const early = earlyBest(study, columns, at, line[0]?.[0] ?? end, goal);
  const gap = early.length && line.length ? [[line[0][0], NaN]] : [];
  const all = [...early, ...gap, ...line.map(([x], i) => [x, best[i]])];
  if (all.length) series.push({label: 'best so far', style: 'step', colour: 'accent',
    x: Float64Array.from(all, (p) => p[0]), y: Float64Array.from(all, (p) => p[1])});
  return {kind: 'history', title: `${goal.metric} of each trial`,
    x: {label: X_LABEL[by] ?? `${study.resource?.name ?? 'steps'} trained`, log: false},
    y: {label: goal.metric, log, direction: goal.direction}, series,
    summary: `${count(columns.n)} trials, ${all.length ? `best ${num(all.at(-1)[1])}` : 'no value yet'}`};
}

/** The objective over one parameter. */
export function sliceData(study, columns, name, metric) {
  const goal = study.objectives.find((o) => o.metric === metric) ?? objective(study);
  const cells = columns.get(`parameters.${name}`);
  const type = axisType(study, name);
  const categories = type === 'category' ? categoriesOf(study, name, cells) : null;
  const x = categories ? (row) => place(categories, cells[row]) : (row) => value(cells[row]);
  return {kind: 'slice', title: name, x: {label: name, log: type === 'log', categories},
    y: {label: goal.metric, log: false, direction: goal.direction},
    series: pointsByState(study, columns, goal.metric, x),
    summary: `${goal.metric} over ${name} of ${count(columns.n)} trials`};
}
function categoriesOf(study, name, cells) {
  const known = (choicesOf(study, name) ?? []).map(plain);
  return [...new Set([...known, ...cells.filter((x) => x !== null).map(plain)])];
}
const place = (categories, x) => (x === null ? null : categories.indexOf(plain(x)));

/** Learning curves, the best last so that they lie on top; `numbers` limits them. */
export function curvesData(study, curves) {
  const goal = study.objectives.find((o) => o.metric === curves.metric) ?? {metric: curves.metric};
  const series = curves.items.filter((item) => item.step.length).map((item) => ({label: `#${item.number}`,
    style: 'line', state: item.state, number: item.number, x: numbersOf(item.step), y: numbersOf(item.value)}));
  return {kind: 'curves', title: `${curves.metric} as trials train`, x: {label: study.resource?.name ?? 'step', log: false},
    y: {label: curves.metric, log: false, direction: goal.direction}, series: series.reverse(),
    summary: `${count(series.length)} learning curves`};
}

/** What the trials dominate up to the reference point, as the server tells it (…/hypervolume). */
export function hypervolumeData(found) {
  const items = found.items;
  return {kind: 'history', title: 'hypervolume of the front', x: {label: 'completed trials', log: false},
    y: {label: 'hypervolume', log: false, direction: 'maximize'},
    series: [{label: 'so far', style: 'step', colour: 'accent', x: numbersOf(items.map((item) => item.after_trials)),
      y: numbersOf(items.map((item) => item.hypervolume))}],
    summary: `${num(found.hypervolume)} after ${count(items.length)} trials`};
}

/** Two objectives against each other, with the front. */
export function paretoData(study, columns, front) {
  const [a, b] = study.objectives;
  const xs = columns.get(`metrics.${a.metric}`);
  const series = pointsByState(study, columns, b.metric, (row) => value(xs[row]));
  const points = front.map((t) => [value(t.metrics[a.metric]), value(t.metrics[b.metric])])
    .filter(([x, y]) => x !== null && y !== null).sort((p, q) => p[0] - q[0]);
  series.push({label: 'front', style: 'step', colour: 'accent', x: Float64Array.from(points, (p) => p[0]),
    y: Float64Array.from(points, (p) => p[1])});
  return {kind: 'pareto', title: `${b.metric} over ${a.metric}`, x: {label: a.metric, log: false, direction: a.direction},
    y: {label: b.metric, log: false, direction: b.direction}, series,
    summary: `${count(front.length)} of ${count(columns.n)} trials are on the front`};
}
