"""What a chart costs with very many trials: measured in the page, for a test and for a benchmark."""

COLUMNS = ["lr", "weight_decay", "batch_size", "optimizer", "momentum", "dropout", "width", "value"]

# Runs in the page with the helpers of elements.py: columns as the server sends them, n rows, 8 columns.
MAKE = """(n) => {
  let seed = 7;
  const random = () => (seed = (seed * 1664525 + 1013904223) >>> 0) / 4294967296;
  const column = (f) => Array.from({length: n}, (_, row) => f(row));
  const round = (v) => Number(v.toPrecision(6));
  const optimizer = column(() => ['adam', 'sgd', 'rmsprop'][Math.floor(3 * random())]);
  const lr = column(() => round(10 ** (-5 + 4 * random())));
  const dropout = column(() => round(0.6 * random()));
  return {lr, weight_decay: column(() => round(10 ** (-6 + 4 * random()))), batch_size: column(() => [16, 32, 64, 128][Math.floor(4 * random())]),
    optimizer, momentum: column((row) => (optimizer[row] === 'sgd' ? round(random()) : null)), dropout,
    width: column(() => 16 + Math.floor(500 * random())),
    value: column((row) => (random() < 0.02 ? 'NaN' : round(0.5 + 0.4 * Math.exp(-((Math.log10(lr[row]) + 3) ** 2)) - 0.2 * dropout[row] + 0.05 * random())))};
}"""

COORDINATES = """(columns) => {
  const types = {lr: 'log', weight_decay: 'log', batch_size: 'category', optimizer: 'category'};
  return {title: '', numbers: columns.value.map((_, row) => row + 1), value: columns.value, direction: 'maximize',
    axes: Object.entries(columns).map(([name, values]) => ({name, type: types[name] ?? 'number', values}))};
}"""

HISTORY = """(columns) => {
  const y = Float64Array.from(columns.value, Number);
  const x = Float64Array.from(y, (_, row) => row + 1);
  return {kind: 'history', title: '', x: {label: 'trial'}, y: {label: 'value', direction: 'maximize'}, summary: '',
    series: [{label: 'completed', style: 'points', state: 'completed', x, y, numbers: x}]};
}"""

# Feeds an element and tells how long until it was seen, the longest task, and what was done for it.
FEED = """async ({tag, columns, shape, brushes}) => {
  const data = shape(columns);
  const frame = () => new Promise(requestAnimationFrame);
  const tasks = [];
  const watch = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration)));
  await show(tag, {});
  watch.observe({type: 'longtask'});
  const work = {...element.work};
  const from = performance.now();
  element.data = data;
  while (element.work.slices === work.slices) await frame();
  const drawn = performance.now();
  await frame(); // the frame that shows it has begun
  const painted = performance.now();
  await settled();
  const whole = performance.now();
  const first = {...element.work};
  const redraws = [];
  for (let k = 0; k < brushes; k++) {
    element.ranges = {lr: [[1e-4, 1e-4 * 2 ** (k + 1)]], momentum: ['null', [0.1, 0.3 + k / 20]], optimizer: ['"adam"', '"sgd"']};
    const at = performance.now();
    element.drawNow();
    redraws.push(performance.now() - at);
    await settled();
  }
  await frame();
  watch.disconnect();
  const heap = performance.memory?.usedJSHeapSize ?? 0;
  return {rows: columns.value.length, paint: painted - from, drawn: drawn - from, whole: whole - from, tasks, redraws, heap,
    first: {rows: first.rows - work.rows, drawn: first.drawn - work.drawn, slices: first.slices - work.slices, largest: first.largestSlice},
    brushRows: brushes ? (element.work.rows - first.rows) / brushes : 0};
}"""


class MainThread:
    """The time that the page's main thread has computed: what a busy machine does not distort."""

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def ms(self):
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(m["value"] for m in metrics if m["name"] == "TaskDuration")


def feed(page, tag, n, shape, brushes=0):
    """The figures of FEED for n trials made up here."""
    return page.evaluate(f"([tag, n, brushes]) => ({FEED})({{tag, columns: ({MAKE})(n), shape: {shape}, brushes}})",
                         [tag, n, brushes])


def feed_from(page, tag, url, shape, brushes=0):
    """The same for the columns that the server sends, and how long it took to have them."""
    return page.evaluate(f"""async ([tag, url, brushes]) => {{
        const from = performance.now();
        const answer = await fetch(url);
        const text = await answer.text();
        const {{columns}} = JSON.parse(text);
        const fetched = performance.now() - from;
        const named = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name.replace('parameters.', ''), values]));
        delete named.number;
        delete named.state;
        delete named.step;
        return {{fetched, bytes: text.length, ...await ({FEED})({{tag, columns: named, shape: {shape}, brushes}})}};
    }}""", [tag, url, brushes])
