"""The words that demo data is made of: invented companies and people, half of them Chinese, half English.

Domains end in .example and telephone numbers lie in ranges set aside for fiction, where a country has one.
"""

from __future__ import annotations

#: Chinese, and how it is spelled in an address
SURNAMES = (
    *(("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"), ("黄", "huang")),
    *(("赵", "zhao"), ("周", "zhou"), ("吴", "wu"), ("徐", "xu"), ("孙", "sun"), ("林", "lin"), ("郭", "guo")),
    *(("何", "he"), ("高", "gao"), ("罗", "luo"), ("郑", "zheng"), ("梁", "liang"), ("欧阳", "ouyang")),
)
GIVEN = (
    *(("芳", "fang"), ("伟", "wei"), ("娜", "na"), ("敏", "min"), ("静", "jing"), ("强", "qiang"), ("磊", "lei")),
    *(("洋", "yang"), ("艳", "yan"), ("杰", "jie"), ("晓琳", "xiaolin"), ("建国", "jianguo"), ("思远", "siyuan")),
    *(("雨桐", "yutong"), ("子轩", "zixuan"), ("梦洁", "mengjie"), ("浩然", "haoran"), ("佳怡", "jiayi")),
    *(("文博", "wenbo"), ("志明", "zhiming"), ("秀英", "xiuying"), ("海燕", "haiyan"), ("俊杰", "junjie")),
)
BRANDS = (
    *(("瑞丰", "ruifeng"), ("恒达", "hengda"), ("天和", "tianhe"), ("宏远", "hongyuan"), ("金桥", "jinqiao")),
    *(("华信", "huaxin"), ("东方", "dongfang"), ("长青", "changqing"), ("明德", "mingde"), ("云帆", "yunfan")),
    *(("启航", "qihang"), ("泰山", "taishan"), ("新城", "xincheng"), ("博雅", "boya"), ("远景", "yuanjing")),
    *(("嘉禾", "jiahe"), ("星海", "xinghai"), ("中联", "zhonglian"), ("永安", "yongan"), ("卓越", "zhuoyue")),
)
TRADES = ("机械", "电子", "物流", "软件", "医疗器械", "食品", "纺织", "新能源", "化工", "建材", "信息技术", "精密制造")
CITIES_ZH = ("上海", "北京", "深圳", "广州", "杭州", "苏州", "南京", "成都", "武汉", "青岛", "厦门", "西安")
STREETS_ZH = ("人民路", "中山路", "科技大道", "建设路", "解放路", "创新路", "滨江大道")

FIRST = (
    *("Emma", "Liam", "Olivia", "Noah", "Sophie", "Lucas", "Hannah", "Felix", "Grace", "Oscar", "Clara", "Hugo"),
    *("Nora", "Samuel", "Alice", "Daniel", "Julia", "Martin", "Laura", "Peter", "Ingrid", "Marco", "Elena", "David"),
)
LAST = (
    *("Carter", "Bennett", "Fischer", "Moreau", "Rossi", "Novak", "Larsen", "Murphy", "Hughes", "Weber", "Silva"),
    *("Brooks", "Keller", "Lindqvist", "Dubois", "Walsh", "Foster", "Schmidt", "Patel", "Morgan", "Hayes", "Reed"),
)
STEMS = (
    *("Harbor", "Cedar", "North", "Silver", "Bright", "Stone", "Maple", "Summit", "Blue", "Iron", "Clear", "Red"),
    *("Green", "Oak", "West", "Crest"),
)
TAILS = ("line", "works", "field", "gate", "bridge", "port", "mill", "point", "way", "ridge")
KINDS = (
    *("Logistics", "Systems", "Foods", "Medical", "Textiles", "Energy", "Software", "Engineering", "Packaging"),
    *("Retail", "Instruments", "Chemicals"),
)
#: city, country, currency, beginning of a telephone number
CITIES_EN = (
    ("Berlin", "Germany", "EUR", "+493023125"),
    ("London", "United Kingdom", "EUR", "+442079460"),
    ("Paris", "France", "EUR", "+331999012"),
    ("New York", "United States", "USD", "+1212555"),
    ("Chicago", "United States", "USD", "+1312555"),
    ("Boston", "United States", "USD", "+1617555"),
    ("Toronto", "Canada", "USD", "+1416555"),
)
STREETS_EN = ("Market Street", "Station Road", "Mill Lane", "Park Avenue", "Harbour Road", "King Street")

TITLES = {
    "zh": ("采购经理", "技术总监", "总经理", "销售总监", "财务主管", "信息中心主任", "生产经理", "项目经理"),
    "en": ("Head of Purchasing", "CTO", "Managing Director", "IT Manager", "CFO", "Plant Manager", "Project Lead"),
}
DEPARTMENTS = {
    "zh": ("采购部", "技术部", "总经办", "销售部", "财务部", "信息中心", "生产部"),
    "en": ("Purchasing", "IT", "Management", "Finance", "Production", "Sales"),
}
#: code, name, list price, currency
PRODUCTS = (
    ("DEMO-GW200", "工业网关 G200", "12800", "CNY"),
    ("DEMO-PLAT", "数据平台年费", "68000", "CNY"),
    ("DEMO-IMPL", "实施服务（人天）", "2600", "CNY"),
    ("DEMO-SENS", "Sensor kit", "890", "USD"),
    ("DEMO-ANLY", "Analytics licence", "14500", "USD"),
    ("DEMO-SUPP", "Support plan", "4800", "EUR"),
    ("DEMO-TRAIN", "Training day", "1600", "EUR"),
)
SUBJECTS = {
    "zh": ("智能工厂改造", "数据平台续约", "网关设备采购", "仓储系统升级", "年度维保服务", "生产看板项目", "试点项目"),
    "en": ("Analytics rollout", "Sensor pilot", "Support renewal", "Plant upgrade", "Warehouse project", "New site"),
}
NEXT_STEPS = {
    "zh": ("发送报价单", "安排技术交流", "等待客户内部审批", "确认合同条款", "上门演示"),
    "en": ("Send the quote", "Arrange a demo", "Wait for their approval", "Agree on terms", "Call the CFO"),
}
LOST_NOTES = {
    "zh": ("客户选择了本地供应商。", "缺少对旧系统的接口。", "项目被总部叫停。"),
    "en": ("They chose a local supplier.", "No interface to their old system.", "Headquarters stopped the project."),
}
#: kind, subject, body, outcome
TALKS = {
    "zh": (
        ("call", "电话沟通需求", "客户希望年底前上线，重点关注数据安全。", "约定下周演示"),
        ("meeting", "现场技术交流", "与技术团队讨论了接口方案，对方提出三个问题。", "发送书面答复"),
        ("email", "发送报价单", "按三年期给出两种方案的报价。", "等待反馈"),
        ("visit", "拜访工厂", "参观了两条产线，改造空间较大。", "准备方案"),
        ("message", "微信跟进", "对方表示预算正在审批。", ""),
        ("note", "内部备注", "竞争对手报价约低百分之八，但不含实施。", ""),
    ),
    "en": (
        (
            "call",
            "Call about requirements",
            "They want to go live this year; security matters.",
            "Demo set",
        ),
        (
            "meeting",
            "Workshop with their IT",
            "Went through the interfaces; three questions are open.",
            "Answer by mail",
        ),
        ("email", "Sent the quote", "Two variants over three years.", "Waiting for an answer"),
        ("visit", "Visit at the plant", "Saw two lines; there is room for improvement.", "Prepare a proposal"),
        ("message", "Follow-up", "Budget is being approved.", ""),
        ("note", "Note", "The competitor is eight percent cheaper, without installation.", ""),
    ),
}
TASKS = {
    "zh": (
        ("call", "回电确认合同条款"),
        ("email", "发送更新后的报价"),
        ("meeting", "准备技术交流材料"),
        ("follow_up", "跟进付款进度"),
    ),
    "en": (
        ("call", "Call back about the terms"),
        ("email", "Send the new quote"),
        ("meeting", "Prepare the workshop"),
        ("follow_up", "Ask about the payment"),
    ),
}
TAGS = (
    ("重点客户", "red"),
    ("Newsletter", "blue"),
    ("展会 2026", "orange"),
    ("Reference", "green"),
    ("Partner", "purple"),
)
GROUPS = (
    ("Newsletter readers", "Get our monthly letter."),
    ("春季答谢会", "受邀参加春季客户答谢会。"),
    ("Beta users", "Try new functions first."),
)
SOURCES = ("Website", "Referral", "Trade fair", "Cold call", "Partner")
#: why a customer is what it is, by status
STATUS_REASONS = {
    "zh": {
        "at_risk": ("竞争对手报价更低", "关键联系人离职", "对交付周期不满意"),
        "churned": ("改用其他供应商", "项目取消"),
        "dormant": ("一年内没有新项目",),
    },
    "en": {
        "at_risk": ("A competitor is cheaper", "Our contact has left", "Not happy with the delivery"),
        "churned": ("Went to a competitor", "The project was stopped"),
        "dormant": ("No project planned this year",),
    },
}
#: name, cron fields, zone of reports that are mailed to the manager
REPORTS = (
    ("Pipeline on Monday morning", "0 8 * * mon", "Europe/Berlin"),
    ("月末销售漏斗", "0 18 28 * *", "Asia/Shanghai"),
)
#: title, rule, how the next one is reckoned, steps
SERIES = (
    ("Plan the week", "FREQ=WEEKLY;BYDAY=MO", "after_due", ()),
    ("季度客户回访", "FREQ=MONTHLY;INTERVAL=3", "after_completion", ("准备资料", "电话回访", "记录反馈")),
    ("Check open invoices", "FREQ=MONTHLY;BYMONTHDAY=1", "after_due", ("Ask accounting", "Call who is late")),
)
REMINDERS = ("Ask for the signed contract", "确认报价是否收到", "Call before the budget round")
#: kind, title of the parts that a task falls into, in the order they are done
PARTS = {
    "zh": (("call", "确认参会人员"), ("email", "发送会议资料"), ("follow_up", "整理会议纪要")),
    "en": (("call", "Ask who will be there"), ("email", "Send the papers"), ("follow_up", "Write down the results")),
}
#: kind, title, days from today until it is due
MANAGER_TASKS = (
    ("meeting", "Talk through the forecast with the team", 0),
    ("follow_up", "审批大额折扣申请", -2),
    ("todo", "Agree on next quarter's targets", 5),
    ("call", "致电重点客户", 1),
    ("todo", "Look at what was lost this month", 9),
)
