// The form of a schedule: the fields of the chosen kind alone, and what cron fields or an interval mean, while typing.
(function () {
  'use strict';
  const kind = document.querySelector('select[name=kind]');
  const payload = document.querySelector('[data-payload]');
  const show = function () {
    payload.querySelectorAll('[data-kind]').forEach(function (part) {
      part.hidden = part.dataset.kind !== kind.value;
      part.disabled = part.hidden;
    });
  };
  if (kind && payload) { kind.addEventListener('change', show); show(); }

  const box = document.querySelector('[data-preview]');
  if (!box) return;
  const names = ['cron', 'interval_s', 'timezone'];
  const fields = names.map(function (name) { return document.querySelector('[name=' + name + ']'); });
  let waiting = 0;
  let asked = 0;
  const ask = async function () {
    const query = new URLSearchParams();
    fields.forEach(function (field, n) { if (field && field.value.trim()) query.set(names[n], field.value.trim()); });
    const mine = ++asked;
    try {
      const answer = await fetch(box.dataset.preview + '?' + query, { credentials: 'same-origin', redirect: 'error' });
      if (answer.ok && mine === asked) box.innerHTML = await answer.text();
    } catch (_error) { /* it is a help, not a need */ }
  };
  fields.forEach(function (field) {
    if (field) field.addEventListener('input', function () { window.clearTimeout(waiting); waiting = window.setTimeout(ask, 300); });
  });
  ask();
})();
