"""The first schema: assessments with their answers; runs with their seconds, steps, facts and notes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")
DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "assessment",
        _required("key", KEY),
        _required("name", sa.Text()),
        _required("created_at", TIME),
        _required("updated_at", TIME),
        sa.PrimaryKeyConstraint("key", name="pk_assessment"),
        sa.UniqueConstraint("name", name="uq_assessment_name"),
    )
    op.create_table(
        "answer",
        _required("assessment_key", KEY),
        _required("question", sa.Text()),
        _required("state", sa.Text()),
        _required("choices", DOCUMENT),
        _required("note", sa.Text()),
        _optional("not_applicable", sa.Text()),
        _required("attachments", DOCUMENT),
        _required("version", sa.Integer()),
        _required("updated_at", TIME),
        _seal("sha256"),
        sa.PrimaryKeyConstraint("assessment_key", "question", name="pk_answer"),
        sa.ForeignKeyConstraint(
            ["assessment_key"], ["assessment.key"], name="fk_answer_assessment_key_assessment"
        ),
    )
    op.create_table(
        "run",
        _required("key", KEY),
        _required("id", sa.Text()),
        _optional("assessment_key", KEY),
        _required("status", sa.Text()),
        _required("started_at", TIME),
        _required("target_address", sa.Text()),
        _required("start_document", DOCUMENT),
        _required("target", DOCUMENT),
        _required("load", DOCUMENT),
        _required("owner_host", sa.Text()),
        _required("owner_scope", sa.Text()),
        _required("owner_pid", sa.Integer()),
        _required("owner_started", sa.Double()),
        _required("heartbeat", TIME),
        _optional("ended_at", TIME),
        _optional("grade", sa.Text()),
        _optional("reason", sa.Text()),
        _optional("capacity_per_s", sa.Double()),
        _optional("capacity_low_per_s", sa.Double()),
        _optional("capacity_high_per_s", sa.Double()),
        _optional("p99_ms", sa.Double()),
        _optional("seconds", sa.Double()),
        _required("second_count", sa.Integer()),
        _required("step_count", sa.Integer()),
        _required("fact_count", sa.Integer()),
        _required("note_count", sa.Integer()),
        _optional("result_sha256", sa.String(64)),
        _seal("sha256"),
        _optional("result", DOCUMENT),
        sa.PrimaryKeyConstraint("key", name="pk_run"),
        sa.UniqueConstraint("id", name="uq_run_id"),
        sa.ForeignKeyConstraint(
            ["assessment_key"], ["assessment.key"], name="fk_run_assessment_key_assessment"
        ),
    )
    for column in ("assessment_key", "started_at", "status"):
        op.create_index(f"ix_run_{column}", "run", [column])
    _create_table_of_run(
        "second",
        _required("t", sa.Double()),
        _required("step", sa.Integer()),
        _optional("offered_per_s", sa.Double()),
        _optional("achieved_per_s", sa.Double()),
        _optional("in_flight", sa.BigInteger()),
        _optional("waiting", sa.BigInteger()),
        _optional("ok", sa.BigInteger()),
        _optional("errors", sa.BigInteger()),
        _optional("timeouts", sa.BigInteger()),
        _optional("p50_ms", sa.Double()),
        _optional("p99_ms", sa.Double()),
        _optional("max_ms", sa.Double()),
        _optional("cpu_cores", sa.Double()),
        _optional("rss_bytes", sa.BigInteger()),
        _optional("client_cpu_cores", sa.Double()),
        _seal("sha256"),
        sqlite_with_rowid=False,
    )
    _create_table_of_run(
        "step", _required("step_index", sa.Integer()), _required("document", DOCUMENT), _seal("sha256")
    )
    op.create_table(
        "histogram",
        _required("run_key", KEY),
        _required("position", sa.Integer()),
        _seal("response_sha256"),
        _seal("service_sha256"),
        _required("response", sa.Text()),
        _required("service", sa.Text()),
        sa.PrimaryKeyConstraint("run_key", "position", name="pk_histogram"),
        sa.ForeignKeyConstraint(
            ["run_key", "position"],
            ["step.run_key", "step.position"],
            name="fk_histogram_run_key_position_step",
        ),
    )
    _create_table_of_run(
        "fact", _required("name", sa.Text()), _required("document", DOCUMENT), _seal("sha256")
    )
    op.create_index("ix_fact_name", "fact", ["name"])
    _create_table_of_run(
        "note",
        _required("t", sa.Double()),
        _required("level", sa.Text()),
        _required("text", sa.Text()),
        _seal("sha256"),
    )


def _create_table_of_run(name: str, *columns: sa.Column[Any], **options: Any) -> None:
    op.create_table(
        name,
        _required("run_key", KEY),
        _required("position", sa.Integer()),
        *columns,
        sa.PrimaryKeyConstraint("run_key", "position", name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["run_key"], ["run.key"], name=f"fk_{name}_run_key_run"),
        **options,
    )


def _required(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _seal(name: str) -> sa.Column[Any]:
    return _required(name, sa.String(64))
