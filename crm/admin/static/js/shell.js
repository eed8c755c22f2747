// What every page does: menus that close, the theme button, Ctrl K, the drawer of the phone, messages, confirmations.
(function () {
  'use strict';
  const root = document.documentElement;
  const texts = JSON.parse(root.dataset.texts || '{}');
  const fill = function (text, values) {
    return (text || '').replace(/%\((\w+)\)s/g, function (_all, name) { return String(values[name]); });
  };
  window.crm = { texts: texts, fill: fill };

  // ---- drop-down menus are <details>: one open at a time, closed by Escape or a click elsewhere
  document.addEventListener('click', function (event) {
    document.querySelectorAll('details.menu[open]').forEach(function (menu) {
      if (!menu.contains(event.target) && !event.target.closest('.flatpickr-calendar, .select2-container')) menu.open = false;
    });
  });
  document.addEventListener('toggle', function (event) {
    const menu = event.target;
    if (!menu.matches('details.menu')) return;
    menu.classList.remove('flip');
    const box = menu.open && menu.querySelector('.menu-panel').getBoundingClientRect();
    if (box && (box.left < 0 || box.right > root.clientWidth)) menu.classList.add('flip');
  }, true);
  document.addEventListener('keydown', function (event) {
    if (event.key !== 'Escape') return;
    const open = document.querySelector('details.menu[open]');
    if (open) { open.open = false; open.querySelector('summary').focus(); }
    document.body.classList.remove('seeking');
    drawer(false);
  });

  // ---- theme and density
  const label = function () {
    const dark = root.getAttribute('data-bs-theme') === 'dark';
    document.querySelectorAll('[data-theme-switch]').forEach(function (button) {
      if (button.classList.contains('menu-item')) return;
      button.setAttribute('aria-label', dark ? texts.light : texts.dark);
      button.title = dark ? texts.light : texts.dark;
      button.firstElementChild.className = 'ti ' + (dark ? 'ti-sun' : 'ti-moon');
    });
  };
  document.addEventListener('crm:theme', label);
  label();
  document.querySelectorAll('[data-theme-switch]').forEach(function (button) {
    button.addEventListener('click', function () {
      window.crmTheme(root.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark');
    });
  });
  document.querySelectorAll('[data-density-switch]').forEach(function (button) {
    button.addEventListener('click', function () {
      window.crmDensity(root.getAttribute('data-density') === 'comfortable' ? 'compact' : 'comfortable');
    });
  });

  // ---- search
  const search = document.querySelector('.seek input[type=search]');
  const seek = function () { document.body.classList.add('seeking'); search.focus(); search.select(); };
  document.addEventListener('keydown', function (event) {
    if (search && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') { event.preventDefault(); seek(); }
  });
  document.querySelectorAll('.seek-btn').forEach(function (button) {
    button.addEventListener('click', function () {
      if (document.body.classList.contains('seeking')) document.body.classList.remove('seeking'); else seek();
    });
  });

  // ---- drawer of the phone
  const side = document.querySelector('.side');
  const openers = document.querySelectorAll('[data-drawer]');
  let opener = null;
  const drawer = function (open) {
    if (open === document.body.classList.contains('drawer')) return;
    document.body.classList.toggle('drawer', open);
    document.querySelectorAll('.work, .dock').forEach(function (part) { part.inert = open; });
    openers.forEach(function (button) { button.setAttribute('aria-expanded', String(open)); });
    if (open) side.querySelector('a').focus(); else if (opener) opener.focus();
  };
  openers.forEach(function (button) {
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', function (event) { event.stopPropagation(); opener = button; drawer(true); });
  });
  document.addEventListener('click', function (event) { if (!event.target.closest('.side')) drawer(false); });

  // ---- the open page's line of the menu is seen, however long the menu is
  const here = side && side.querySelector('[aria-current]');
  if (here && here.offsetTop + here.offsetHeight > side.clientHeight) side.scrollTop = here.offsetTop - side.clientHeight / 2;

  // ---- messages: six seconds, errors stay
  document.querySelectorAll('.note').forEach(function (note) {
    const close = function () { note.remove(); };
    note.querySelector('button[aria-label]').addEventListener('click', close);
    if (!note.hasAttribute('data-passing')) return;
    let waiting = window.setTimeout(close, 6000);
    ['pointerenter', 'focusin'].forEach(function (kind) { note.addEventListener(kind, function () { window.clearTimeout(waiting); }); });
    ['pointerleave', 'focusout'].forEach(function (kind) {
      note.addEventListener(kind, function () { window.clearTimeout(waiting); waiting = window.setTimeout(close, 6000); });
    });
  });

  // ---- confirmations: a form or button with data-confirm asks first
  const dialog = document.getElementById('confirm');
  window.crm.confirm = function (text, yes) {
    dialog.querySelector('p').textContent = text;
    dialog.returnValue = '';
    dialog.onclose = function () { if (dialog.returnValue === 'yes') yes(); };
    dialog.showModal();
  };
  document.addEventListener('submit', function (event) {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.sure) return;
    event.preventDefault();
    window.crm.confirm(form.dataset.confirm, function () { form.dataset.sure = '1'; form.requestSubmit(event.submitter); });
  });
})();
