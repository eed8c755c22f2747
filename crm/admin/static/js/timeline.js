// The timeline: older entries and other kinds come in place; without this script the links lead to a page of their own.
(function () {
  'use strict';
  const section = document.getElementById('timeline');
  if (!section || section.dataset.ready) return;
  section.dataset.ready = '1';

  const take = function (link, html) {
    const fresh = new DOMParser().parseFromString(html, 'text/html').getElementById('timeline');
    const entries = section.querySelector('.timeline-entries');
    if (!fresh) throw new Error('no timeline');
    const come = fresh.querySelector('.timeline-entries');
    if (link.dataset.timeline === 'older') {
      const list = entries.querySelector('.past');
      const first = come.querySelector('.past > li');
      list.append.apply(list, Array.from(come.querySelectorAll('.past > li')));
      link.closest('.older').remove();
      const further = come.querySelector('.older');
      if (further) entries.append(further);
      const target = first && first.querySelector('a');
      if (target) target.focus({ preventScroll: true });
      return;
    }
    section.querySelector('.chips').replaceWith(fresh.querySelector('.chips'));
    entries.replaceWith(come);
  };

  section.addEventListener('click', function (event) {
    const link = event.target.closest('a[data-timeline]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    section.setAttribute('aria-busy', 'true');
    fetch(link.href, { headers: { 'X-Part': 'timeline' } })
      .then(function (answer) {
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        return answer.text();
      })
      .then(function (html) { take(link, html); })
      .catch(function () { window.location.assign(link.href); })
      .finally(function () { section.removeAttribute('aria-busy'); });
  });
})();
