// The link to any record: the number's input becomes a look-up of the kind that is chosen, or of all kinds while none is.
// An input of several numbers ([data-many]) becomes a look-up of several records.
(function () {
  'use strict';
  const lookUp = function (box, input, more) {
    const select = document.createElement('select');
    ['id', 'name', 'class', 'required', 'aria-describedby', 'aria-invalid'].forEach(function (name) {
      if (input.hasAttribute(name)) select.setAttribute(name, input.getAttribute(name));
    });
    Object.assign(select.dataset, { role: 'select2-ajax', url: box.dataset.url }, more);
    input.replaceWith(select);
    return select;
  };
  document.querySelectorAll('[data-many]').forEach(function (box) {
    if (!window.jQuery || !window.jQuery.fn.select2) return;
    lookUp(box, box.querySelector('input'), { says: box.dataset.says }).multiple = true;
  });
  document.querySelectorAll('[data-record-link]').forEach(function (box) {
    const kind = document.getElementById(box.dataset.kind);
    const input = box.querySelector('input');
    const link = box.querySelector('a');
    if (!kind || !window.jQuery || !window.jQuery.fn.select2) return;
    const select = lookUp(box, input, { kind: kind.id, allowBlank: '1' });
    select.append(new Option('', ''));
    if (input.value) select.append(new Option(box.dataset.told || input.value, input.value, true, true));

    const open = function (row) {
      link.hidden = !row || !row.url;
      if (!link.hidden) { link.href = row.url; link.querySelector('span').textContent = row.text; }
    };
    const $select = window.jQuery(select);
    const only = function (text, value) {
      select.replaceChildren(new Option('', ''), ...(value ? [new Option(text, value, true, true)] : []));
      $select.trigger('change');
    };
    $select.on('select2:select', function (event) {
      const row = event.params.data;
      if (row.kind) { kind.value = row.kind; only(row.text, row.number); }
      open(row);
    });
    $select.on('select2:clear', function () { kind.value = ''; open(null); });
    kind.addEventListener('change', function () {
      only('', '');
      open(null);
      if (kind.value) $select.select2('open');
    });
  });
})();
