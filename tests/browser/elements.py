"""Elements of the dashboard outside of its pages: made in a page, given data, looked at."""

from harness import WAIT_MS, WATCH, BrowserTest, serve_source

# Runs in the page. show(tag, properties) makes an element that stands alone; events: what it fired.
HELPERS = """() => {
  window.events = [];
  window.show = (tag, properties, width) => {
    document.getElementById('stage')?.remove();
    const stage = document.createElement('div');
    stage.id = 'stage';
    stage.style.cssText = `position: absolute; left: 0; top: 0; z-index: 99; width: ${width ?? 1000}px; padding: 10px; background: var(--panel)`;
    const element = document.createElement(tag);
    window.element = element;
    stage.append(element);
    document.body.append(stage);
    scrollTo(0, 0);
    events.length = 0;
    for (const name of ['hone-pick', 'hone-ranges']) element.addEventListener(name, (e) => events.push([name, JSON.parse(JSON.stringify(e.detail, (k, v) => k === 'mask' ? undefined : v))]));
    Object.assign(element, properties);
    return settled();
  };
  // Two frames after the last redraw and slice.
  window.settled = async (root = element) => {
    const parts = () => [root, ...root.querySelectorAll('*')].filter((e) => e.work);
    const busy = () => parts().some((e) => e.timer !== undefined || e.frame !== undefined || e.slicing);
    const frame = () => new Promise(requestAnimationFrame);
    await frame();
    do await frame(); while (busy());
    await frame();
  };
  // Pixels that are not transparent, and a checksum of all, for each canvas outside of legends.
  window.inked = (root = element) => [...root.querySelectorAll('canvas')].filter((c) => !c.closest('.chart-legend')).map((canvas) => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0, sum = 0;
    for (let k = 0; k < data.length; k += 4) {
      ink += data[k + 3] > 0;
      sum = (sum * 31 + data[k] + 7 * data[k + 1] + 13 * data[k + 2] + 17 * data[k + 3]) >>> 0;
    }
    return {ink, sum, width: canvas.width, height: canvas.height};
  });
}"""


class ElementTest(BrowserTest):
    """One page with the helpers above for all tests of a class: each shows an element of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        context = cls.browser.new_context(viewport=cls.SIZE)
        cls.addClassCleanup(context.close)
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(WATCH)
        cls.heard = []
        cls.shared = context.new_page()
        cls.shared.on("console", lambda m: m.type == "error" and cls.heard.append(m.text))
        cls.shared.on("pageerror", lambda error: cls.heard.append(f"thrown: {error}"))
        cls.stage(cls.shared)

    @classmethod
    def stage(cls, page):
        page.goto(cls.server.url + "/new")
        page.wait_for_selector("html[data-ready]")
        page.evaluate(HELPERS)

    @staticmethod
    def serve_sources(page):
        """Lets scripts of the page import source files, as BrowserTest.source does."""
        page.context.route("**/source/**", serve_source)

    def setUp(self):
        self.allowed, self.said = [], self.heard
        self.said.clear()
        self.page = self.shared
        self.addCleanup(self.check, self.page)

    def js(self, body, argument=None):
        return self.page.evaluate("async (a) => { " + body + " }", argument)

    def show(self, tag, properties, width=1000, make=""):
        """Shows an element; `make` is JavaScript that completes `a`, the properties."""
        self.js(f"const [tag, a2, width] = a; {{ const a = a2; {make} }} await show(tag, a2, width);", [tag, properties, width])

    def inked(self):
        return self.js("return inked();")

    def events(self, name):
        return self.js("await settled(); return events.filter((e) => e[0] === a).map((e) => e[1]);", name)

    def tip(self):
        return self.page.locator("#stage .chart-tip:not([hidden])")
