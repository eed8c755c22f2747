// The bell: its list is fetched when it is opened, and the count of what is unread every half minute while one looks.
(function () {
  'use strict';
  const bell = document.querySelector('details.bell[data-news]');
  if (!bell) return;
  const address = bell.dataset.news;
  const panel = bell.querySelector('.menu-panel');
  const show = function (unread) {
    bell.querySelector('summary b').hidden = !unread;
    bell.querySelector('summary b .num').textContent = unread < 100 ? String(unread) : '99+';
  };
  bell.addEventListener('toggle', function () {
    if (!bell.open) return;
    fetch(address).then(function (answer) { return answer.ok ? answer.text() : ''; }).then(function (text) {
      if (!text) return;
      panel.replaceChildren(...new DOMParser().parseFromString(text, 'text/html').body.childNodes);
      panel.querySelectorAll('[name=back]').forEach(function (field) {
        field.value = window.location.pathname + window.location.search;
      });
    }).catch(function () {});
  });
  window.setInterval(function () {
    if (document.hidden) return;
    fetch(address + '?count=1', { headers: { Accept: 'application/json' } })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (found) { if (found) show(found.unread); })
      .catch(function () {});
  }, 30000);
})();
