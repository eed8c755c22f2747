// A list: picking rows, the bulk bar, the filter panel.
(function () {
  'use strict';
  const crm = window.crm;
  const page = document.querySelector('[data-list]');
  if (!page) return;
  const bar = document.querySelector('.bulk');
  const head = page.querySelector('thead .check');
  const boxes = Array.from(page.querySelectorAll('tbody .check'));
  let last = null;

  const total = bar ? bar.dataset.total : '';
  const everything = function () { return bar && bar.querySelector('[name=all]').value === '1'; };
  const show = function () {
    const picked = boxes.filter(function (box) { return box.checked; });
    boxes.forEach(function (box) { box.closest('tr').classList.toggle('picked', box.checked); });
    if (!bar || !head) return;
    bar.hidden = picked.length === 0;
    document.body.classList.toggle('picking', picked.length > 0 || document.body.classList.contains('pick-mode'));
    head.checked = picked.length > 0 && picked.length === boxes.length;
    head.indeterminate = picked.length > 0 && picked.length < boxes.length;
    bar.querySelector('output').textContent = everything()
      ? crm.fill(crm.texts.allSelected, { count: total })
      : crm.fill(crm.texts.selected, { count: picked.length });
    bar.querySelector('.all').hidden = everything() || picked.length < boxes.length || bar.dataset.more !== '1';
    const form = bar.querySelector('form');
    form.querySelectorAll('[name=ids]').forEach(function (input) { input.remove(); });
    picked.forEach(function (box) {
      const input = document.createElement('input');
      input.type = 'hidden'; input.name = 'ids'; input.value = box.value;
      form.append(input);
    });
  };
  const pickAll = function (value) { if (bar) bar.querySelector('[name=all]').value = value ? '1' : ''; };

  boxes.forEach(function (box, index) {
    box.addEventListener('click', function (event) {
      if (event.shiftKey && last !== null) {
        const span = [Math.min(last, index), Math.max(last, index)];
        boxes.slice(span[0], span[1] + 1).forEach(function (other) { other.checked = box.checked; });
      }
      last = index;
      pickAll(false);
      show();
    });
  });
  if (head) head.addEventListener('change', function () {
    boxes.forEach(function (box) { box.checked = head.checked; });
    pickAll(false);
    show();
  });
  if (bar) {
    bar.querySelector('.all').addEventListener('click', function () { pickAll(true); show(); });
    bar.querySelector('.close').addEventListener('click', function () {
      boxes.forEach(function (box) { box.checked = false; });
      document.body.classList.remove('pick-mode');
      pickAll(false);
      show();
    });
  }
  document.querySelectorAll('.pick-toggle').forEach(function (button) {
    button.addEventListener('click', function () { document.body.classList.toggle('pick-mode'); show(); });
  });
  show();

  // ---- a click anywhere on a row opens it
  page.querySelectorAll('tbody tr').forEach(function (row) {
    row.addEventListener('click', function (event) {
      if (event.target.closest('a, button, input, label, details') || String(window.getSelection())) return;
      const link = row.querySelector('.first a');
      if (link && window.matchMedia('(max-width: 767px)').matches) link.click();
    });
  });

  // ---- filters: names on the left, one condition on the right; empty values are not sent
  const panel = document.querySelector('.filter-panel');
  if (!panel) return;
  const names = Array.from(panel.querySelectorAll('[data-filter]'));
  const open = function (name) {
    names.forEach(function (item) {
      item.setAttribute('aria-selected', String(item.dataset.filter === name));
      item.tabIndex = item.dataset.filter === name ? 0 : -1;
    });
    panel.querySelectorAll('fieldset').forEach(function (one) { one.hidden = one.dataset.for !== name; });
  };
  names.forEach(function (item, place) {
    item.addEventListener('keydown', function (event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const other = names[(place + step + names.length) % names.length];
      open(other.dataset.filter);
      other.focus();
    });
    item.addEventListener('click', function () {
      open(item.dataset.filter);
      const first = panel.querySelector('fieldset:not([hidden]) :is(input, select)');
      if (first && first.dataset.role !== 'select2-ajax') first.focus();
    });
  });
  if (names.length) open((names.find(function (item) { return item.classList.contains('set'); }) || names[0]).dataset.filter);
  panel.querySelector('form').addEventListener('submit', function (event) {
    event.target.querySelectorAll('input, select').forEach(function (input) {
      if (input.value === '' || input.value === null) input.disabled = true;
    });
  });
  window.addEventListener('pageshow', function () {
    panel.querySelectorAll(':disabled').forEach(function (input) { input.disabled = false; });
  });
})();
