"""Files, lines, series, templates, preferences; long, as a migration is never taken apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import crm.columns
from crm.search_text import search_ddl

revision: str = "0003"
down_revision: str | None = "0002"
_LONG_AGO = "1970-01-01 00:00:00.000000"
#: columns that existing rows get a value for; SQLite keeps the default, which nothing uses
_FILLED = (
    ("customer", "status_reason"),
    ("customer", "status_since"),
    ("email_message", "purpose"),
    ("opportunity", "amount_by_hand"),
    ("reminder", "kind"),
    ("reminder", "snoozes"),
)
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_suppression",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_email_suppression_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_suppression")),
    )
    op.create_index(op.f("ix_email_suppression_created_at"), "email_suppression", ["created_at"], unique=False)
    op.create_index(op.f("ix_email_suppression_updated_at"), "email_suppression", ["updated_at"], unique=False)
    op.create_index("uq_email_suppression_address", "email_suppression", ["address"], unique=True)
    op.create_table(
        "email_template",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("about", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text_body", sa.Text(), nullable=False),
        sa.Column("html_body", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_email_template_created_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_template")),
    )
    op.create_index(op.f("ix_email_template_about"), "email_template", ["about"], unique=False)
    op.create_index(op.f("ix_email_template_active"), "email_template", ["active"], unique=False)
    op.create_index(op.f("ix_email_template_code"), "email_template", ["code"], unique=False)
    op.create_index(op.f("ix_email_template_created_at"), "email_template", ["created_at"], unique=False)
    op.create_index(op.f("ix_email_template_language"), "email_template", ["language"], unique=False)
    op.create_index(op.f("ix_email_template_name"), "email_template", ["name"], unique=False)
    op.create_index(
        "ix_email_template_trash",
        "email_template",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_email_template_updated_at"), "email_template", ["updated_at"], unique=False)
    op.create_index(
        "uq_email_template_code_language",
        "email_template",
        ["code", "language"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "notification_preference",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("user_id", crm.columns.Key, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("in_app", sa.Boolean(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_notification_preference_created_by_user")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_notification_preference_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_preference")),
    )
    op.create_index(
        op.f("ix_notification_preference_created_at"), "notification_preference", ["created_at"], unique=False
    )
    op.create_index(op.f("ix_notification_preference_kind"), "notification_preference", ["kind"], unique=False)
    op.create_index(
        op.f("ix_notification_preference_updated_at"), "notification_preference", ["updated_at"], unique=False
    )
    op.create_index(op.f("ix_notification_preference_user_id"), "notification_preference", ["user_id"], unique=False)
    op.create_index(
        "uq_notification_preference_user_id_kind", "notification_preference", ["user_id", "kind"], unique=True
    )
    op.create_table(
        "attachment",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column(
            "preview_state",
            sa.Enum("none", "waiting", "ready", "failed", name="previewstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("preview_sha256", sa.String(length=64), nullable=True),
        sa.Column("preview_text", sa.Text(), nullable=False),
        sa.Column("record_type", sa.String(length=32), nullable=True),
        sa.Column("record_id", crm.columns.Key, nullable=True),
        sa.Column("owner_id", crm.columns.Key, nullable=True),
        sa.Column("team_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_attachment_created_by_user")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_attachment_owner_id_user")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_attachment_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_created_at"), "attachment", ["created_at"], unique=False)
    op.create_index(op.f("ix_attachment_media_type"), "attachment", ["media_type"], unique=False)
    op.create_index(op.f("ix_attachment_name"), "attachment", ["name"], unique=False)
    op.create_index(
        "ix_attachment_owner_id",
        "attachment",
        ["owner_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_attachment_preview_sha256"), "attachment", ["preview_sha256"], unique=False)
    op.create_index("ix_attachment_record", "attachment", ["record_type", "record_id"], unique=False)
    op.create_index(op.f("ix_attachment_sha256"), "attachment", ["sha256"], unique=False)
    op.create_index(op.f("ix_attachment_size"), "attachment", ["size"], unique=False)
    op.create_index(op.f("ix_attachment_team_id"), "attachment", ["team_id"], unique=False)
    op.create_index(
        "ix_attachment_trash",
        "attachment",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_attachment_updated_at"), "attachment", ["updated_at"], unique=False)
    op.create_table(
        "email_template_version",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("template_id", crm.columns.Key, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text_body", sa.Text(), nullable=False),
        sa.Column("html_body", sa.Text(), nullable=False),
        sa.Column("changed_by", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["user.id"], name=op.f("fk_email_template_version_changed_by_user")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["email_template.id"], name=op.f("fk_email_template_version_template_id_email_template")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_template_version")),
        sa.UniqueConstraint("template_id", "number", name=op.f("uq_email_template_version_template_id_number")),
    )
    op.create_index(
        op.f("ix_email_template_version_created_at"), "email_template_version", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_email_template_version_template_id"), "email_template_version", ["template_id"], unique=False
    )
    op.create_table(
        "task_series",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("rrule", sa.String(length=500), nullable=False),
        sa.Column(
            "recurrence",
            sa.Enum("after_due", "after_completion", name="recurrence", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("starts_at", crm.columns.Instant(), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("todo", "call", "meeting", "email", "follow_up", name="taskkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum("low", "normal", "high", "urgent", name="taskpriority", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("assignee_id", crm.columns.Key, nullable=True),
        sa.Column("team_id", crm.columns.Key, nullable=True),
        sa.Column("checklist", crm.columns.Document, nullable=False),
        sa.Column("reminder_offsets", crm.columns.Document, nullable=False),
        sa.Column("record_type", sa.String(length=32), nullable=True),
        sa.Column("record_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", crm.columns.Instant(), nullable=True),
        sa.ForeignKeyConstraint(["assignee_id"], ["user.id"], name=op.f("fk_task_series_assignee_id_user")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_task_series_created_by_user")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_task_series_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_series")),
    )
    op.create_index(op.f("ix_task_series_active"), "task_series", ["active"], unique=False)
    op.create_index(
        "ix_task_series_assignee_id",
        "task_series",
        ["assignee_id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_task_series_created_at"), "task_series", ["created_at"], unique=False)
    op.create_index("ix_task_series_record", "task_series", ["record_type", "record_id"], unique=False)
    op.create_index(op.f("ix_task_series_team_id"), "task_series", ["team_id"], unique=False)
    op.create_index(
        "ix_task_series_trash",
        "task_series",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_task_series_updated_at"), "task_series", ["updated_at"], unique=False)
    op.create_table(
        "status_history",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("customer_id", crm.columns.Key, nullable=False),
        sa.Column(
            "before",
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
            nullable=True,
        ),
        sa.Column(
            "after",
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
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("seconds_in_status", sa.BigInteger(), nullable=True),
        sa.Column("changed_by", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["changed_by"], ["user.id"], name=op.f("fk_status_history_changed_by_user")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_status_history_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_history")),
    )
    op.create_index(op.f("ix_status_history_after"), "status_history", ["after"], unique=False)
    op.create_index(op.f("ix_status_history_created_at"), "status_history", ["created_at"], unique=False)
    op.create_index(op.f("ix_status_history_customer_id"), "status_history", ["customer_id"], unique=False)
    op.create_table(
        "opportunity_line",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("opportunity_id", crm.columns.Key, nullable=False),
        sa.Column("product_id", crm.columns.Key, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("quantity", crm.columns.Quantity(), nullable=False),
        sa.Column("unit_price", crm.columns.Money(), nullable=False),
        sa.Column("discount", crm.columns.Fraction(), nullable=False),
        sa.Column("total", crm.columns.Money(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.Column("updated_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_by", crm.columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name=op.f("fk_opportunity_line_created_by_user")),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_opportunity_line_opportunity_id_opportunity")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_opportunity_line_product_id_product")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_line")),
    )
    op.create_index(op.f("ix_opportunity_line_created_at"), "opportunity_line", ["created_at"], unique=False)
    op.create_index(op.f("ix_opportunity_line_opportunity_id"), "opportunity_line", ["opportunity_id"], unique=False)
    op.create_index(op.f("ix_opportunity_line_position"), "opportunity_line", ["position"], unique=False)
    op.create_index(op.f("ix_opportunity_line_product_id"), "opportunity_line", ["product_id"], unique=False)
    op.create_index(op.f("ix_opportunity_line_updated_at"), "opportunity_line", ["updated_at"], unique=False)
    op.create_table(
        "email_message_attachment",
        sa.Column("email_message_id", crm.columns.Key, nullable=False),
        sa.Column("attachment_id", crm.columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_email_message_attachment_attachment_id_attachment")
        ),
        sa.ForeignKeyConstraint(
            ["email_message_id"],
            ["email_message.id"],
            name=op.f("fk_email_message_attachment_email_message_id_email_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("email_message_id", "attachment_id", name=op.f("pk_email_message_attachment")),
    )
    op.create_index(
        op.f("ix_email_message_attachment_attachment_id"), "email_message_attachment", ["attachment_id"], unique=False
    )
    op.add_column("customer", sa.Column("status_reason", sa.String(length=300), nullable=False, server_default=""))
    op.add_column(
        "customer", sa.Column("status_since", crm.columns.Instant(), nullable=False, server_default=_LONG_AGO)
    )
    op.add_column(
        "email_message",
        sa.Column(
            "purpose",
            sa.Enum("system", "business", name="emailpurpose", native_enum=False, length=32),
            nullable=False,
            server_default="system",
        ),
    )
    op.add_column(
        "email_message",
        sa.Column(
            "contact_id",
            crm.columns.Key,
            sa.ForeignKey("contact.id", name="fk_email_message_contact_id_contact"),
            nullable=True,
        ),
        inline_references=True,
    )
    op.add_column(
        "email_message",
        sa.Column(
            "template_id",
            crm.columns.Key,
            sa.ForeignKey("email_template.id", name="fk_email_message_template_id_email_template"),
            nullable=True,
        ),
        inline_references=True,
    )
    op.add_column("email_message", sa.Column("template_number", sa.Integer(), nullable=True))
    op.add_column(
        "email_message",
        sa.Column(
            "interaction_id",
            crm.columns.Key,
            sa.ForeignKey("interaction.id", name="fk_email_message_interaction_id_interaction"),
            nullable=True,
        ),
        inline_references=True,
    )
    op.create_index(op.f("ix_email_message_contact_id"), "email_message", ["contact_id"], unique=False)
    op.create_index(op.f("ix_email_message_interaction_id"), "email_message", ["interaction_id"], unique=False)
    op.create_index(op.f("ix_email_message_purpose"), "email_message", ["purpose"], unique=False)
    op.create_index(op.f("ix_email_message_template_id"), "email_message", ["template_id"], unique=False)
    op.add_column("job", sa.Column("cancel_asked_at", crm.columns.Instant(), nullable=True))
    op.add_column("opportunity", sa.Column("amount_by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "reminder",
        sa.Column(
            "kind",
            sa.Enum(
                "custom",
                "task",
                "follow_up",
                "close_date",
                "stale",
                "overdue",
                name="reminderkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
            server_default="custom",
        ),
    )
    op.add_column("reminder", sa.Column("offset_minutes", sa.Integer(), nullable=True))
    op.add_column("reminder", sa.Column("snoozes", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_reminder_kind"), "reminder", ["kind"], unique=False)
    op.add_column(
        "task",
        sa.Column(
            "series_id",
            crm.columns.Key,
            sa.ForeignKey("task_series.id", name="fk_task_series_id_task_series"),
            nullable=True,
        ),
        inline_references=True,
    )
    op.add_column("task", sa.Column("occurrence", sa.String(length=40), nullable=True))
    op.create_index(op.f("ix_task_series_id"), "task", ["series_id"], unique=False)
    op.create_index("uq_task_series_id_occurrence", "task", ["series_id", "occurrence"], unique=True)
    op.create_index("ix_attachment_record_id", "attachment", ["record_id"], unique=False)
    op.create_index("ix_email_message_record_id", "email_message", ["record_id"], unique=False)
    op.create_index("ix_notification_record_id", "notification", ["record_id"], unique=False)
    op.create_index("ix_reminder_record_id", "reminder", ["record_id"], unique=False)
    op.create_index("ix_task_record_id", "task", ["record_id"], unique=False)
    op.create_index("ix_task_series_record_id", "task_series", ["record_id"], unique=False)
    for statement in search_ddl("attachment", op.get_bind().dialect.name):
        op.execute(statement)
    op.execute("UPDATE customer SET status_since = created_at")
    if op.get_bind().dialect.name == "postgresql":
        for table, column in _FILLED:
            op.alter_column(table, column, server_default=None)


def downgrade() -> None:
    op.drop_index("ix_email_message_record_id", table_name="email_message")
    op.drop_index("ix_notification_record_id", table_name="notification")
    op.drop_index("ix_reminder_record_id", table_name="reminder")
    op.drop_index("ix_task_record_id", table_name="task")
    op.drop_index("uq_task_series_id_occurrence", table_name="task")
    op.drop_index(op.f("ix_task_series_id"), table_name="task")
    op.drop_column("task", "occurrence")
    op.drop_column("task", "series_id")
    op.drop_index(op.f("ix_reminder_kind"), table_name="reminder")
    op.drop_column("reminder", "snoozes")
    op.drop_column("reminder", "offset_minutes")
    op.drop_column("reminder", "kind")
    op.drop_column("opportunity", "amount_by_hand")
    op.drop_column("job", "cancel_asked_at")
    op.drop_index(op.f("ix_email_message_template_id"), table_name="email_message")
    op.drop_index(op.f("ix_email_message_purpose"), table_name="email_message")
    op.drop_index(op.f("ix_email_message_interaction_id"), table_name="email_message")
    op.drop_index(op.f("ix_email_message_contact_id"), table_name="email_message")
    op.drop_column("email_message", "interaction_id")
    op.drop_column("email_message", "template_number")
    op.drop_column("email_message", "template_id")
    op.drop_column("email_message", "contact_id")
    op.drop_column("email_message", "purpose")
    op.drop_column("customer", "status_since")
    op.drop_column("customer", "status_reason")
    op.drop_table("email_message_attachment")
    op.drop_table("opportunity_line")
    op.drop_table("status_history")
    op.drop_table("task_series")
    op.drop_table("email_template_version")
    op.drop_table("attachment")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE attachment_search")
    op.drop_table("notification_preference")
    op.drop_table("email_template")
    op.drop_table("email_suppression")
