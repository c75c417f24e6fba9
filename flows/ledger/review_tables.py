"""The ledger's SQL tables of what persons decided and put into force; rows are only ever added."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from flows.ledger.columns import Instant, metadata, number_rows

preparations = Table(
    "preparations",
    metadata,
    number_rows(),
    Column("month", String(7), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("staff_id", String(80), nullable=False),
    Column("proposal_digest", String(64), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("preparer", String(120), nullable=False),
    Column("authority", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("prepared_at", Instant, nullable=False),
    ForeignKeyConstraint(["month", "revision"], ["revisions.month", "revisions.revision"]),
    Index("ix_preparations_month_staff_id", "month", "staff_id"),
)

decisions = Table(
    "decisions",
    metadata,
    number_rows(),
    Column("month", String(7), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("staff_id", String(80), nullable=False),
    Column("proposal_digest", String(64), nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("reviewer", String(120), nullable=False),
    Column("comment", Text, nullable=False),
    Column("in_bulk", Boolean, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("authority", Text),
    Column("preparation_id", Integer, ForeignKey("preparations.id")),
    Column("amends_id", Integer, ForeignKey("decisions.id")),
    Column("objection_id", Integer, ForeignKey("objections.id")),
    ForeignKeyConstraint(["month", "revision"], ["revisions.month", "revisions.revision"]),
    Index("ix_decisions_month_staff_id", "month", "staff_id"),
)

objections = Table(
    "objections",
    metadata,
    number_rows(),
    Column("month", String(7), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("staff_id", String(80), nullable=False),
    Column("decision_id", Integer, ForeignKey("decisions.id")),
    Column("statement", Text, nullable=False),
    Column("recorder", String(120), nullable=False),
    Column("filed_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    ForeignKeyConstraint(["month", "revision"], ["revisions.month", "revisions.revision"]),
    Index("ix_objections_month_staff_id", "month", "staff_id"),
)

grade_register = Table(
    "grade_register",
    metadata,
    number_rows(),
    Column("staff_id", String(80), nullable=False),
    Column("post", String(20), nullable=False),
    Column("grade", Integer, nullable=False),
    Column("degree", String(20), nullable=False),
    Column("certificate", String(20), nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("month", String(7), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("decision_id", Integer, ForeignKey("decisions.id"), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("reverses_id", Integer, ForeignKey("grade_register.id")),
    UniqueConstraint("decision_id"),
    Index("uq_grade_register_reverses_id", "reverses_id", unique=True),
    Index("ix_grade_register_staff_id_effective_on", "staff_id", "effective_on"),
)

arrears = Table(
    "arrears",
    metadata,
    number_rows(),
    Column("month", String(7), nullable=False),
    Column("staff_id", String(80), nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("approved_on", Date, nullable=False),
    Column("months", Integer, nullable=False),
    Column("monthly_fen", Integer, nullable=False),
    Column("total_fen", Integer, nullable=False),
    Column("decision_id", Integer, ForeignKey("decisions.id"), nullable=False),
    UniqueConstraint("decision_id"),
)

review_chain = Table(
    "review_chain",
    metadata,
    number_rows(),
    Column("table_name", String(40), nullable=False),
    Column("row_id", Integer, nullable=False),
    Column("row_digest", String(64), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("entry_hash", String(64), nullable=False),
    UniqueConstraint("previous_hash"),
    UniqueConstraint("table_name", "row_id"),
)
