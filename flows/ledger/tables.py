"""The ledger's SQL tables of what ran, what was judged, and what was sent; `review_tables` has what persons decided.

What was judged is only ever added; a correction is a new row.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from flows.ledger.columns import Instant, metadata, name_revision, number_rows

outcomes = Table(
    "outcomes",
    metadata,
    number_rows(),
    Column("step", String(40), nullable=False),
    Column("month", String(7)),
    Column("subject", String(80)),
    Column("ok", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("policy_fingerprint", String(64)),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("exit_code", Integer),
    Index("ix_outcomes_step_month_subject", "step", "month", "subject", "ok", "id"),
)

pulls = Table(
    "pulls",
    metadata,
    number_rows(),
    Column("platform", String(80), nullable=False),
    Column("resource", String(80), nullable=False),
    Column("table_name", String(40), nullable=False),
    Column("window_from_at", Instant, nullable=False),
    Column("window_to_at", Instant, nullable=False),
    Column("status", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("received_count", Integer, nullable=False),
    Column("landed_count", Integer, nullable=False),
    Column("rejected_count", Integer, nullable=False),
    Column("reason_counts", JSON, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("checks", JSON, nullable=False),
    Column("newest_at", Instant),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Index("ix_pulls_platform_resource", "platform", "resource"),
    # Each holds all that its question reads, so that ten years of pulls are never read for it.
    Index("ix_pulls_window", "window_to_at", "window_from_at", "platform", "resource", "id"),
    Index("ix_pulls_newest", "platform", "resource", "status", "window_from_at", "window_to_at", "id"),
)

landings = Table(
    "landings",
    metadata,
    number_rows(),
    Column("pull_id", Integer, ForeignKey("pulls.id"), nullable=False),
    Column("batch_id", String(200), nullable=False),
    Column("platform", String(80), nullable=False),
    Column("resource", String(80), nullable=False),
    Column("table_name", String(40), nullable=False),
    Column("slot", String(400), nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("rejected_count", Integer, nullable=False),
    Column("landed_at", Instant, nullable=False),
    Index("ix_landings_platform_resource_slot", "platform", "resource", "slot"),
)

policies = Table(
    "policies",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("files", JSON, nullable=False),
    Column("archived_at", Instant, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("effective_on", Date, nullable=False),
    Column("cutoff_at", Instant, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("input_digest", String(64), nullable=False),
    Column("digests", JSON, nullable=False),
    Column("notices", JSON, nullable=False),
    Column("alarms", JSON, nullable=False),
    Column("software_version", String(40), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("code_fingerprint", String(64), nullable=False, server_default=""),
    Column("compared_with", Integer),
    Column("amends", Integer),
    Column("missing_workers", JSON),
)

revision_changes = Table(
    "revision_changes",
    metadata,
    *name_revision(),
    Column("subject", String(20), primary_key=True),
    Column("subject_id", String(200), primary_key=True),
    Column("field", String(80), primary_key=True),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("causes", JSON, nullable=False),
)

indicator_results = Table(
    "indicator_results",
    metadata,
    *name_revision(),
    Column("community_code", String(12), primary_key=True),
    Column("indicator", String(60), primary_key=True),
    Column("star", String(20), nullable=False),
    Column("numerator", Integer),
    Column("denominator", Integer),
    Column("value", String(80)),
    Column("score", String(80)),
    Column("state", String(20), nullable=False),
    Column("window_months", Integer, nullable=False),
)

star_results = Table(
    "star_results",
    metadata,
    *name_revision(),
    Column("community_code", String(12), primary_key=True),
    Column("star", String(20), primary_key=True),
    Column("score", String(10)),
    Column("state", String(20), nullable=False),
    Column("reasons", JSON, nullable=False),
)

rating_results = Table(
    "rating_results",
    metadata,
    *name_revision(),
    Column("community_code", String(12), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("street_code", String(20), nullable=False),
    Column("street_name", String(120), nullable=False),
    Column("district_code", String(20), nullable=False),
    Column("district_name", String(120), nullable=False),
    Column("stars", Integer, nullable=False),
    Column("total_score", String(10)),
    Column("complete", Boolean, nullable=False),
    Column("rank", Integer),
)

grade_proposals = Table(
    "grade_proposals",
    metadata,
    *name_revision(),
    Column("staff_id", String(80), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("community_code", String(12), nullable=False),
    Column("post", String(20), nullable=False),
    Column("committee_member", Boolean, nullable=False),
    Column("degree", String(20), nullable=False),
    Column("certificate", String(20), nullable=False),
    Column("current_grade", Integer),
    Column("entitled_grade", Integer, nullable=False),
    Column("proposed_grade", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("needs_manual", Boolean, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("trace", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
)

pay_lines = Table(
    "pay_lines",
    metadata,
    *name_revision(),
    Column("staff_id", String(80), primary_key=True),
    Column("basis", String(10), primary_key=True),
    Column("grade", Integer, nullable=False),
    Column("appraisal", String(20), nullable=False),
    Column("basic_fen", Integer, nullable=False),
    Column("performance_fen", Integer, nullable=False),
    Column("uplift_fen", Integer, nullable=False),
    Column("total_fen", Integer, nullable=False),
)

award_lines = Table(
    "award_lines",
    metadata,
    *name_revision(),
    Column("community_code", String(12), primary_key=True),
    Column("pay_year", Integer, nullable=False),
    Column("stars", Integer, nullable=False),
    Column("minimum_fen", Integer, nullable=False),
    Column("maximum_fen", Integer, nullable=False),
    Column("amount_fen", Integer),
)

outbox = Table(
    "outbox",
    metadata,
    number_rows(),
    Column("key", String(400), nullable=False),
    Column("message", String(40), nullable=False),
    Column("month", String(7), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("unit_code", String(20), nullable=False),
    Column("role", String(20), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("address", String(400), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("delivered_at", Instant),
    Column("sent_count", Integer, nullable=False, server_default="0"),
    Column("code", String(40), nullable=False, server_default=""),
    Column("next_attempt_at", Instant),
    Column("claimed_by", String(80)),
    Column("claimed_at", Instant),
    Column("begun_at", Instant),
    Column("withdrawal", Text),
    UniqueConstraint("key"),
    Index("ix_outbox_status", "status"),
)

quotas = Table(
    "quotas",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("closed_until", Instant),
)

provider_calls = Table(
    "provider_calls",
    metadata,
    number_rows(),
    Column("quota_key", String(200), ForeignKey("quotas.key"), nullable=False),
    Column("outbox_id", Integer, ForeignKey("outbox.id"), nullable=False),
    Column("called_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Index("ix_provider_calls_quota_key", "quota_key"),
    Index("ix_provider_calls_outbox_id", "outbox_id"),
)

condensations = Table(
    "condensations",
    metadata,
    number_rows(),
    Column("table_name", String(40), nullable=False),
    Column("platform", String(80), nullable=False),
    Column("through_no", Integer, ForeignKey("landings.id"), nullable=False),
    Column("batch_id", String(200), nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("condensed_at", Instant, nullable=False),
)

retention_items = Table(
    "retention_items",
    metadata,
    number_rows(),
    Column("kind", String(40), nullable=False),
    Column("subject", String(400), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("file_count", Integer, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    Column("announced_at", Instant, nullable=False),
    Column("deleted_at", Instant),
)
