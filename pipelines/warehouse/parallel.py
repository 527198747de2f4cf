"""Does the tasks of a load in two threads: each task in a transaction of its own, after the tasks that it needs."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Condition

import duckdb

from pipelines.warehouse.engine import Work, apart


@dataclass(frozen=True, slots=True)
class Task:
    """Work for the transaction of a connection; `needs` are the names of the tasks that must be committed before it
    begins.
    """

    name: str
    work: Work
    needs: frozenset[str] = frozenset()


def do_tasks(connection: duckdb.DuckDBPyConnection, tasks: Iterable[Task]) -> None:
    """Do tasks in two threads, the first ones of those that can begin first, and return when all are committed. A task
    that runs out of memory is repeated alone, with `apart`. Names in `needs` that no task has are ignored.

    If a task fails, those not yet begun are skipped, and its error is raised. The connection must be in a transaction,
    which is committed first, and is in a new one at the end.
    """
    queue = _Queue(tasks)
    while queue.waiting:
        _do_in_two_threads(connection, queue)
        for task in queue.take_lacking():
            apart(connection, partial(task.work, connection))
            queue.end(task)


class _Queue:
    """The tasks that wait and run, shared by the threads."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.waiting = list(tasks)
        self._open = {task.name for task in self.waiting}
        self._running = 0
        self._lacking: list[Task] = []
        self._changed = Condition()

    def next_one(self) -> Task | None:
        """Return the first task that can begin, waiting for one; None if none can begin before `take_lacking`."""
        with self._changed:
            while self.waiting:
                for at, task in enumerate(self.waiting):
                    if self._open.isdisjoint(task.needs):
                        self._running += 1
                        return self.waiting.pop(at)
                if not self._running:
                    break
                self._changed.wait()
        return None

    def end(self, task: Task) -> None:
        """Record that a task is committed."""
        with self._changed:
            self._open.discard(task.name)
            self._running -= 1
            self._changed.notify_all()

    def lack(self, task: Task) -> None:
        """Record that a task ran out of memory."""
        with self._changed:
            self._lacking.append(task)
            self._running -= 1
            self._changed.notify_all()

    def take_lacking(self) -> list[Task]:
        """Return the tasks that ran out of memory, as running; if none did, those that wait need one another."""
        lacking, self._lacking = self._lacking, []
        self._running += len(lacking)
        if self.waiting and not lacking:
            raise TypeError(
                f"these tasks need one another in a circle: {', '.join(task.name for task in self.waiting)}"
            )
        return lacking

    def cancel(self) -> None:
        """Skip the tasks that wait."""
        with self._changed:
            self.waiting.clear()
            self._changed.notify_all()


def _do_in_two_threads(connection: duckdb.DuckDBPyConnection, queue: _Queue) -> None:
    def do(own: duckdb.DuckDBPyConnection) -> None:
        try:
            while task := queue.next_one():
                _try_to_do(own, task, queue)
        except BaseException:
            queue.cancel()
            raise

    connection.execute("COMMIT")
    with connection.cursor() as other, ThreadPoolExecutor(1) as beside:
        other.execute("USE warehouse")
        done = beside.submit(do, other)
        try:
            do(connection)
            done.result()
        except BaseException:
            other.interrupt()
            raise
    connection.execute("BEGIN")


def _try_to_do(connection: duckdb.DuckDBPyConnection, task: Task, queue: _Queue) -> None:
    connection.execute("BEGIN")
    try:
        task.work(connection)
    except duckdb.OutOfMemoryException:
        connection.execute("ROLLBACK")
        queue.lack(task)
        return
    connection.execute("COMMIT")
    queue.end(task)
