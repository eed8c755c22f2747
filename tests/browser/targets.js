// What a thumb presses and is lower than a chip: 36 px.  Links within running text are as high as their line.
() => {
  const pressed = 'button, summary, select, input:not([type=hidden]), a.btn, a.menu-item, .dock a, nav a';
  const spared = '.sr, .skip, .pairs, .prose, .crumbs, thead, [inert]';
  const around = e => {
    const { content, position, top } = getComputedStyle(e, '::before');
    return content !== 'none' && position === 'absolute' ? -2 * parseFloat(top) : 0;
  };
  const box = e => {
    const { width, height } = (e.closest('label') || e).getBoundingClientRect();
    return { width: width + around(e), height: height + around(e) };
  };
  return Array.from(document.querySelectorAll(pressed))
    .filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.closest(spared))
    .filter(e => box(e).width > 1 && box(e).height < 35.5)
    .map(e => `${Math.round(box(e).width)} x ${Math.round(box(e).height)}: ${e.outerHTML.slice(0, 120)}`);
}
