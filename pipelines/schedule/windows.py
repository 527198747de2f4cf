"""Schedules runs by a task of the Windows Task Scheduler."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pipelines.schedule.timer import DESCRIPTION, NAME, Job, Timetable, call

_SPACE: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_LOWEST: Final = "9"
"""The Task Scheduler's priority for processes that run when the machine is idle."""
_START: Final = re.compile(r"<StartBoundary>[^<]*T(\d\d):(\d\d):00")


@dataclass(frozen=True, slots=True)
class WindowsTask:
    """The Windows Task Scheduler, with one task of the user."""

    name: str = "the Task Scheduler"

    def task(self, job: Job) -> bytes:
        """Return the task as XML in UTF-16, which the Task Scheduler requires. It catches up on a missed start."""
        made = Element("Task", {"version": "1.2", "xmlns": _SPACE})
        SubElement(SubElement(made, "RegistrationInfo"), "Description").text = DESCRIPTION
        trigger = SubElement(SubElement(made, "Triggers"), "CalendarTrigger")
        time = job.timetable
        SubElement(trigger, "StartBoundary").text = f"2026-01-04T{time.hour:02}:{time.minute:02}:00"
        if time.every == "day":
            SubElement(SubElement(trigger, "ScheduleByDay"), "DaysInterval").text = "1"
        else:
            week = SubElement(trigger, "ScheduleByWeek")
            SubElement(week, "WeeksInterval").text = "1"
            SubElement(SubElement(week, "DaysOfWeek"), "Sunday")
        settings = SubElement(made, "Settings")
        for name, value in (
            ("MultipleInstancesPolicy", "IgnoreNew"),
            ("DisallowStartIfOnBatteries", "false"),
            ("StopIfGoingOnBatteries", "false"),
            ("StartWhenAvailable", "true"),
            ("Hidden", "true"),
            ("Priority", _LOWEST),
        ):
            SubElement(settings, name).text = value
        action = SubElement(SubElement(made, "Actions"), "Exec")
        SubElement(action, "Command").text = job.command[0]
        SubElement(action, "Arguments").text = subprocess.list2cmdline(job.command[1:])
        indent(made)
        return b"\xff\xfe" + ('<?xml version="1.0" encoding="UTF-16"?>\n' + tostring(made, "unicode")).encode(
            "utf-16-le"
        )

    def shown(self, job: Job) -> str:
        """Return the task as text."""
        return self.task(job).decode("utf-16")

    def install(self, job: Job) -> None:
        """Register the task; replaces an earlier one."""
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "task.xml")
            file.write_bytes(self.task(job))
            call("schtasks", "/Create", "/F", "/TN", NAME, "/XML", str(file))

    def remove(self) -> None:
        """Delete the task."""
        call("schtasks", "/Delete", "/F", "/TN", NAME, may_fail=True)

    def timetable(self) -> Timetable | None:
        """Return the timetable of the registered task, None if there is none."""
        return timetable_of(call("schtasks", "/Query", "/TN", NAME, "/XML", may_fail=True).decode(errors="replace"))


def timetable_of(task: str) -> Timetable | None:
    """Return the timetable in a task's XML, None if the XML is not of a task that `extract schedule` registered."""
    found = _START.search(task)
    return Timetable("week" if "ScheduleByWeek" in task else "day", int(found[1]), int(found[2])) if found else None
