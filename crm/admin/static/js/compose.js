// The preview takes room once it is asked for.  Files for a mail that are too large or too many are said so before
// anything is sent; the server looks again.
(function () {
  'use strict';
  const frame = document.querySelector('.compose-preview iframe');
  frame.hidden = true;
  document.querySelector('.compose-preview button').addEventListener('click', function () { frame.hidden = false; });
  const input = document.getElementById('file');
  if (!input) return;
  const data = input.dataset;
  const MIB = 1024 * 1024;
  const note = document.getElementById(input.getAttribute('aria-describedby'));
  const usual = note.textContent;
  input.addEventListener('change', function () {
    const sizes = Array.from(input.files, function (file) { return file.size; });
    const all = sizes.reduce(function (sum, size) { return sum + size; }, 0);
    let wrong = '';
    if (sizes.length > Number(data.count)) wrong = data.tooMany;
    else if (sizes.some(function (size) { return size > Number(data.limit) * MIB; })) wrong = data.tooLarge;
    else if (all > Number(data.most) * MIB) wrong = data.tooMuch;
    input.setCustomValidity(wrong);
    input.classList.toggle('is-invalid', Boolean(wrong));
    note.textContent = wrong || usual;
    note.className = wrong ? 'error' : 'hint';
  });
})();
