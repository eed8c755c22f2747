// The outbox: picking mails that are sent once more.
(function () {
  'use strict';
  const crm = window.crm;
  const form = document.getElementById('again');
  if (!form) return;
  const label = form.querySelector('label');
  const all = label.querySelector('input');
  const button = form.querySelector('button');
  const boxes = Array.from(document.querySelectorAll('.mail .check'));
  const show = function () {
    const picked = boxes.filter(function (box) { return box.checked; }).length;
    all.checked = picked > 0 && picked === boxes.length;
    all.indeterminate = picked > 0 && picked < boxes.length;
    button.disabled = picked === 0;
    form.querySelector('output').textContent = picked ? crm.fill(crm.texts.selected, { count: picked }) : '';
  };
  boxes.forEach(function (box) { box.addEventListener('change', show); });
  all.addEventListener('change', function () {
    boxes.forEach(function (box) { box.checked = all.checked; });
    show();
  });
  window.addEventListener('pageshow', show);
  label.hidden = false;
  show();
})();
