// What changes by itself: parts marked data-live are fetched anew every five seconds while somebody looks at them.
// Focus, unfolded details and the place on the page stay; nothing is renewed while a question is open.
(function () {
  'use strict';
  const EVERY_MS = 5000;
  const dialog = document.getElementById('confirm');

  const put = function (box, html) {
    const active = document.activeElement;
    const focused = box.contains(active) ? active.id : '';
    const open = Array.from(box.querySelectorAll('details[open][id]'), function (one) { return one.id; });
    const fresh = document.createElement('template');
    fresh.innerHTML = html;
    let made = box;
    if (box.hasAttribute('data-live-whole')) {
      made = fresh.content.firstElementChild;
      box.replaceWith(made);
    } else {
      box.replaceChildren(fresh.content);
    }
    open.forEach(function (id) { const one = document.getElementById(id); if (one) one.open = true; });
    const again = focused && document.getElementById(focused);
    if (again) again.focus({ preventScroll: true });
    return made;
  };

  const selecting = function (box) {
    const chosen = window.getSelection();
    return chosen && !chosen.isCollapsed && box.contains(chosen.anchorNode);
  };

  const watch = function (box) {
    const again = function () { window.setTimeout(renew, EVERY_MS); };
    const renew = async function () {
      if (document.hidden || (dialog && dialog.open) || selecting(box) || box.querySelector('form[data-sent]')) return again();
      try {
        const answer = await fetch(box.dataset.live, { credentials: 'same-origin', redirect: 'error' });
        if (answer.ok) box = put(box, await answer.text());
      } catch (_error) { /* the server is away: what was shown stays, and it is asked again */ }
      if (box.dataset.live) again();
    };
    again();
  };

  document.addEventListener('submit', function (event) {
    if (!event.defaultPrevented) event.target.dataset.sent = '1';
  });
  document.querySelectorAll('[data-live]').forEach(watch);
})();
