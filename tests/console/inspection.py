"""What a careful reader checks on any page: fits, contrast, names, landmarks. Runs in the browser, by our own rules."""

from playwright.async_api import Page

# WCAG 2.2: 1.4.3 contrast of text, 4.1.2 names, 1.3.1 structure, 1.4.10 reflow, 2.5.8 size of targets.
_RULES = """() => {
  const faults = [];
  const shown = (e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && !e.closest('.vh, .skip');
  const told = (e) => `${e.tagName.toLowerCase()}.${[...e.classList].join('.')} "${(e.textContent || '').trim().slice(0, 40)}"`;

  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll('main *')].find((e) => e.getBoundingClientRect().right > innerWidth + 1);
    faults.push(`wider than the window: ${wide ? told(wide) : 'page'}`);
  }
  if (document.querySelectorAll('h1').length !== 1) faults.push('not exactly one h1');
  if (document.querySelectorAll('main').length !== 1) faults.push('not exactly one main');
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title.endsWith('Charter')) faults.push('no title');

  let depth = 1;
  for (const heading of document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)')) {
    const now = Number(heading.tagName[1]);
    if (now > depth + 1) faults.push(`a heading skips a level: ${told(heading)}`);
    depth = now;
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((i) => i === id).length > 1) faults.push(`the id ${id} stands twice`);
  for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]')) {
    for (const id of `${e.getAttribute('aria-labelledby') || ''} ${e.getAttribute('aria-describedby') || ''}`.split(' ')) {
      if (id && !document.getElementById(id)) faults.push(`${told(e)} is named by ${id}, which is not there`);
    }
  }

  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
    if (!e.checkVisibility()) continue;
    const named = e.textContent.trim() || e.getAttribute('aria-label') || (e.labels && e.labels[0]?.textContent.trim());
    if (!named) faults.push(`no name: ${told(e)}`);
    const box = e.getBoundingClientRect();
    const inText = e.matches('a') && getComputedStyle(e).display === 'inline';
    if (shown(e) && !inText && (box.width < 24 || box.height < 24)) faults.push(`too small to hit: ${told(e)}`);
  }
  for (const e of document.querySelectorAll('svg')) {
    if (e.getAttribute('aria-hidden') !== 'true') faults.push(`an icon is read out: ${told(e.parentElement)}`);
  }

  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((n) => top[n] * top[3] + under[n] * (1 - top[3])).concat(1);
  const ground = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), rgba('Canvas'));
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const seen = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || seen.has(e) || !shown(e) || e.closest('select')) continue;
    seen.add(e);
    const style = getComputedStyle(e);
    const under = ground(e);
    const [a, b] = [light(over(rgba(style.color), under)), light(under)].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${told(e)}`);
  }
  return faults;
}"""


async def faults(page: Page) -> list[str]:
    """Return what is wrong with the page as it stands; an empty list for a good one."""
    found: list[str] = await page.evaluate(_RULES)
    return found
