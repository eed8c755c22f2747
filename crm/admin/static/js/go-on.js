// After a sign-in, or from an earlier one: on to the form with what was typed.  Without this script there is a button.
(function () {
  'use strict';
  document.querySelector('form[data-go-on]').submit();
})();
