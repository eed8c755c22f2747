// @ in a text offers colleagues: arrow keys choose, Enter or Tab takes one, Escape closes.  What is written is @username.
(function () {
  'use strict';
  if (window.crmMentions) return;
  window.crmMentions = true;
  const TYPED = /(^|[^\w@./-])@([\p{L}\p{N}_.-]*)$/u;
  let list = null, field = null, chosen = -1, asked = 0, waiting = 0;

  const typed = function () {
    const found = TYPED.exec(field.value.slice(0, field.selectionStart));
    return found && found[2].length <= 40 ? found[2] : null;
  };
  const close = function () {
    asked += 1;
    if (list) { list.remove(); list = null; }
    if (field) field.removeAttribute('aria-activedescendant');
  };
  const choose = function (place) {
    const all = Array.from(list.children);
    chosen = (place + all.length) % all.length;
    all.forEach(function (one, i) { one.setAttribute('aria-selected', String(i === chosen)); });
    all[chosen].scrollIntoView({ block: 'nearest' });
    field.setAttribute('aria-activedescendant', all[chosen].id);
  };
  const take = function (username) {
    const word = typed();
    const end = field.selectionStart;
    if (word === null) { close(); return; }
    field.setRangeText(username + ' ', end - word.length, end, 'end');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    close();
    field.focus();
  };
  const show = function (people) {
    const mine = asked;
    close();
    asked = mine;
    if (!people.length) return;
    list = document.createElement('ul');
    list.className = 'mentions'; list.id = 'mentions-list';
    list.setAttribute('role', 'listbox');
    list.setAttribute('aria-label', window.crm.texts.colleagues || '@');
    people.forEach(function (one, number) {
      const row = document.createElement('li');
      row.id = 'mention-' + number;
      row.setAttribute('role', 'option');
      row.dataset.username = one.username;
      const name = document.createElement('b');
      name.textContent = one.name || one.username;
      const user = document.createElement('span');
      user.textContent = '@' + one.username;
      row.append(name, user);
      list.append(row);
    });
    field.insertAdjacentElement('afterend', list);
    // pressing must not take the focus from the text
    list.addEventListener('mousedown', function (event) { event.preventDefault(); });
    list.addEventListener('click', function (event) {
      const row = event.target.closest('[role=option]');
      if (row) take(row.dataset.username);
    });
    list.style.top = field.offsetTop + field.offsetHeight + 2 + 'px';
    list.style.left = field.offsetLeft + 'px';
    field.setAttribute('aria-controls', list.id);
    choose(0);
  };
  const ask = function () {
    const word = typed();
    if (word === null) { close(); return; }
    const mine = asked += 1;
    fetch(field.dataset.mentions + '?term=' + encodeURIComponent(word), { headers: { Accept: 'application/json' } })
      .then(function (answer) { return answer.ok ? answer.json() : { results: [] }; })
      .then(function (found) { if (mine === asked && document.activeElement === field) show(found.results); })
      .catch(close);
  };

  document.addEventListener('input', function (event) {
    if (!event.target.dataset || !event.target.dataset.mentions) return;
    if (field !== event.target) { close(); field = event.target; }
    window.clearTimeout(waiting);
    if (typed() === null) { close(); return; }
    waiting = window.setTimeout(ask, 120);
  });
  document.addEventListener('keydown', function (event) {
    if (!list || event.target !== field || event.isComposing) return;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) { event.preventDefault(); choose(chosen + steps[event.key]); }
    if (event.key === 'Enter' || event.key === 'Tab') {
      event.preventDefault();
      event.stopPropagation();
      take(list.children[chosen].dataset.username);
    }
    if (event.key === 'Escape') { event.stopPropagation(); close(); }
  }, true);
  document.addEventListener('focusout', function (event) {
    if (event.target === field) window.setTimeout(function () { if (document.activeElement !== field) close(); }, 150);
  });
})();
