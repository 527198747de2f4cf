"""The deployments that `extract flow deploy` writes are those of prefect.yaml, with the paths of this machine."""

from pathlib import Path

import pytest
import yaml

from pipelines.schedule.deployments import local_zone, prefect_file

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_deployed_is_what_prefect_yaml_says() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    environment = {"CLAUDE_CONFIG_DIR": "/c"}
    made = prefect_file(Path("/archive"), ["laptop=/home/mira/.claude"], "Europe/Berlin", environment, push=True)
    assert isinstance(made["deployments"], list)
    for ours, theirs in zip(made["deployments"], declared, strict=True):
        assert isinstance(ours, dict)
        for name in ("name", "description", "entrypoint", "concurrency_limit"):
            assert ours[name] == theirs[name]
        assert ours["schedules"] == [{"cron": theirs["schedules"][0]["cron"], "timezone": "Europe/Berlin"}]
        env = {"EXTRACT_DATA": "/archive", "CLAUDE_CONFIG_DIR": "/c"}
        assert ours["work_pool"] == {"name": "extract", "job_variables": {"env": env}}
        assert theirs["work_pool"]["job_variables"]["env"].keys() == env.keys()
    parameters = made["deployments"][0]["parameters"]  # type: ignore[index, call-overload]
    assert parameters == {"data": "/archive", "homes": ["laptop=/home/mira/.claude"], "push": True}


@pytest.mark.parametrize(
    ("named", "target", "expected"),
    [
        ("Asia/Tokyo", "/usr/share/zoneinfo/Europe/Berlin", "Asia/Tokyo"),
        (":/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("", "/usr/share/zoneinfo/posix/Europe/Berlin", "Europe/Berlin"),
        ("", "/var/db/timezone/zoneinfo/America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("", "/nothing", "UTC"),
    ],
)
def test_the_time_zone_is_that_of_the_machine(tmp_path: Path, named: str, target: str, expected: str) -> None:
    (tmp_path / "localtime").symlink_to(target)
    assert local_zone({"TZ": named}, tmp_path / "localtime") in (
        expected,
        "UTC" if not Path(target).exists() else expected,
    )
