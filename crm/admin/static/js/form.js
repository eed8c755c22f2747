// Forms and filters: look-ups (select2), date pickers (flatpickr), and the warning about unsaved changes.
(function () {
  'use strict';
  const crm = window.crm;
  const texts = crm.texts;
  const zh = document.documentElement.lang.slice(0, 2) === 'zh';

  const language = {
    errorLoading: function () { return texts.loadFailed; },
    noResults: function () { return texts.noResults; },
    searching: function () { return texts.searching; },
    loadingMore: function () { return texts.searching; },
    removeAllItems: function () { return texts.remove; },
    removeItem: function () { return texts.remove; },
    inputTooShort: function () { return texts.searching; },
  };

  const lookUp = function (element) {
    const $element = window.jQuery(element);
    const many = element.multiple;
    if (!many && !element.options.length) element.append(new Option('', '', true, true));
    $element.select2({
      width: '100%', language: language, placeholder: element.dataset.says || texts.choose, minimumInputLength: 0,
      allowClear: !many && (element.dataset.allowBlank === '1' || element.dataset.allowBlank === 'true'),
      dropdownParent: window.jQuery(element.closest('.filter-panel') || document.body),
      ajax: {
        url: element.dataset.url, dataType: 'json', delay: 250, cache: false,
        data: function (params) {
          const asked = { name: element.dataset.name || element.name, term: params.term || '' };
          const kind = element.dataset.kind && document.getElementById(element.dataset.kind);
          return Object.assign(asked, kind ? { kind: kind.value } : {});
        },
        processResults: function (data) { return { results: data.results || data }; },
      },
    });
    $element.on('select2:open', function () {
      const field = document.querySelector('.select2-container--open .select2-search__field');
      const combo = document.querySelector('.select2-container--open [role=combobox]');
      if (combo) combo.setAttribute('aria-controls', combo.getAttribute('aria-owns'));
      if (field) field.focus();
    });
    const label = document.querySelector('label[for="' + CSS.escape(element.id) + '"]');
    const box = element.nextElementSibling && element.nextElementSibling.querySelector('[role=combobox]');
    if (label && box) {
      if (!label.id) label.id = element.id + '-label';
      box.setAttribute('aria-labelledby', label.id + (box.getAttribute('aria-labelledby') ? ' ' + box.getAttribute('aria-labelledby') : ''));
    }
  };
  if (window.jQuery && window.jQuery.fn.select2) {
    document.querySelectorAll('[data-role=select2-ajax]').forEach(lookUp);
    document.querySelectorAll('[data-role=select2-tags], select[multiple]:not([data-role])').forEach(function (element) {
      window.jQuery(element).select2({ width: '100%', language: language, tags: element.dataset.role === 'select2-tags',
        dropdownParent: window.jQuery(element.closest('.filter-panel') || document.body) });
    });
  }

  if (window.flatpickr) {
    const chinese = {
      weekdays: { shorthand: ['日', '一', '二', '三', '四', '五', '六'], longhand: ['星期日', '星期一', '星期二', '星期三', '星期四', '星期五', '星期六'] },
      months: {
        shorthand: ['1 月', '2 月', '3 月', '4 月', '5 月', '6 月', '7 月', '8 月', '9 月', '10 月', '11 月', '12 月'],
        longhand: ['一月', '二月', '三月', '四月', '五月', '六月', '七月', '八月', '九月', '十月', '十一月', '十二月'],
      },
      firstDayOfWeek: 1, rangeSeparator: ' 至 ', weekAbbreviation: '周', time_24hr: true,
    };
    const base = { allowInput: true, disableMobile: false, locale: zh ? chinese : { firstDayOfWeek: 1 }, time_24hr: true };
    document.querySelectorAll('[data-role=datepicker]').forEach(function (element) {
      window.flatpickr(element, Object.assign({ dateFormat: 'Y-m-d' }, base));
    });
    document.querySelectorAll('[data-role=datetimepicker]').forEach(function (element) {
      window.flatpickr(element, Object.assign({ enableTime: true, enableSeconds: false, dateFormat: 'Y-m-d H:i' }, base));
    });
  }

  // ---- rows of a checklist
  document.querySelectorAll('[data-rows]').forEach(function (rows) {
    const box = rows.parentElement;
    const add = box.querySelector('[data-add-row]');
    const template = box.querySelector('template[data-row]');
    let next = rows.children.length;
    const enable = function (row) {
      const remove = row.querySelector('[data-remove-row]');
      remove.hidden = false;
      remove.addEventListener('click', function () {
        row.remove();
        rows.dispatchEvent(new Event('input', { bubbles: true }));
        add.focus();
      });
    };
    const append = function () {
      rows.insertAdjacentHTML('beforeend', template.innerHTML.replaceAll('__n__', String(next++)));
      enable(rows.lastElementChild);
      rows.lastElementChild.querySelector('.form-control').focus();
    };
    Array.from(rows.children).forEach(enable);
    add.hidden = false;
    add.addEventListener('click', append);
    rows.addEventListener('keydown', function (event) {
      if (event.key === 'Enter' && event.target.matches('.form-control')) { event.preventDefault(); append(); }
    });
  });

  // ---- unsaved changes
  const form = document.querySelector('form[data-guard]');
  if (!form) return;
  const state = form.querySelector('.state');
  const again = document.querySelector('[data-unsaved]');
  let dirty = Boolean(again) || form.hasAttribute('data-dirty');
  const mark = function (event) {
    if (event && event.target.closest('.select2-search')) return;
    dirty = true;
    if (state) state.textContent = texts.unsaved;
  };
  if (again) {
    mark();
    again.querySelector('a').addEventListener('click', function () { dirty = false; });
  }
  form.addEventListener('input', mark);
  if (window.jQuery) window.jQuery(form).on('select2:select select2:unselect select2:clear', function () { mark(); });
  form.addEventListener('submit', function () { dirty = false; });
  window.addEventListener('beforeunload', function (event) { if (dirty) event.preventDefault(); });
  document.addEventListener('keydown', function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
      event.preventDefault();
      form.requestSubmit(form.querySelector('[type=submit]'));
    }
  });
  // where to begin: at what is wrong, else at the first input of an empty form; a phone would open its keyboard for that
  const wrong = form.querySelector('.is-invalid, [aria-invalid=true]');
  const begins = /\/create$|\/do\//.test(window.location.pathname) && window.matchMedia('(pointer: fine)').matches;
  const first = form.querySelector('.field :is(input, textarea, select):not([type=hidden], [type=checkbox])');
  if (wrong) wrong.focus();
  else if (begins && first && !first.dataset.role && !document.querySelector('.toasts .note')) first.focus();
})();
