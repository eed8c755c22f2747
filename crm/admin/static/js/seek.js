// The search box of the top bar: what is found while one types; arrow keys choose, Enter opens, Escape closes.
// Without JavaScript the form leads to the page of results.
(function () {
  'use strict';
  const form = document.querySelector('.seek[data-suggest]');
  if (!form) return;
  const input = form.querySelector('input[type=search]');
  const list = form.querySelector('.seek-list');
  let waiting = 0, asked = 0, chosen = -1;

  const options = function () { return Array.from(list.querySelectorAll('[role=option]')); };
  const close = function () {
    list.hidden = true; chosen = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const choose = function (place) {
    const all = options();
    if (!all.length) return;
    chosen = (place + all.length) % all.length;
    all.forEach(function (option, i) { option.setAttribute('aria-selected', String(i === chosen)); });
    input.setAttribute('aria-activedescendant', all[chosen].id);
    all[chosen].scrollIntoView({ block: 'nearest' });
  };
  const element = function (name, kind, text) {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text) made.textContent = text;
    return made;
  };
  const row = function (hit, icon, number) {
    const made = element('a', 'seek-hit');
    made.href = hit.url; made.id = 'seek-' + number; made.tabIndex = -1;
    made.setAttribute('role', 'option'); made.setAttribute('aria-selected', 'false');
    const mark = element('i', 'ti ti-' + icon);
    mark.setAttribute('aria-hidden', 'true');
    made.append(mark, element('b', '', hit.title));
    if (hit.subtitle) made.append(element('span', '', hit.subtitle));
    return made;
  };
  const show = function (groups) {
    list.replaceChildren();
    let number = 0;
    groups.forEach(function (group) {
      const part = element('div', 'seek-part');
      part.setAttribute('role', 'group'); part.setAttribute('aria-label', group.label);
      const heading = element('p', '', group.label);
      heading.setAttribute('aria-hidden', 'true');
      part.append(heading);
      group.hits.forEach(function (hit) { part.append(row(hit, group.icon, number)); number += 1; });
      list.append(part);
    });
    if (!number) list.append(element('p', 'seek-none', list.dataset.none));
    list.hidden = false; chosen = -1;
    input.setAttribute('aria-expanded', 'true');
  };
  const ask = function () {
    const text = input.value.trim();
    const mine = asked += 1;
    if (!text) { close(); return; }
    fetch(form.dataset.suggest + '?q=' + encodeURIComponent(text), { headers: { Accept: 'application/json' } })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (found) { if (found && mine === asked && document.activeElement === input) show(found.groups); })
      .catch(function () { close(); });
  };

  input.addEventListener('input', function () {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(ask, 150);
  });
  input.addEventListener('focus', function () { if (input.value.trim() && list.hidden) ask(); });
  input.addEventListener('keydown', function (event) {
    if (event.isComposing) return;
    if (event.key === 'Escape') { asked += 1; close(); return; }
    if (list.hidden) return;
    if (event.key === 'ArrowDown') { event.preventDefault(); choose(chosen + 1); }
    if (event.key === 'ArrowUp') { event.preventDefault(); choose(chosen < 0 ? -1 : chosen - 1); }
    if (event.key === 'Enter' && chosen >= 0) { event.preventDefault(); window.location.assign(options()[chosen].href); }
  });
  document.addEventListener('click', function (event) { if (!form.contains(event.target)) close(); });
  document.addEventListener('keydown', function (event) {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault(); input.focus(); input.select();
    }
  });
})();
