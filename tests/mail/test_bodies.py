"""HTML of mail is clean and carries its styles inline; each body can be made from the other."""

from __future__ import annotations

import pytest

from crm.mail import bodies


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<form action='https://evil.example'><input name=q></form>",
        "<iframe src='https://evil.example'></iframe>",
        "<svg onload=alert(1)>",
        "<link rel=stylesheet href='file:///etc/passwd'>",
        "<meta http-equiv=refresh content='0;url=https://evil.example'>",
        "<div style='position:fixed;background:url(https://evil.example)'>x</div>",
        "<style>p { background-image: url('https://evil.example') }</style><p>x</p>",
        "<style>@import 'file:///etc/passwd';</style><p>x</p>",
        "<base href='https://evil.example'>",
    ],
)
def test_nothing_that_acts_stays(evil: str) -> None:
    made = bodies.clean(f"<p>before</p>{evil}<p>after</p>")
    for word in ("script", "onerror", "onload", "javascript", "<form", "<iframe", "evil.example", "position", "passwd"):
        assert word not in made
    assert "before" in made
    assert "after" in made


def test_styles_are_put_inline() -> None:
    made = bodies.clean("<style>.x { color: red }</style><p class='x'>Hi</p>")
    assert 'style="color:red"' in made
    assert "<style" not in made


def test_text_becomes_html_and_html_text() -> None:
    html = bodies.from_text("Dear <Bo>,\nsee https://a.example/b.\n\nBye")
    assert html.count("<p") == 2
    assert 'Dear &lt;Bo&gt;,<br>\nsee <a href="https://a.example/b">https://a.example/b</a>.' in html
    assert bodies.to_text(html) == "Dear <Bo>,\nsee https://a.example/b.\n\nBye\n"


def test_the_text_of_html_shows_where_links_lead_and_what_is_a_list() -> None:
    link = "<a href='https://a.example'>here</a>"
    text = bodies.to_text(f"<h1>Offer</h1><ul><li>One</li><li>Two</li></ul><p>See {link}</p>")
    assert text == "Offer\n\n- One\n- Two\n\nSee here (https://a.example)\n"


def test_the_cells_of_a_row_stand_apart() -> None:
    rows = "<tr><th>Item</th><th>Amount</th></tr><tr><td>Licence</td><td>$7</td></tr>"
    assert bodies.to_text(f"<p>Offer</p><table>{rows}</table>") == "Offer\n\nItem | Amount\nLicence | $7\n"


def test_a_footer_stands_at_the_end_of_page_and_text() -> None:
    page = bodies.page("<p>Hi</p>", title="A <b>", language="zh")
    made = bodies.with_footer(page, "Enough?", "https://crm.example/unsubscribe/x", "Unsubscribe")
    assert "<title>A &lt;b&gt;</title>" in made
    assert '<html lang="zh-CN">' in made
    assert made.index("<p>Hi</p>") < made.index("https://crm.example/unsubscribe/x") < made.index("</body>")
