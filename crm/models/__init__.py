"""What is stored: one entity a file. A new entity adds its line here."""

from crm.models.admin_session import AdminSession
from crm.models.attachment import Attachment
from crm.models.audit_entry import AuditEntry
from crm.models.base import Base
from crm.models.category import Category
from crm.models.category_type import CategoryType
from crm.models.contact import Contact
from crm.models.contact_group import ContactGroup
from crm.models.customer import Customer
from crm.models.email_message import EmailMessage
from crm.models.email_suppression import EmailSuppression
from crm.models.email_template import EmailTemplate
from crm.models.email_template_version import EmailTemplateVersion
from crm.models.idempotency_record import IdempotencyRecord
from crm.models.interaction import Interaction
from crm.models.job import Job
from crm.models.job_event import JobEvent
from crm.models.login_throttle import LoginThrottle
from crm.models.lost_reason import LostReason
from crm.models.notification import Notification
from crm.models.notification_preference import NotificationPreference
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityHistory
from crm.models.opportunity_line import OpportunityLine
from crm.models.password_reset import PasswordReset
from crm.models.permission import Permission
from crm.models.pipeline import Pipeline
from crm.models.process_heartbeat import ProcessHeartbeat
from crm.models.product import Product
from crm.models.refresh_token import RefreshToken
from crm.models.reminder import Reminder
from crm.models.restoration import Restoration
from crm.models.role import Role, RolePermission
from crm.models.schedule import Schedule
from crm.models.stage import Stage
from crm.models.status_history import StatusHistory
from crm.models.tag import Tag
from crm.models.task import Task
from crm.models.task_series import TaskSeries
from crm.models.team import Team
from crm.models.token_blacklist import TokenBlacklist
from crm.models.user import User

__all__ = [
    "AdminSession",
    "Attachment",
    "AuditEntry",
    "Base",
    "Category",
    "CategoryType",
    "Contact",
    "ContactGroup",
    "Customer",
    "EmailMessage",
    "EmailSuppression",
    "EmailTemplate",
    "EmailTemplateVersion",
    "IdempotencyRecord",
    "Interaction",
    "Job",
    "JobEvent",
    "LoginThrottle",
    "LostReason",
    "Notification",
    "NotificationPreference",
    "Opportunity",
    "OpportunityHistory",
    "OpportunityLine",
    "PasswordReset",
    "Permission",
    "Pipeline",
    "ProcessHeartbeat",
    "Product",
    "RefreshToken",
    "Reminder",
    "Restoration",
    "Role",
    "RolePermission",
    "Schedule",
    "Stage",
    "StatusHistory",
    "Tag",
    "Task",
    "TaskSeries",
    "Team",
    "TokenBlacklist",
    "User",
]
