"""What we say about the data: tables that are made by SQL from what the sources say, each declared once with its
sentences.
"""

from pipelines.warehouse.derived.archive import ARCHIVE_TABLES, ARCHIVE_VIEWS
from pipelines.warehouse.derived.declare import CoreTable, Renewal, View
from pipelines.warehouse.derived.files import FILE_TABLES, FILE_VIEWS
from pipelines.warehouse.derived.messages import MESSAGE_TABLES, MESSAGE_VIEWS
from pipelines.warehouse.derived.sessions import SESSION_TABLES, SESSION_VIEWS

CORE_TABLES: tuple[CoreTable, ...] = (*ARCHIVE_TABLES, *MESSAGE_TABLES, *SESSION_TABLES, *FILE_TABLES)
"""Every core table, in the order in which they are made."""

CORE_VIEWS: tuple[View, ...] = (*ARCHIVE_VIEWS, *MESSAGE_VIEWS, *SESSION_VIEWS, *FILE_VIEWS)
"""Every view, in the order in which they are made."""

__all__ = ["CORE_TABLES", "CORE_VIEWS", "CoreTable", "Renewal", "View"]
