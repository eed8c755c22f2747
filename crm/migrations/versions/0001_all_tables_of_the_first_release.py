"""All tables of the first release; long, as a migration is written once and never taken apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import crm.columns
from crm.search_text import search_ddl

revision: str = "0001"
down_revision: str | None = None
SEARCHED = ("contact", "customer", "interaction", "opportunity", "product", "task", "user")
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("actor_id", crm.columns.Key, nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("record_id", crm.columns.Key, nullable=False),
        sa.Column("changes", crm.columns.Document, nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_action"), "audit_entry", ["action"], unique=False)
    op.create_index(op.f("ix_audit_entry_actor_id"), "audit_entry", ["actor_id"], unique=False)
    op.create_index(op.f("ix_audit_entry_created_at"), "audit_entry", ["created_at"], unique=False)
    op.create_index("ix_audit_entry_record", "audit_entry", ["entity", "record_id", "id"], unique=False)
    op.create_index(op.f("ix_audit_entry_record_id"), "audit_entry", ["record_id"], unique=False)
    op.create_index(op.f("ix_audit_entry_request_id"), "audit_entry", ["request_id"], unique=False)
    op.create_table(
        "login_throttle",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", crm.columns.Instant(), nullable=True),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_throttle")),
        sa.UniqueConstraint("key", name=op.f("uq_login_throttle_key")),
    )
    op.create_index(op.f("ix_login_throttle_updated_at"), "login_throttle", ["updated_at"], unique=False)
    op.create_table(
        "permission",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("resource", sa.String(length=60), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission")),
    )
    op.create_index(op.f("ix_permission_action"), "permission", ["action"], unique=False)
    op.create_index(op.f("ix_permission_created_at"), "permission", ["created_at"], unique=False)
    op.create_index(op.f("ix_permission_name"), "permission", ["name"], unique=True)
    op.create_index(op.f("ix_permission_resource"), "permission", ["resource"], unique=False)
    op.create_table(
        "token_blacklist",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("jti", sa.String(length=36), nullable=False),
        sa.Column("expires_at", crm.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_blacklist")),
        sa.UniqueConstraint("jti", name=op.f("uq_token_blacklist_jti")),
    )
    op.create_index(op.f("ix_token_blacklist_expires_at"), "token_blacklist", ["expires_at"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("status", sa.Boolean(), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("manager_id", crm.columns.Key, nullable=True),
        sa.Column("access_version", sa.Integer(), nullable=False),
        sa.Column("tokens_from", crm.columns.Instant(), nullable=False),
        sa.Column("last_login_at", crm.columns.Instant(), nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_user_created_by_user")),
        sa.ForeignKeyConstraint(["manager_id"], ["user.id"], name=op.f("fk_user_manager_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
    )
    op.create_index(op.f("ix_user_created_at"), "user", ["created_at"], unique=False)
    op.create_index("ix_user_email", "user", ["email"], unique=False)
    op.create_index(op.f("ix_user_manager_id"), "user", ["manager_id"], unique=False)
    op.create_index(op.f("ix_user_status"), "user", ["status"], unique=False)
    op.create_index(
        "ix_user_trash",
        "user",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_user_updated_at"), "user", ["updated_at"], unique=False)
    op.create_index("ix_user_username", "user", ["username"], unique=False)
    op.create_table(
        "admin_session",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", crm.columns.Key, nullable=True),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("data", crm.columns.Document, nullable=False),
        sa.Column("seen_at", crm.columns.Instant(), nullable=False),
        sa.Column("expires_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_admin_session_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_admin_session_token_hash")),
    )
    op.create_index(op.f("ix_admin_session_created_at"), "admin_session", ["created_at"], unique=False)
    op.create_index(op.f("ix_admin_session_expires_at"), "admin_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_admin_session_user_id"), "admin_session", ["user_id"], unique=False)
    op.create_table(
        "category_type",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.Boolean(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_category_type_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_type")),
    )
    op.create_index(op.f("ix_category_type_created_at"), "category_type", ["created_at"], unique=False)
    op.create_index(op.f("ix_category_type_status"), "category_type", ["status"], unique=False)
    op.create_index(
        "ix_category_type_trash",
        "category_type",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_category_type_updated_at"), "category_type", ["updated_at"], unique=False)
    op.create_index(
        "uq_category_type_code",
        "category_type",
        ["code"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "contact_group",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_contact_group_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_group")),
    )
    op.create_index(op.f("ix_contact_group_created_at"), "contact_group", ["created_at"], unique=False)
    op.create_index(
        "ix_contact_group_trash",
        "contact_group",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_contact_group_updated_at"), "contact_group", ["updated_at"], unique=False)
    op.create_index(
        "uq_contact_group_name",
        "contact_group",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "email_message",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("owner_id", crm.columns.Key, nullable=True),
        sa.Column("job_id", crm.columns.Key, nullable=True),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("to_name", sa.String(length=120), nullable=False),
        sa.Column("cc", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text_body", sa.Text(), nullable=False),
        sa.Column("html_body", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "ready",
                "sending",
                "sent",
                "refused",
                "uncertain",
                "cancelled",
                "captured",
                name="emailstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("smtp_code", sa.Integer(), nullable=True),
        sa.Column("smtp_reply", sa.String(length=500), nullable=False),
        sa.Column("sending_at", crm.columns.Instant(), nullable=True),
        sa.Column("sent_at", crm.columns.Instant(), nullable=True),
        sa.Column("record_type", sa.String(length=32), nullable=True),
        sa.Column("record_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_email_message_created_by_user")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_email_message_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_message")),
        sa.UniqueConstraint("job_id", name=op.f("uq_email_message_job_id")),
        sa.UniqueConstraint("key", name=op.f("uq_email_message_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_email_message_message_id")),
    )
    op.create_index(op.f("ix_email_message_created_at"), "email_message", ["created_at"], unique=False)
    op.create_index(op.f("ix_email_message_owner_id"), "email_message", ["owner_id"], unique=False)
    op.create_index("ix_email_message_record", "email_message", ["record_type", "record_id"], unique=False)
    op.create_index(op.f("ix_email_message_sent_at"), "email_message", ["sent_at"], unique=False)
    op.create_index(op.f("ix_email_message_state"), "email_message", ["state"], unique=False)
    op.create_index(op.f("ix_email_message_to_address"), "email_message", ["to_address"], unique=False)
    op.create_index(op.f("ix_email_message_updated_at"), "email_message", ["updated_at"], unique=False)
    op.create_table(
        "idempotency_record",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.String(length=500), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_idempotency_record_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_record")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_idempotency_record_user_id_key")),
    )
    op.create_index(op.f("ix_idempotency_record_created_at"), "idempotency_record", ["created_at"], unique=False)
    op.create_index(op.f("ix_idempotency_record_expires_at"), "idempotency_record", ["expires_at"], unique=False)
    op.create_index(op.f("ix_idempotency_record_user_id"), "idempotency_record", ["user_id"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("queue", sa.String(length=20), nullable=False),
        sa.Column("dedupe_key", sa.String(length=200), nullable=False),
        sa.Column("payload", crm.columns.Document, nullable=False),
        sa.Column(
            "effect",
            sa.Enum("idempotent", "at_most_once", "at_least_once", name="jobeffect", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "dispatched",
                "running",
                "succeeded",
                "dead",
                "uncertain",
                "cancelled",
                "held",
                name="jobstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("run_at", crm.columns.Instant(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("max_crashes", sa.Integer(), nullable=False),
        sa.Column("dispatched_at", crm.columns.Instant(), nullable=True),
        sa.Column("dispatches", sa.Integer(), nullable=False),
        sa.Column("lease_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", crm.columns.Instant(), nullable=True),
        sa.Column("worker", sa.String(length=120), nullable=True),
        sa.Column("error_class", sa.String(length=120), nullable=False),
        sa.Column("last_error", sa.String(length=2000), nullable=False),
        sa.Column("progress_done", sa.Integer(), nullable=True),
        sa.Column("progress_total", sa.Integer(), nullable=True),
        sa.Column("progress_note", sa.String(length=200), nullable=False),
        sa.Column("principal_id", crm.columns.Key, nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("started_at", crm.columns.Instant(), nullable=True),
        sa.Column("finished_at", crm.columns.Instant(), nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["principal_id"], ["user.id"], name=op.f("fk_job_principal_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_job_dedupe_key")),
    )
    op.create_index(op.f("ix_job_created_at"), "job", ["created_at"], unique=False)
    op.create_index(
        "ix_job_dispatched",
        "job",
        ["dispatched_at"],
        unique=False,
        sqlite_where=sa.text("status = 'dispatched'"),
        postgresql_where=sa.text("status = 'dispatched'"),
    )
    op.create_index(
        "ix_job_due",
        "job",
        ["priority", "run_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(op.f("ix_job_kind"), "job", ["kind"], unique=False)
    op.create_index(
        "ix_job_lease",
        "job",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(op.f("ix_job_principal_id"), "job", ["principal_id"], unique=False)
    op.create_index(op.f("ix_job_queue"), "job", ["queue"], unique=False)
    op.create_index(op.f("ix_job_run_at"), "job", ["run_at"], unique=False)
    op.create_index(op.f("ix_job_status"), "job", ["status"], unique=False)
    op.create_table(
        "lost_reason",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("requires_note", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_lost_reason_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_reason")),
    )
    op.create_index(op.f("ix_lost_reason_active"), "lost_reason", ["active"], unique=False)
    op.create_index(op.f("ix_lost_reason_created_at"), "lost_reason", ["created_at"], unique=False)
    op.create_index(
        "ix_lost_reason_trash",
        "lost_reason",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_lost_reason_updated_at"), "lost_reason", ["updated_at"], unique=False)
    op.create_index(
        "uq_lost_reason_name",
        "lost_reason",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "notification",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(length=1000), nullable=False),
        sa.Column("link", sa.String(length=300), nullable=False),
        sa.Column("read_at", crm.columns.Instant(), nullable=True),
        sa.Column("key", sa.String(length=120), nullable=True),
        sa.Column("record_type", sa.String(length=32), nullable=True),
        sa.Column("record_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_notification_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("key", name=op.f("uq_notification_key")),
    )
    op.create_index(op.f("ix_notification_created_at"), "notification", ["created_at"], unique=False)
    op.create_index(op.f("ix_notification_kind"), "notification", ["kind"], unique=False)
    op.create_index(op.f("ix_notification_read_at"), "notification", ["read_at"], unique=False)
    op.create_index("ix_notification_record", "notification", ["record_type", "record_id"], unique=False)
    op.create_index(op.f("ix_notification_user_id"), "notification", ["user_id"], unique=False)
    op.create_index("ix_notification_user_id_read_at", "notification", ["user_id", "read_at"], unique=False)
    op.create_table(
        "password_reset",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", crm.columns.Instant(), nullable=False),
        sa.Column("used_at", crm.columns.Instant(), nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_password_reset_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_reset")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_reset_token_hash")),
    )
    op.create_index(op.f("ix_password_reset_created_at"), "password_reset", ["created_at"], unique=False)
    op.create_index(op.f("ix_password_reset_expires_at"), "password_reset", ["expires_at"], unique=False)
    op.create_index(op.f("ix_password_reset_user_id"), "password_reset", ["user_id"], unique=False)
    op.create_table(
        "pipeline",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_pipeline_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline")),
    )
    op.create_index(op.f("ix_pipeline_created_at"), "pipeline", ["created_at"], unique=False)
    op.create_index(
        "ix_pipeline_trash",
        "pipeline",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_pipeline_updated_at"), "pipeline", ["updated_at"], unique=False)
    op.create_index(
        "uq_pipeline_name",
        "pipeline",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "product",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("unit_price", crm.columns.Money(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_product_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_index(op.f("ix_product_active"), "product", ["active"], unique=False)
    op.create_index(op.f("ix_product_created_at"), "product", ["created_at"], unique=False)
    op.create_index("ix_product_name", "product", ["name"], unique=False)
    op.create_index(
        "ix_product_trash",
        "product",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_product_updated_at"), "product", ["updated_at"], unique=False)
    op.create_index(
        "uq_product_code",
        "product",
        ["code"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "refresh_token",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("family", sa.String(length=36), nullable=False),
        sa.Column("parent_id", crm.columns.Key, nullable=True),
        sa.Column("expires_at", crm.columns.Instant(), nullable=False),
        sa.Column("used_at", crm.columns.Instant(), nullable=True),
        sa.Column("revoked_at", crm.columns.Instant(), nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["refresh_token.id"],
            name=op.f("fk_refresh_token_parent_id_refresh_token"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_refresh_token_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_token_token_hash")),
    )
    op.create_index(op.f("ix_refresh_token_created_at"), "refresh_token", ["created_at"], unique=False)
    op.create_index(op.f("ix_refresh_token_expires_at"), "refresh_token", ["expires_at"], unique=False)
    op.create_index(op.f("ix_refresh_token_family"), "refresh_token", ["family"], unique=False)
    op.create_index(op.f("ix_refresh_token_parent_id"), "refresh_token", ["parent_id"], unique=False)
    op.create_index(op.f("ix_refresh_token_user_id"), "refresh_token", ["user_id"], unique=False)
    op.create_table(
        "reminder",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("remind_at", crm.columns.Instant(), nullable=False),
        sa.Column(
            "channel", sa.Enum("email", "app", "both", name="channel", native_enum=False, length=32), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum("waiting", "sent", "cancelled", name="reminderstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("record_type", sa.String(length=32), nullable=True),
        sa.Column("record_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_reminder_created_by_user")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_reminder_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("key", name=op.f("uq_reminder_key")),
    )
    op.create_index(op.f("ix_reminder_created_at"), "reminder", ["created_at"], unique=False)
    op.create_index("ix_reminder_record", "reminder", ["record_type", "record_id"], unique=False)
    op.create_index(op.f("ix_reminder_remind_at"), "reminder", ["remind_at"], unique=False)
    op.create_index(op.f("ix_reminder_state"), "reminder", ["state"], unique=False)
    op.create_index("ix_reminder_state_remind_at", "reminder", ["state", "remind_at"], unique=False)
    op.create_index(op.f("ix_reminder_updated_at"), "reminder", ["updated_at"], unique=False)
    op.create_index(op.f("ix_reminder_user_id"), "reminder", ["user_id"], unique=False)
    op.create_table(
        "role",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_role_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
    )
    op.create_index(op.f("ix_role_created_at"), "role", ["created_at"], unique=False)
    op.create_index(
        "ix_role_trash",
        "role",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_role_updated_at"), "role", ["updated_at"], unique=False)
    op.create_index(
        "uq_role_name",
        "role",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", crm.columns.Document, nullable=False),
        sa.Column("cron", sa.String(length=120), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column(
            "catch_up", sa.Enum("each", "latest", "skip", name="catchup", native_enum=False, length=32), nullable=False
        ),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("last_fire_at", crm.columns.Instant(), nullable=True),
        sa.Column("owner_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_schedule_created_by_user")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_schedule_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
    )
    op.create_index(op.f("ix_schedule_created_at"), "schedule", ["created_at"], unique=False)
    op.create_index(op.f("ix_schedule_enabled"), "schedule", ["enabled"], unique=False)
    op.create_index(op.f("ix_schedule_kind"), "schedule", ["kind"], unique=False)
    op.create_index(
        "ix_schedule_owner_id",
        "schedule",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_schedule_trash",
        "schedule",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_schedule_updated_at"), "schedule", ["updated_at"], unique=False)
    op.create_index(
        "uq_schedule_name",
        "schedule",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "tag",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("colour", sa.String(length=16), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_tag_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
    )
    op.create_index(op.f("ix_tag_created_at"), "tag", ["created_at"], unique=False)
    op.create_index(
        "ix_tag_trash",
        "tag",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_tag_updated_at"), "tag", ["updated_at"], unique=False)
    op.create_index(
        "uq_tag_name",
        "tag",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "team",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("parent_id", crm.columns.Key, nullable=True),
        sa.Column("lead_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_team_created_by_user")),
        sa.ForeignKeyConstraint(["lead_id"], ["user.id"], name=op.f("fk_team_lead_id_user")),
        sa.ForeignKeyConstraint(["parent_id"], ["team.id"], name=op.f("fk_team_parent_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_index(op.f("ix_team_created_at"), "team", ["created_at"], unique=False)
    op.create_index(op.f("ix_team_lead_id"), "team", ["lead_id"], unique=False)
    op.create_index(op.f("ix_team_parent_id"), "team", ["parent_id"], unique=False)
    op.create_index(
        "ix_team_trash",
        "team",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_team_updated_at"), "team", ["updated_at"], unique=False)
    op.create_index(
        "uq_team_name",
        "team",
        ["name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "category",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("type_id", crm.columns.Key, nullable=False),
        sa.Column("parent_id", crm.columns.Key, nullable=True),
        sa.Column("sort", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "path",
            sa.String(length=1000).with_variant(sa.String(length=1000, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_category_created_by_user")),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id_category")),
        sa.ForeignKeyConstraint(["type_id"], ["category_type.id"], name=op.f("fk_category_type_id_category_type")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    op.create_index(op.f("ix_category_code"), "category", ["code"], unique=False)
    op.create_index(op.f("ix_category_created_at"), "category", ["created_at"], unique=False)
    op.create_index(op.f("ix_category_parent_id"), "category", ["parent_id"], unique=False)
    op.create_index("ix_category_path", "category", ["path"], unique=False)
    op.create_index(op.f("ix_category_sort"), "category", ["sort"], unique=False)
    op.create_index(
        "ix_category_trash",
        "category",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_category_type_id"), "category", ["type_id"], unique=False)
    op.create_index(op.f("ix_category_updated_at"), "category", ["updated_at"], unique=False)
    op.create_index(
        "uq_category_type_id_code",
        "category",
        ["type_id", "code"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "job_event",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("job_id", crm.columns.Key, nullable=False),
        sa.Column("from_status", sa.String(length=32), nullable=False),
        sa.Column("to_status", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_event_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_event")),
    )
    op.create_index(op.f("ix_job_event_created_at"), "job_event", ["created_at"], unique=False)
    op.create_index(op.f("ix_job_event_job_id"), "job_event", ["job_id"], unique=False)
    op.create_table(
        "role_permission",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("role_id", crm.columns.Key, nullable=False),
        sa.Column("permission_id", crm.columns.Key, nullable=False),
        sa.Column("scope", sa.Enum("own", "team", "all", name="scope", native_enum=False, length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["permission.id"],
            name=op.f("fk_role_permission_permission_id_permission"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["role.id"], name=op.f("fk_role_permission_role_id_role"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_permission")),
        sa.UniqueConstraint("role_id", "permission_id", name=op.f("uq_role_permission_role_id_permission_id")),
    )
    op.create_index(op.f("ix_role_permission_permission_id"), "role_permission", ["permission_id"], unique=False)
    op.create_table(
        "stage",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("pipeline_id", crm.columns.Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "category",
            sa.Enum("open", "won", "lost", "on_hold", name="stagecategory", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("default_probability", crm.columns.Fraction(), nullable=False),
        sa.Column(
            "forecast_category",
            sa.Enum(
                "omitted",
                "pipeline",
                "best_case",
                "commit",
                "closed",
                name="forecastcategory",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("expected_days", sa.Integer(), nullable=True),
        sa.Column("required_fields", crm.columns.Document, nullable=False),
        sa.Column("colour", sa.String(length=16), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_stage_created_by_user")),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_stage_pipeline_id_pipeline")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
    )
    op.create_index(op.f("ix_stage_category"), "stage", ["category"], unique=False)
    op.create_index(op.f("ix_stage_created_at"), "stage", ["created_at"], unique=False)
    op.create_index(op.f("ix_stage_pipeline_id"), "stage", ["pipeline_id"], unique=False)
    op.create_index(op.f("ix_stage_position"), "stage", ["position"], unique=False)
    op.create_index(
        "ix_stage_trash",
        "stage",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_stage_updated_at"), "stage", ["updated_at"], unique=False)
    op.create_index(
        "uq_stage_pipeline_id_name",
        "stage",
        ["pipeline_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "task",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("todo", "call", "meeting", "email", "follow_up", name="taskkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "not_started",
                "in_progress",
                "deferred",
                "completed",
                "cancelled",
                name="taskstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum("low", "normal", "high", "urgent", name="taskpriority", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("start_at", crm.columns.Instant(), nullable=True),
        sa.Column("due_at", crm.columns.Instant(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("completed_at", crm.columns.Instant(), nullable=True),
        sa.Column("assignee_id", crm.columns.Key, nullable=True),
        sa.Column("team_id", crm.columns.Key, nullable=True),
        sa.Column("parent_id", crm.columns.Key, nullable=True),
        sa.Column("checklist", crm.columns.Document, nullable=False),
        sa.Column("record_type", sa.String(length=32), nullable=True),
        sa.Column("record_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["assignee_id"], ["user.id"], name=op.f("fk_task_assignee_id_user")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_task_created_by_user")),
        sa.ForeignKeyConstraint(["parent_id"], ["task.id"], name=op.f("fk_task_parent_id_task")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_task_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_assignee_id",
        "task",
        ["assignee_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_task_completed_at"), "task", ["completed_at"], unique=False)
    op.create_index(op.f("ix_task_created_at"), "task", ["created_at"], unique=False)
    op.create_index(op.f("ix_task_due_at"), "task", ["due_at"], unique=False)
    op.create_index(op.f("ix_task_due_date"), "task", ["due_date"], unique=False)
    op.create_index(op.f("ix_task_kind"), "task", ["kind"], unique=False)
    op.create_index(op.f("ix_task_parent_id"), "task", ["parent_id"], unique=False)
    op.create_index(op.f("ix_task_priority"), "task", ["priority"], unique=False)
    op.create_index("ix_task_record", "task", ["record_type", "record_id"], unique=False)
    op.create_index(op.f("ix_task_status"), "task", ["status"], unique=False)
    op.create_index(op.f("ix_task_team_id"), "task", ["team_id"], unique=False)
    op.create_index(
        "ix_task_trash",
        "task",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_task_updated_at"), "task", ["updated_at"], unique=False)
    op.create_table(
        "user_role",
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("role_id", crm.columns.Key, nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_role_role_id_role"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_role_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_user_role")),
    )
    op.create_index(op.f("ix_user_role_role_id"), "user_role", ["role_id"], unique=False)
    op.create_table(
        "user_team",
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("team_id", crm.columns.Key, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_user_team_team_id_team"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_team_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "team_id", name=op.f("pk_user_team")),
    )
    op.create_index(op.f("ix_user_team_team_id"), "user_team", ["team_id"], unique=False)
    op.create_table(
        "customer",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("legal_name", sa.String(length=200), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "prospect",
                "active",
                "at_risk",
                "dormant",
                "churned",
                name="customerstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("industry_id", crm.columns.Key, nullable=True),
        sa.Column("rating", sa.Enum("a", "b", "c", "d", name="rating", native_enum=False, length=32), nullable=True),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("parent_id", crm.columns.Key, nullable=True),
        sa.Column("website", sa.String(length=300), nullable=False),
        sa.Column("domain", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("city", sa.String(length=120), nullable=False),
        sa.Column("country", sa.String(length=60), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("annual_revenue", crm.columns.Money(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("description", sa.String(length=4000), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=True),
        sa.Column("owner_id", crm.columns.Key, nullable=True),
        sa.Column("team_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_customer_created_by_user")),
        sa.ForeignKeyConstraint(["industry_id"], ["category.id"], name=op.f("fk_customer_industry_id_category")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_customer_owner_id_user")),
        sa.ForeignKeyConstraint(["parent_id"], ["customer.id"], name=op.f("fk_customer_parent_id_customer")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_customer_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index(op.f("ix_customer_city"), "customer", ["city"], unique=False)
    op.create_index(op.f("ix_customer_country"), "customer", ["country"], unique=False)
    op.create_index(op.f("ix_customer_created_at"), "customer", ["created_at"], unique=False)
    op.create_index(op.f("ix_customer_external_id"), "customer", ["external_id"], unique=True)
    op.create_index(op.f("ix_customer_industry_id"), "customer", ["industry_id"], unique=False)
    op.create_index("ix_customer_name", "customer", ["name"], unique=False)
    op.create_index(
        "ix_customer_owner_id",
        "customer",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_customer_parent_id"), "customer", ["parent_id"], unique=False)
    op.create_index(op.f("ix_customer_rating"), "customer", ["rating"], unique=False)
    op.create_index(op.f("ix_customer_source"), "customer", ["source"], unique=False)
    op.create_index(op.f("ix_customer_status"), "customer", ["status"], unique=False)
    op.create_index(op.f("ix_customer_team_id"), "customer", ["team_id"], unique=False)
    op.create_index(
        "ix_customer_trash",
        "customer",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_customer_updated_at"), "customer", ["updated_at"], unique=False)
    op.create_table(
        "contact",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("job_title", sa.String(length=120), nullable=False),
        sa.Column("department", sa.String(length=120), nullable=False),
        sa.Column("customer_id", crm.columns.Key, nullable=True),
        sa.Column(
            "customer_role",
            sa.Enum(
                "decision_maker",
                "influencer",
                "technical",
                "purchasing",
                "legal",
                "user",
                "other",
                name="customerrole",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("mobile", sa.String(length=40), nullable=False),
        sa.Column("wechat", sa.String(length=60), nullable=False),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("preferred_language", sa.String(length=8), nullable=False),
        sa.Column("do_not_contact", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.String(length=4000), nullable=False),
        sa.Column("owner_id", crm.columns.Key, nullable=True),
        sa.Column("team_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_contact_created_by_user")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contact_customer_id_customer")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_contact_owner_id_user")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_contact_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index(op.f("ix_contact_created_at"), "contact", ["created_at"], unique=False)
    op.create_index(op.f("ix_contact_customer_id"), "contact", ["customer_id"], unique=False)
    op.create_index(op.f("ix_contact_do_not_contact"), "contact", ["do_not_contact"], unique=False)
    op.create_index(op.f("ix_contact_email"), "contact", ["email"], unique=False)
    op.create_index("ix_contact_name", "contact", ["name"], unique=False)
    op.create_index(
        "ix_contact_owner_id",
        "contact",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_contact_team_id"), "contact", ["team_id"], unique=False)
    op.create_index(
        "ix_contact_trash",
        "contact",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_contact_updated_at"), "contact", ["updated_at"], unique=False)
    op.create_table(
        "customer_tag",
        sa.Column("customer_id", crm.columns.Key, nullable=False),
        sa.Column("tag_id", crm.columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_tag_customer_id_customer"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_customer_tag_tag_id_tag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("customer_id", "tag_id", name=op.f("pk_customer_tag")),
    )
    op.create_index(op.f("ix_customer_tag_tag_id"), "customer_tag", ["tag_id"], unique=False)
    op.create_table(
        "contact_group_member",
        sa.Column("contact_id", crm.columns.Key, nullable=False),
        sa.Column("contact_group_id", crm.columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_group_id"],
            ["contact_group.id"],
            name=op.f("fk_contact_group_member_contact_group_id_contact_group"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_contact_group_member_contact_id_contact"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_id", "contact_group_id", name=op.f("pk_contact_group_member")),
    )
    op.create_index(
        op.f("ix_contact_group_member_contact_group_id"), "contact_group_member", ["contact_group_id"], unique=False
    )
    op.create_table(
        "contact_tag",
        sa.Column("contact_id", crm.columns.Key, nullable=False),
        sa.Column("tag_id", crm.columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_contact_tag_contact_id_contact"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_contact_tag_tag_id_tag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("contact_id", "tag_id", name=op.f("pk_contact_tag")),
    )
    op.create_index(op.f("ix_contact_tag_tag_id"), "contact_tag", ["tag_id"], unique=False)
    op.create_table(
        "opportunity",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("customer_id", crm.columns.Key, nullable=True),
        sa.Column("contact_id", crm.columns.Key, nullable=True),
        sa.Column("pipeline_id", crm.columns.Key, nullable=False),
        sa.Column("stage_id", crm.columns.Key, nullable=False),
        sa.Column("amount", crm.columns.Money(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("probability_override", crm.columns.Fraction(), nullable=True),
        sa.Column(
            "forecast_category_override",
            sa.Enum(
                "omitted",
                "pipeline",
                "best_case",
                "commit",
                "closed",
                name="forecastcategory",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("expected_close_date", sa.Date(), nullable=True),
        sa.Column("closed_at", crm.columns.Instant(), nullable=True),
        sa.Column("lost_reason_id", crm.columns.Key, nullable=True),
        sa.Column("lost_notes", sa.String(length=2000), nullable=False),
        sa.Column(
            "type",
            sa.Enum("new", "renewal", "upsell", "cross_sell", name="opportunitytype", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("next_step", sa.String(length=300), nullable=False),
        sa.Column("next_step_date", sa.Date(), nullable=True),
        sa.Column("description", sa.String(length=4000), nullable=False),
        sa.Column("stage_entered_at", crm.columns.Instant(), nullable=False),
        sa.Column("last_activity_at", crm.columns.Instant(), nullable=True),
        sa.Column("external_id", sa.String(length=80), nullable=True),
        sa.Column("owner_id", crm.columns.Key, nullable=True),
        sa.Column("team_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_opportunity_contact_id_contact")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_opportunity_created_by_user")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_opportunity_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["lost_reason_id"], ["lost_reason.id"], name=op.f("fk_opportunity_lost_reason_id_lost_reason")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_opportunity_owner_id_user")),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipeline.id"], name=op.f("fk_opportunity_pipeline_id_pipeline")),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_opportunity_stage_id_stage")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_opportunity_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity")),
    )
    op.create_index(op.f("ix_opportunity_amount"), "opportunity", ["amount"], unique=False)
    op.create_index(op.f("ix_opportunity_closed_at"), "opportunity", ["closed_at"], unique=False)
    op.create_index(op.f("ix_opportunity_contact_id"), "opportunity", ["contact_id"], unique=False)
    op.create_index(op.f("ix_opportunity_created_at"), "opportunity", ["created_at"], unique=False)
    op.create_index(op.f("ix_opportunity_customer_id"), "opportunity", ["customer_id"], unique=False)
    op.create_index(op.f("ix_opportunity_expected_close_date"), "opportunity", ["expected_close_date"], unique=False)
    op.create_index(op.f("ix_opportunity_external_id"), "opportunity", ["external_id"], unique=True)
    op.create_index(op.f("ix_opportunity_lost_reason_id"), "opportunity", ["lost_reason_id"], unique=False)
    op.create_index("ix_opportunity_name", "opportunity", ["name"], unique=False)
    op.create_index(op.f("ix_opportunity_next_step_date"), "opportunity", ["next_step_date"], unique=False)
    op.create_index(
        "ix_opportunity_owner_id",
        "opportunity",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_opportunity_pipeline_id"), "opportunity", ["pipeline_id"], unique=False)
    op.create_index(op.f("ix_opportunity_stage_id"), "opportunity", ["stage_id"], unique=False)
    op.create_index(op.f("ix_opportunity_team_id"), "opportunity", ["team_id"], unique=False)
    op.create_index(
        "ix_opportunity_trash",
        "opportunity",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_opportunity_type"), "opportunity", ["type"], unique=False)
    op.create_index(op.f("ix_opportunity_updated_at"), "opportunity", ["updated_at"], unique=False)
    op.create_table(
        "interaction",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "call",
                "meeting",
                "email",
                "note",
                "message",
                "visit",
                name="interactionkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "direction",
            sa.Enum("inbound", "outbound", "internal", name="direction", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("occurred_at", crm.columns.Instant(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=300), nullable=False),
        sa.Column("customer_id", crm.columns.Key, nullable=True),
        sa.Column("contact_id", crm.columns.Key, nullable=True),
        sa.Column("opportunity_id", crm.columns.Key, nullable=True),
        sa.Column("owner_id", crm.columns.Key, nullable=True),
        sa.Column("team_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_interaction_contact_id_contact")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_interaction_created_by_user")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_interaction_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_interaction_opportunity_id_opportunity")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_interaction_owner_id_user")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_interaction_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction")),
    )
    op.create_index(op.f("ix_interaction_contact_id"), "interaction", ["contact_id"], unique=False)
    op.create_index(op.f("ix_interaction_created_at"), "interaction", ["created_at"], unique=False)
    op.create_index(op.f("ix_interaction_customer_id"), "interaction", ["customer_id"], unique=False)
    op.create_index(op.f("ix_interaction_kind"), "interaction", ["kind"], unique=False)
    op.create_index(op.f("ix_interaction_occurred_at"), "interaction", ["occurred_at"], unique=False)
    op.create_index(op.f("ix_interaction_opportunity_id"), "interaction", ["opportunity_id"], unique=False)
    op.create_index(
        "ix_interaction_owner_id",
        "interaction",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_interaction_team_id"), "interaction", ["team_id"], unique=False)
    op.create_index(
        "ix_interaction_trash",
        "interaction",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_interaction_updated_at"), "interaction", ["updated_at"], unique=False)
    op.create_table(
        "opportunity_history",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("opportunity_id", crm.columns.Key, nullable=False),
        sa.Column(
            "change",
            sa.Enum(
                "created",
                "stage",
                "amount",
                "probability",
                "close_date",
                "owner",
                "reopened",
                "closed",
                name="opportunitychange",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("before", sa.String(length=200), nullable=True),
        sa.Column("after", sa.String(length=200), nullable=True),
        sa.Column("from_stage_id", crm.columns.Key, nullable=True),
        sa.Column("to_stage_id", crm.columns.Key, nullable=True),
        sa.Column("seconds_in_stage", sa.BigInteger(), nullable=True),
        sa.Column("changed_by", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["user.id"], name=op.f("fk_opportunity_history_changed_by_user")),
        sa.ForeignKeyConstraint(
            ["from_stage_id"], ["stage.id"], name=op.f("fk_opportunity_history_from_stage_id_stage")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_opportunity_history_opportunity_id_opportunity")
        ),
        sa.ForeignKeyConstraint(["to_stage_id"], ["stage.id"], name=op.f("fk_opportunity_history_to_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_history")),
    )
    op.create_index(op.f("ix_opportunity_history_change"), "opportunity_history", ["change"], unique=False)
    op.create_index(op.f("ix_opportunity_history_created_at"), "opportunity_history", ["created_at"], unique=False)
    op.create_index(
        op.f("ix_opportunity_history_opportunity_id"), "opportunity_history", ["opportunity_id"], unique=False
    )
    op.create_index(
        "ix_opportunity_history_opportunity_id_created_at",
        "opportunity_history",
        ["opportunity_id", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_opportunity_history_to_stage_id"), "opportunity_history", ["to_stage_id"], unique=False)
    op.create_table(
        "opportunity_tag",
        sa.Column("opportunity_id", crm.columns.Key, nullable=False),
        sa.Column("tag_id", crm.columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_opportunity_tag_opportunity_id_opportunity"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_opportunity_tag_tag_id_tag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("opportunity_id", "tag_id", name=op.f("pk_opportunity_tag")),
    )
    op.create_index(op.f("ix_opportunity_tag_tag_id"), "opportunity_tag", ["tag_id"], unique=False)
    for column in ("username", "email"):
        op.create_index(
            f"uq_user_{column}",
            "user",
            [sa.text(f"lower({column})")],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
    for table in SEARCHED:
        for statement in search_ddl(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in SEARCHED:
            op.execute(f"DROP TABLE {table}_search")
    op.drop_index(op.f("ix_opportunity_tag_tag_id"), table_name="opportunity_tag")
    op.drop_table("opportunity_tag")
    op.drop_index(op.f("ix_opportunity_history_to_stage_id"), table_name="opportunity_history")
    op.drop_index("ix_opportunity_history_opportunity_id_created_at", table_name="opportunity_history")
    op.drop_index(op.f("ix_opportunity_history_opportunity_id"), table_name="opportunity_history")
    op.drop_index(op.f("ix_opportunity_history_created_at"), table_name="opportunity_history")
    op.drop_index(op.f("ix_opportunity_history_change"), table_name="opportunity_history")
    op.drop_table("opportunity_history")
    op.drop_index(op.f("ix_interaction_updated_at"), table_name="interaction")
    op.drop_index(
        "ix_interaction_trash",
        table_name="interaction",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_interaction_team_id"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_owner_id"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_opportunity_id"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_occurred_at"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_kind"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_customer_id"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_created_at"), table_name="interaction")
    op.drop_index(op.f("ix_interaction_contact_id"), table_name="interaction")
    op.drop_table("interaction")
    op.drop_index(op.f("ix_opportunity_updated_at"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_type"), table_name="opportunity")
    op.drop_index(
        "ix_opportunity_trash",
        table_name="opportunity",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_opportunity_team_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_stage_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_pipeline_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_owner_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_next_step_date"), table_name="opportunity")
    op.drop_index("ix_opportunity_name", table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_lost_reason_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_external_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_expected_close_date"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_customer_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_created_at"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_contact_id"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_closed_at"), table_name="opportunity")
    op.drop_index(op.f("ix_opportunity_amount"), table_name="opportunity")
    op.drop_table("opportunity")
    op.drop_index(op.f("ix_contact_tag_tag_id"), table_name="contact_tag")
    op.drop_table("contact_tag")
    op.drop_index(op.f("ix_contact_group_member_contact_group_id"), table_name="contact_group_member")
    op.drop_table("contact_group_member")
    op.drop_index(op.f("ix_customer_tag_tag_id"), table_name="customer_tag")
    op.drop_table("customer_tag")
    op.drop_index(op.f("ix_contact_updated_at"), table_name="contact")
    op.drop_index(
        "ix_contact_trash",
        table_name="contact",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_contact_team_id"), table_name="contact")
    op.drop_index(op.f("ix_contact_owner_id"), table_name="contact")
    op.drop_index("ix_contact_name", table_name="contact")
    op.drop_index(op.f("ix_contact_email"), table_name="contact")
    op.drop_index(op.f("ix_contact_do_not_contact"), table_name="contact")
    op.drop_index(op.f("ix_contact_customer_id"), table_name="contact")
    op.drop_index(op.f("ix_contact_created_at"), table_name="contact")
    op.drop_table("contact")
    op.drop_index(op.f("ix_customer_updated_at"), table_name="customer")
    op.drop_index(
        "ix_customer_trash",
        table_name="customer",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_customer_team_id"), table_name="customer")
    op.drop_index(op.f("ix_customer_status"), table_name="customer")
    op.drop_index(op.f("ix_customer_source"), table_name="customer")
    op.drop_index(op.f("ix_customer_rating"), table_name="customer")
    op.drop_index(op.f("ix_customer_parent_id"), table_name="customer")
    op.drop_index(op.f("ix_customer_owner_id"), table_name="customer")
    op.drop_index("ix_customer_name", table_name="customer")
    op.drop_index(op.f("ix_customer_industry_id"), table_name="customer")
    op.drop_index(op.f("ix_customer_external_id"), table_name="customer")
    op.drop_index(op.f("ix_customer_created_at"), table_name="customer")
    op.drop_index(op.f("ix_customer_country"), table_name="customer")
    op.drop_index(op.f("ix_customer_city"), table_name="customer")
    op.drop_table("customer")
    op.drop_index(op.f("ix_user_team_team_id"), table_name="user_team")
    op.drop_table("user_team")
    op.drop_index(op.f("ix_user_role_role_id"), table_name="user_role")
    op.drop_table("user_role")
    op.drop_index(op.f("ix_task_updated_at"), table_name="task")
    op.drop_index(
        "ix_task_trash",
        table_name="task",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_task_team_id"), table_name="task")
    op.drop_index(op.f("ix_task_status"), table_name="task")
    op.drop_index("ix_task_record", table_name="task")
    op.drop_index(op.f("ix_task_priority"), table_name="task")
    op.drop_index(op.f("ix_task_parent_id"), table_name="task")
    op.drop_index(op.f("ix_task_kind"), table_name="task")
    op.drop_index(op.f("ix_task_due_date"), table_name="task")
    op.drop_index(op.f("ix_task_due_at"), table_name="task")
    op.drop_index(op.f("ix_task_created_at"), table_name="task")
    op.drop_index(op.f("ix_task_completed_at"), table_name="task")
    op.drop_index(op.f("ix_task_assignee_id"), table_name="task")
    op.drop_table("task")
    op.drop_index(
        "uq_stage_pipeline_id_name",
        table_name="stage",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_stage_updated_at"), table_name="stage")
    op.drop_index(
        "ix_stage_trash",
        table_name="stage",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_stage_position"), table_name="stage")
    op.drop_index(op.f("ix_stage_pipeline_id"), table_name="stage")
    op.drop_index(op.f("ix_stage_created_at"), table_name="stage")
    op.drop_index(op.f("ix_stage_category"), table_name="stage")
    op.drop_table("stage")
    op.drop_index(op.f("ix_role_permission_permission_id"), table_name="role_permission")
    op.drop_table("role_permission")
    op.drop_index(op.f("ix_job_event_job_id"), table_name="job_event")
    op.drop_index(op.f("ix_job_event_created_at"), table_name="job_event")
    op.drop_table("job_event")
    op.drop_index(
        "uq_category_type_id_code",
        table_name="category",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_category_updated_at"), table_name="category")
    op.drop_index(op.f("ix_category_type_id"), table_name="category")
    op.drop_index(
        "ix_category_trash",
        table_name="category",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_category_sort"), table_name="category")
    op.drop_index("ix_category_path", table_name="category")
    op.drop_index(op.f("ix_category_parent_id"), table_name="category")
    op.drop_index(op.f("ix_category_created_at"), table_name="category")
    op.drop_index(op.f("ix_category_code"), table_name="category")
    op.drop_table("category")
    op.drop_index(
        "uq_team_name",
        table_name="team",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_team_updated_at"), table_name="team")
    op.drop_index(
        "ix_team_trash",
        table_name="team",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_team_parent_id"), table_name="team")
    op.drop_index(op.f("ix_team_lead_id"), table_name="team")
    op.drop_index(op.f("ix_team_created_at"), table_name="team")
    op.drop_table("team")
    op.drop_index(
        "uq_tag_name",
        table_name="tag",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_tag_updated_at"), table_name="tag")
    op.drop_index(
        "ix_tag_trash",
        table_name="tag",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_tag_created_at"), table_name="tag")
    op.drop_table("tag")
    op.drop_index(
        "uq_schedule_name",
        table_name="schedule",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_schedule_updated_at"), table_name="schedule")
    op.drop_index(
        "ix_schedule_trash",
        table_name="schedule",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_schedule_owner_id"), table_name="schedule")
    op.drop_index(op.f("ix_schedule_kind"), table_name="schedule")
    op.drop_index(op.f("ix_schedule_enabled"), table_name="schedule")
    op.drop_index(op.f("ix_schedule_created_at"), table_name="schedule")
    op.drop_table("schedule")
    op.drop_index(
        "uq_role_name",
        table_name="role",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_role_updated_at"), table_name="role")
    op.drop_index(
        "ix_role_trash",
        table_name="role",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_role_created_at"), table_name="role")
    op.drop_table("role")
    op.drop_index(op.f("ix_reminder_user_id"), table_name="reminder")
    op.drop_index(op.f("ix_reminder_updated_at"), table_name="reminder")
    op.drop_index("ix_reminder_state_remind_at", table_name="reminder")
    op.drop_index(op.f("ix_reminder_state"), table_name="reminder")
    op.drop_index(op.f("ix_reminder_remind_at"), table_name="reminder")
    op.drop_index("ix_reminder_record", table_name="reminder")
    op.drop_index(op.f("ix_reminder_created_at"), table_name="reminder")
    op.drop_table("reminder")
    op.drop_index(op.f("ix_refresh_token_user_id"), table_name="refresh_token")
    op.drop_index(op.f("ix_refresh_token_parent_id"), table_name="refresh_token")
    op.drop_index(op.f("ix_refresh_token_family"), table_name="refresh_token")
    op.drop_index(op.f("ix_refresh_token_expires_at"), table_name="refresh_token")
    op.drop_index(op.f("ix_refresh_token_created_at"), table_name="refresh_token")
    op.drop_table("refresh_token")
    op.drop_index(
        "uq_product_code",
        table_name="product",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_product_updated_at"), table_name="product")
    op.drop_index(
        "ix_product_trash",
        table_name="product",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index("ix_product_name", table_name="product")
    op.drop_index(op.f("ix_product_created_at"), table_name="product")
    op.drop_index(op.f("ix_product_active"), table_name="product")
    op.drop_table("product")
    op.drop_index(
        "uq_pipeline_name",
        table_name="pipeline",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_pipeline_updated_at"), table_name="pipeline")
    op.drop_index(
        "ix_pipeline_trash",
        table_name="pipeline",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_pipeline_created_at"), table_name="pipeline")
    op.drop_table("pipeline")
    op.drop_index(op.f("ix_password_reset_user_id"), table_name="password_reset")
    op.drop_index(op.f("ix_password_reset_expires_at"), table_name="password_reset")
    op.drop_index(op.f("ix_password_reset_created_at"), table_name="password_reset")
    op.drop_table("password_reset")
    op.drop_index("ix_notification_user_id_read_at", table_name="notification")
    op.drop_index(op.f("ix_notification_user_id"), table_name="notification")
    op.drop_index("ix_notification_record", table_name="notification")
    op.drop_index(op.f("ix_notification_read_at"), table_name="notification")
    op.drop_index(op.f("ix_notification_kind"), table_name="notification")
    op.drop_index(op.f("ix_notification_created_at"), table_name="notification")
    op.drop_table("notification")
    op.drop_index(
        "uq_lost_reason_name",
        table_name="lost_reason",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_lost_reason_updated_at"), table_name="lost_reason")
    op.drop_index(
        "ix_lost_reason_trash",
        table_name="lost_reason",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_lost_reason_created_at"), table_name="lost_reason")
    op.drop_index(op.f("ix_lost_reason_active"), table_name="lost_reason")
    op.drop_table("lost_reason")
    op.drop_index(op.f("ix_job_status"), table_name="job")
    op.drop_index(op.f("ix_job_run_at"), table_name="job")
    op.drop_index(op.f("ix_job_queue"), table_name="job")
    op.drop_index(op.f("ix_job_principal_id"), table_name="job")
    op.drop_index(
        "ix_job_lease",
        table_name="job",
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.drop_index(op.f("ix_job_kind"), table_name="job")
    op.drop_index(
        "ix_job_due",
        table_name="job",
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.drop_index(
        "ix_job_dispatched",
        table_name="job",
        sqlite_where=sa.text("status = 'dispatched'"),
        postgresql_where=sa.text("status = 'dispatched'"),
    )
    op.drop_index(op.f("ix_job_created_at"), table_name="job")
    op.drop_table("job")
    op.drop_index(op.f("ix_idempotency_record_user_id"), table_name="idempotency_record")
    op.drop_index(op.f("ix_idempotency_record_expires_at"), table_name="idempotency_record")
    op.drop_index(op.f("ix_idempotency_record_created_at"), table_name="idempotency_record")
    op.drop_table("idempotency_record")
    op.drop_index(op.f("ix_email_message_updated_at"), table_name="email_message")
    op.drop_index(op.f("ix_email_message_to_address"), table_name="email_message")
    op.drop_index(op.f("ix_email_message_state"), table_name="email_message")
    op.drop_index(op.f("ix_email_message_sent_at"), table_name="email_message")
    op.drop_index("ix_email_message_record", table_name="email_message")
    op.drop_index(op.f("ix_email_message_owner_id"), table_name="email_message")
    op.drop_index(op.f("ix_email_message_created_at"), table_name="email_message")
    op.drop_table("email_message")
    op.drop_index(
        "uq_contact_group_name",
        table_name="contact_group",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_contact_group_updated_at"), table_name="contact_group")
    op.drop_index(
        "ix_contact_group_trash",
        table_name="contact_group",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_contact_group_created_at"), table_name="contact_group")
    op.drop_table("contact_group")
    op.drop_index(
        "uq_category_type_code",
        table_name="category_type",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_category_type_updated_at"), table_name="category_type")
    op.drop_index(
        "ix_category_type_trash",
        table_name="category_type",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_category_type_status"), table_name="category_type")
    op.drop_index(op.f("ix_category_type_created_at"), table_name="category_type")
    op.drop_table("category_type")
    op.drop_index(op.f("ix_admin_session_user_id"), table_name="admin_session")
    op.drop_index(op.f("ix_admin_session_expires_at"), table_name="admin_session")
    op.drop_index(op.f("ix_admin_session_created_at"), table_name="admin_session")
    op.drop_table("admin_session")
    op.drop_index("ix_user_username", table_name="user")
    op.drop_index(op.f("ix_user_updated_at"), table_name="user")
    op.drop_index(
        "ix_user_trash",
        table_name="user",
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_user_status"), table_name="user")
    op.drop_index(op.f("ix_user_manager_id"), table_name="user")
    op.drop_index("ix_user_email", table_name="user")
    op.drop_index(op.f("ix_user_created_at"), table_name="user")
    op.drop_table("user")
    op.drop_index(op.f("ix_token_blacklist_expires_at"), table_name="token_blacklist")
    op.drop_table("token_blacklist")
    op.drop_index(op.f("ix_permission_resource"), table_name="permission")
    op.drop_index(op.f("ix_permission_name"), table_name="permission")
    op.drop_index(op.f("ix_permission_created_at"), table_name="permission")
    op.drop_index(op.f("ix_permission_action"), table_name="permission")
    op.drop_table("permission")
    op.drop_index(op.f("ix_login_throttle_updated_at"), table_name="login_throttle")
    op.drop_table("login_throttle")
    op.drop_index(op.f("ix_audit_entry_request_id"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_record_id"), table_name="audit_entry")
    op.drop_index("ix_audit_entry_record", table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_created_at"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_actor_id"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_action"), table_name="audit_entry")
    op.drop_table("audit_entry")
