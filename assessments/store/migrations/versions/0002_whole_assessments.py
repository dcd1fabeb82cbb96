"""Whole assessments: their id and setup, evidence from elsewhere, and milestones."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")
DOCUMENT = sa.Text().with_variant(postgresql.JSONB(), "postgresql")

COUNTED = {"run_count": "run", "answer_count": "answer"}
COUNTS = ("setup_version", *COUNTED, "evidence_count", "milestone_count")


def upgrade() -> None:
    """Gives every assessment its id and its counts, and makes the new tables."""
    _extend_assessment()
    _create_table_of_assessment(
        "setup",
        _required("profile", DOCUMENT),
        sa.Column("lens", sa.Text(), nullable=True),
        sa.Column("lens_name", sa.Text(), nullable=True),
        _required("weights", DOCUMENT),
        _required("challenges", DOCUMENT),
        _required("title", sa.Text()),
        _required("version", sa.Integer()),
        _required("updated_at", TIME),
        _required("sha256", sa.String(64)),
        sa.PrimaryKeyConstraint("assessment_key", name="pk_setup"),
    )
    _create_table_of_assessment(
        "evidence",
        _required("position", sa.Integer()),
        _required("kind", sa.Text()),
        _required("origin", sa.Text()),
        _required("sealed", sa.Boolean()),
        _required("at", TIME),
        _required("document_sha256", sa.String(64)),
        _required("sha256", sa.String(64)),
        _required("document", DOCUMENT),
        sa.PrimaryKeyConstraint("assessment_key", "position", name="pk_evidence"),
    )
    _create_table_of_assessment(
        "milestone",
        _required("position", sa.Integer()),
        _required("label", sa.Text()),
        _required("at", TIME),
        _required("sha256", sa.String(64)),
        _required("document", sa.Text()),
        sa.PrimaryKeyConstraint("assessment_key", "position", name="pk_milestone"),
        sa.UniqueConstraint("assessment_key", "label", name="uq_milestone_assessment_key_label"),
    )


def _extend_assessment() -> None:
    """Adds what must not be null in three moves: SQLite cannot add such a column to rows that are there."""
    op.add_column("assessment", sa.Column("id", sa.Text(), nullable=True))
    for name in COUNTS:
        op.add_column("assessment", sa.Column(name, sa.Integer(), nullable=True))
    assessment = sa.table(
        "assessment", sa.column("key"), sa.column("id"), *(sa.column(name) for name in COUNTS)
    )
    connection = op.get_bind()
    for key in connection.scalars(sa.select(assessment.c.key)).all():
        values: dict[str, Any] = {"id": uuid.uuid4().hex, **dict.fromkeys(COUNTS, 0)}
        for name, table in COUNTED.items():
            rows = sa.table(table, sa.column("assessment_key"))
            counting = sa.select(sa.func.count()).select_from(rows).where(rows.c.assessment_key == key)
            values[name] = connection.scalar(counting)
        connection.execute(sa.update(assessment).where(assessment.c.key == key).values(values))
    with op.batch_alter_table("assessment") as batch:
        batch.alter_column("id", existing_type=sa.Text(), nullable=False)
        for name in COUNTS:
            batch.alter_column(name, existing_type=sa.Integer(), nullable=False)
        batch.create_unique_constraint("uq_assessment_id", ["id"])


def _create_table_of_assessment(name: str, *columns: Any) -> None:
    op.create_table(
        name,
        sa.Column("assessment_key", KEY, nullable=False, autoincrement=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["assessment_key"], ["assessment.key"], name=f"fk_{name}_assessment_key_assessment"
        ),
    )


def _required(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
