"""What the workbook's sheets are called, and how its file's name ends."""

SUFFIX = ".xlsx"
SUMMARY, TO_DECIDE, HELD, ALL_STAFF = "汇总", "待决定", "暂缓晋级", "全部人员"
POLICY, RULES = "政策参数", "规则说明"
MISSING, CHANGES = "名册缺人", "版本差异"
INFORMING = frozenset({SUMMARY, HELD, ALL_STAFF, POLICY, RULES, MISSING, CHANGES})
"""The sheets in which nothing is filled in."""
