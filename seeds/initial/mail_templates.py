"""Mail templates to begin with: first contact, after a meeting, an offer, thanks for the deal; English and Chinese."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.email_template import EmailTemplate
from crm.services import records

_LINES = """
<table width="100%" cellpadding="0" cellspacing="0">
<tr><th align="left">{0}</th><th align="right">{1}</th><th align="right">{2}</th></tr>
{{% for line in opportunity.lines %}}
<tr><td>{{{{ line.name }}}}</td><td align="right">{{{{ line.quantity }}}}</td>\
<td align="right">{{{{ line.total | money(opportunity.currency) }}}}</td></tr>
{{% endfor %}}
</table>
"""
_STYLE = """<style>
p { margin: 0 0 14px }
table { margin: 0 0 14px; border-collapse: collapse }
th { padding: 6px 8px; border-bottom: 1px solid #D5D9E0; font-weight: 500; color: #454C59 }
td { padding: 6px 8px; border-bottom: 1px solid #E6E8ED }
</style>
"""
_OFFER_EN = (
    """<p>Dear {{ contact.name | default("Sir or Madam") }},</p>
<p>thank you for your interest. This is our offer for <b>{{ opportunity.name }}</b>:</p>
"""
    + _LINES.format("Item", "Quantity", "Amount")
    + """
{% if opportunity.amount %}
<p><b>In all: {{ opportunity.amount | money(opportunity.currency) }}</b></p>
{% endif %}
<p>I am glad to answer your questions.</p>
<p>Kind regards<br>{{ sender.name }}</p>
"""
)
_OFFER_ZH = (
    """<p>{{ contact.name | default("您好") }}：</p>
<p>感谢您的关注。以下是我们就 <b>{{ opportunity.name }}</b> 的报价：</p>
"""
    + _LINES.format("项目", "数量", "金额")
    + """
{% if opportunity.amount %}
<p><b>合计：{{ opportunity.amount | money(opportunity.currency) }}</b></p>
{% endif %}
<p>如有疑问，欢迎随时联系我。</p>
<p>此致<br>{{ sender.name }}</p>
"""
)
#: code, language, name, about, subject, text, HTML
TEMPLATES = (
    (
        *("first-contact", "en", "First contact", "contact", "Nice to meet you, {{ contact.name }}"),
        'Dear {{ contact.name | default("Sir or Madam") }},\n\n'
        "my name is {{ sender.name }}, and I look after {{ contact.customer | default('your company') }} "
        "at {{ company.name }}.\nWhenever you have a question, just answer this mail.\n\n"
        "Kind regards\n{{ sender.name }}\n",
        "",
    ),
    (
        *("first-contact", "zh", "初次联系", "contact", "{{ contact.name }}，您好，很高兴认识您"),
        '{{ contact.name | default("您好") }}：\n\n'
        "我是 {{ company.name }} 的 {{ sender.name }}，今后由我为{{ contact.customer | default('贵公司') }}服务。\n"
        "如有任何问题，直接回复这封邮件即可。\n\n此致\n{{ sender.name }}\n",
        "",
    ),
    (
        *("after-meeting", "en", "After a meeting", "contact", "Thank you for your time"),
        'Dear {{ contact.name | default("Sir or Madam") }},\n\n'
        "thank you for our conversation. As agreed, I will come back to you with the next steps.\n"
        "If I have forgotten anything, please let me know.\n\nKind regards\n{{ sender.name }}\n",
        "",
    ),
    (
        *("after-meeting", "zh", "会后跟进", "contact", "感谢您抽出时间"),
        '{{ contact.name | default("您好") }}：\n\n'
        "感谢您与我们的交流。我会按约定尽快向您反馈后续安排。\n如有遗漏，敬请告知。\n\n此致\n{{ sender.name }}\n",
        "",
    ),
    ("offer", "en", "Offer", "opportunity", "Our offer: {{ opportunity.name }}", "", _STYLE + _OFFER_EN),
    ("offer", "zh", "报价", "opportunity", "报价：{{ opportunity.name }}", "", _STYLE + _OFFER_ZH),
    (
        *("deal-won", "en", "Thanks for the deal", "opportunity", "Thank you for your order"),
        'Dear {{ contact.name | default("Sir or Madam") }},\n\n'
        "thank you for your trust in us. We have begun to work on {{ opportunity.name }} and will keep you informed."
        "\n\n"
        "Kind regards\n{{ sender.name }}\n",
        "",
    ),
    (
        *("deal-won", "zh", "成交致谢", "opportunity", "感谢您的订单"),
        '{{ contact.name | default("您好") }}：\n\n'
        "感谢您对我们的信任。{{ opportunity.name }} 已开始执行，我们会及时向您通报进展。\n\n此致\n{{ sender.name }}\n",
        "",
    ),
)
_FIELDS = ("code", "language", "name", "about", "subject", "text_body", "html_body")


def load(session: Session) -> None:
    """Into an empty table only: what people deleted or rewrote does not come back."""
    if session.scalar(select(EmailTemplate.id).limit(1), execution_options={"trash": "any"}) is None:
        for values in TEMPLATES:
            records.create(session, EmailTemplate, dict(zip(_FIELDS, values, strict=True)))
