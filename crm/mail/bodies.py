"""The two bodies of a mail: clean HTML with its styles inline, plain text, and each made from the other."""

from __future__ import annotations

import re
from functools import lru_cache
from html.parser import HTMLParser

import css_inline
import nh3
from markupsafe import escape

_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.IGNORECASE | re.DOTALL)
_LINK = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}
_EVERYWHERE = {"style", "class", "align", "dir", "lang", "title", "valign", "width", "height", "bgcolor"}
_ATTRIBUTES = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()} | {"*": _EVERYWHERE}
_ATTRIBUTES["table"] |= {"border", "cellpadding", "cellspacing", "role"}
#: nothing that loads something, or lies over what stands around it
_PROPERTIES = {
    *("color", "background-color", "font", "font-family", "font-size", "font-style", "font-weight", "line-height"),
    *("letter-spacing", "text-align", "text-decoration", "text-transform", "white-space", "vertical-align", "display"),
    *("width", "max-width", "min-width", "height", "max-height", "box-sizing", "list-style-type", "direction"),
    *("border-collapse", "border-spacing", "border-radius", "table-layout", "word-break", "overflow-wrap"),
    *(f"{box}{side}" for box in ("margin", "padding", "border") for side in ("", "-top", "-right", "-bottom", "-left")),
    *("border-color", "border-style", "border-width"),
}
_PAGE = (
    '<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>\n'
    "<body style=\"margin:0;padding:16px;font:15px/1.6 -apple-system,'Segoe UI',Roboto,'Noto Sans','PingFang SC',"
    "'Microsoft YaHei',sans-serif;color:#14181F;background-color:#FFFFFF\">\n{body}\n</body></html>\n"
)
_END = "\n</body></html>\n"


def clean(html: str) -> str:
    """A fragment without scripts, forms and anything else that acts; its style sheets put inline."""
    css = "\n".join(_STYLE.findall(html))
    safe = _cleaned(_STYLE.sub("", html))
    return _cleaned(_inliner().inline_fragment(safe, css)) if css.strip() else safe


def page(fragment: str, *, title: str, language: str) -> str:
    """The whole HTML of a mail around a clean fragment."""
    lang = "zh-CN" if language == "zh" else language
    return _PAGE.format(lang=escape(lang), title=escape(title), body=fragment)


def with_footer(html: str, sentence: str, url: str, label: str) -> str:
    """The page with a last line below a rule: a sentence and a link."""
    line = (
        '<hr style="margin:32px 0 12px;border:0;border-top:1px solid #E6E8ED">'
        '<p style="margin:0;font-size:12px;line-height:1.5;color:#616977">'
        f'{escape(sentence)} <a href="{escape(url)}" style="color:#616977">{escape(label)}</a></p>'
    )
    head, _, _ = html.rpartition(_END)
    return f"{head}\n{line}{_END}" if head else html + line


def from_text(text: str) -> str:
    """Paragraphs at empty lines, line ends kept, web addresses as links."""
    parts = [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))]
    return "\n".join(f'<p style="margin:0 0 14px">{_linked(part)}</p>' for part in parts if part.strip())


def _linked(part: str) -> str:
    made, end = [], 0
    for found in _LINK.finditer(part):
        made.append(str(escape(part[end : found.start()])))
        made.append(f'<a href="{escape(found[0])}">{escape(found[0])}</a>')
        end = found.end()
    return "".join([*made, str(escape(part[end:]))]).replace("\n", "<br>\n")


def to_text(html: str) -> str:
    """What a reader without HTML gets: paragraphs, list items with a dash, links with their address."""
    reader = _Reader()
    reader.feed(_STYLE.sub("", html))
    reader.close()
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip(" |") for line in "".join(reader.parts).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    _BLOCKS = frozenset({"p", "div", "table", "ul", "ol", "h1", "h2", "h3", "h4", "blockquote", "hr", "section"})
    _SILENT = frozenset({"script", "style", "title", "head"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag in self._BLOCKS:
            self.parts.append("\n\n")
        elif tag in ("br", "tr", "li"):
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.parts)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self._BLOCKS:
            self.parts.append("\n\n")
        elif tag in ("td", "th"):
            self.parts.append(" | ")
        elif tag == "a" and self._links:
            address, start = self._links.pop()
            said = "".join(self.parts[start:]).strip()
            if address.startswith(("http://", "https://")) and address != said:
                self.parts.append(f" ({address})")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def _cleaned(html: str) -> str:
    return nh3.clean(
        html, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, filter_style_properties=_PROPERTIES, url_relative="deny"
    )


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False)
