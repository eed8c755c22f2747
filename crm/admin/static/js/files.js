// Files of a record: dropped or chosen, sent one by one with a bar each; the card is then drawn anew by the server.
(function () {
  'use strict';
  const RENEWALS = 6;
  const RENEW_MS = 2000;
  const card = document.getElementById('files');
  const form = card && card.querySelector('[data-upload]');
  if (!form) return;
  form.classList.add('scripted');
  const input = form.querySelector('input[type=file]');
  const progress = form.querySelector('.file-progress');

  const line = function (name) {
    const item = document.createElement('li');
    const text = document.createElement('span');
    const bar = document.createElement('progress');
    text.textContent = name;
    bar.max = 100;
    bar.setAttribute('aria-label', name);
    item.append(text, bar);
    progress.append(item);
    return {
      at: function (share) { bar.value = Math.round(share * 100); },
      done: function () { item.remove(); },
      fail: function (why) { bar.remove(); text.textContent = name + ': ' + why; text.className = 'failed'; },
    };
  };

  const send = function (file) {
    const shown = line(file.name);
    if (file.size > Number(form.dataset.limit) * 1024 * 1024) {
      shown.fail(form.dataset.tooLarge);
      return Promise.resolve();
    }
    const body = new FormData();
    ['record_type', 'record_id'].forEach(function (name) { body.append(name, form.elements[name].value); });
    body.append('file', file, file.name);
    return new Promise(function (resolve) {
      const request = new XMLHttpRequest();
      request.open('POST', form.action);
      request.setRequestHeader('Accept', 'application/json');
      request.setRequestHeader('X-CSRF-Token', form.elements.csrf_token.value);
      request.upload.addEventListener('progress', function (event) {
        if (event.lengthComputable) shown.at(event.loaded / event.total);
      });
      request.addEventListener('loadend', function () {
        if (request.status === 200) shown.done(); else shown.fail(sentence(request));
        resolve();
      });
      request.send(body);
    });
  };

  const sentence = function (request) {
    try {
      return JSON.parse(request.responseText).message || form.dataset.broken;
    } catch (_error) {
      return form.dataset.broken;
    }
  };

  const renew = async function (times) {
    try {
      const answer = await fetch(window.location.pathname, { credentials: 'same-origin', redirect: 'error' });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('files');
      if (!fresh) return;
      ['.file-list', 'header'].forEach(function (part) {
        card.querySelector(part).replaceWith(fresh.querySelector(part));
      });
      if (times > 1 && card.querySelector('[data-waiting]')) window.setTimeout(renew, RENEW_MS, times - 1);
    } catch (_error) { /* what was shown stays */ }
  };

  const sendAll = async function (files) {
    progress.querySelectorAll('.failed').forEach(function (old) { old.parentNode.remove(); });
    for (const file of Array.from(files)) await send(file);
    input.value = '';
    await renew(RENEWALS);
  };

  input.addEventListener('change', function () { if (input.files.length) sendAll(input.files); });
  const carries = function (event) { return Array.from(event.dataTransfer.types).includes('Files'); };
  ['dragenter', 'dragover'].forEach(function (kind) {
    card.addEventListener(kind, function (event) {
      if (!carries(event)) return;
      event.preventDefault();
      card.classList.add('over');
    });
  });
  card.addEventListener('dragleave', function (event) {
    if (!card.contains(event.relatedTarget)) card.classList.remove('over');
  });
  card.addEventListener('drop', function (event) {
    if (!carries(event)) return;
    event.preventDefault();
    card.classList.remove('over');
    sendAll(event.dataTransfer.files);
  });
})();
