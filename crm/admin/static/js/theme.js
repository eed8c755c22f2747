// Sets light or dark before anything is drawn; the choice is remembered, without one the system decides.
(function () {
  'use strict';
  const root = document.documentElement;
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const kept = function (name) {
    try { return window.localStorage.getItem(name); } catch (error) { return null; }
  };
  const apply = function () {
    const theme = kept('crm_theme') || (system.matches ? 'dark' : 'light');
    root.classList.add('switching');
    root.setAttribute('data-bs-theme', theme);
    window.requestAnimationFrame(function () {
      window.requestAnimationFrame(function () { root.classList.remove('switching'); });
    });
    document.dispatchEvent(new CustomEvent('crm:theme', { detail: theme }));
  };
  window.crmTheme = function (theme) {
    try { window.localStorage.setItem('crm_theme', theme); } catch (error) { /* private window: for this page only */ }
    root.setAttribute('data-bs-theme', theme);
    apply();
  };
  window.crmDensity = function (density) {
    try { window.localStorage.setItem('crm_density', density); } catch (error) { /* as above */ }
    root.setAttribute('data-density', density);
  };
  root.setAttribute('data-density', kept('crm_density') || 'compact');
  root.classList.add('js');
  system.addEventListener('change', apply);
  apply();
})();
