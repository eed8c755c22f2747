// The mailed link carries its code behind the #, where no server log sees it: put it into the form, and out of sight.
(function () {
  'use strict';
  const field = document.querySelector('[data-from-fragment]');
  const code = window.location.hash.slice(1);
  if (!field || !code) return;
  field.value = code;
  window.history.replaceState(null, '', window.location.pathname);
  document.getElementById('password').focus();
})();
