// The form of a mail template: the variables of the chosen kind alone, and the mail as it will look, before it is saved.
(function () {
  'use strict';
  const trial = document.querySelector('[data-trial]');
  const about = document.querySelector('select[name=about]');
  if (!trial || !about) return;
  const show = function () {
    document.querySelectorAll('details[data-about]').forEach(function (part) { part.hidden = part.dataset.about !== about.value; });
  };
  about.addEventListener('change', show);
  show();

  const frame = trial.querySelector('iframe');
  const form = about.form;
  trial.hidden = false;
  trial.querySelector('button').addEventListener('click', function () {
    const dirty = form.querySelector('.state')?.textContent;
    const send = document.createElement('button');
    send.hidden = true;
    send.formAction = trial.dataset.trial;
    send.formTarget = frame.name;
    send.formNoValidate = true;
    frame.hidden = false;
    form.append(send);
    form.requestSubmit(send);
    send.remove();
    if (dirty) form.dispatchEvent(new Event('input')); // nothing was saved by looking
  });
})();
