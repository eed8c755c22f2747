// What every page must have, asked of the browser, which knows what is drawn → sentences about what is wrong.
// Contrast by WCAG 2.2 AA, against the colour that really lies behind a text.
() => {
  const wrong = [];
  const tell = (what, e) => wrong.push(`${what}: ${e.outerHTML.slice(0, 160)}`);
  const all = selector => Array.from(document.querySelectorAll(selector));
  const drawn = e => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width > 1;

  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth) wrong.push(`the page is ${root.scrollWidth} px wide`);
  if (!/^(en|zh-CN)$/.test(root.lang)) wrong.push(`its language is "${root.lang}"`);
  for (const one of ['h1', 'main']) if (all(one).length !== 1) wrong.push(`${all(one).length} times ${one}`);

  // ---- references between elements
  const known = new Set();
  all('[id]').forEach(e => { if (known.has(e.id)) tell('an id twice', e); known.add(e.id); });
  for (const by of ['aria-labelledby', 'aria-describedby', 'aria-controls']) {
    all(`[${by}]`).forEach(e => e.getAttribute(by).split(/\s+/).filter(id => id && !known.has(id))
      .forEach(id => tell(`nothing is called ${id}`, e)));
  }
  all('[aria-invalid=true]:not([aria-describedby])').forEach(e => tell('wrong, but not why', e));

  // ---- names
  all('img:not([alt])').forEach(e => tell('no alt', e));
  all('table').filter(t => !t.querySelector('th[scope=col]') || t.querySelector('th:not([scope])'))
    .forEach(e => tell('heads no columns', e));
  all('a[href], button, summary, input:not([type=hidden]), select, textarea, iframe').filter(drawn).forEach(e => {
    if (e.closest('[aria-hidden=true]')) { if (e.tabIndex >= 0) tell('hidden, but reached', e); return; }
    const name = e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.title || e.textContent.trim();
    if (!name && !(e.labels && e.labels.length)) tell('no name', e);
  });

  // ---- contrast
  const rgba = text => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = e => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const linear = c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const spared = '.sr, .skip, option, script, :disabled, [aria-disabled]';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !drawn(e) || e.closest(spared) || getComputedStyle(e).fontSize === '0px') continue;
    const back = behind(e);
    const [high, low] = [light(over(rgba(getComputedStyle(e).color), back)), light(back)].sort((x, y) => y - x);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.49) tell(`contrast ${ratio.toFixed(2)}`, e);
  }
  return wrong;
}
