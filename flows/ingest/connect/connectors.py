"""The connector of a resource, by the kind of its source."""

from flows.ingest.connect.connector import Connector
from flows.ingest.connect.database import DatabaseConnector
from flows.ingest.connect.files import FilesConnector
from flows.ingest.connect.paging import RestConnector
from flows.ingest.connect.rest import Timing
from flows.ingest.describe.source import (
    DatabaseResource,
    DatabaseSource,
    FileResource,
    FilesSource,
    Resource,
    RestResource,
    RestSource,
    Source,
)


def open_connector(source: Source, name: str, resource: Resource, timing: Timing) -> Connector:
    """What reads the resource `name` of `source`; nothing is asked before its deliveries are."""
    label = f"{source.platform}, {name}"
    if isinstance(source, RestSource) and isinstance(resource, RestResource):
        return RestConnector(source, resource, label, timing)
    if isinstance(source, FilesSource) and isinstance(resource, FileResource):
        return FilesConnector(source, resource, label, timing)
    if isinstance(source, DatabaseSource) and isinstance(resource, DatabaseResource):
        return DatabaseConnector(source, resource, label)
    raise AssertionError(f"{label}: the resource is not of its source's kind")
