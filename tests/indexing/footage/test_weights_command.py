import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import CommandError, call_command

from indexing.footage.weights import (
    current_trunk_weights,
    is_pretrained,
    trunk_name,
    trunk_weights,
)
from ml import thirdparty

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.REPRISE_DATA = tmp_path / "data"
    return tmp_path / "data"


def checkpoint(path: Path, seed: int) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = thirdparty.x3d().create_x3d(
            input_clip_length=16, input_crop_size=224, model_num_class=400
        )
    torch.save({"model_state": net.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint(tmp_path_factory.mktemp("zoo") / "X3D_M.pyth", 1)


@pytest.fixture
def zoo(published: Path) -> Iterator[str]:
    """A web server that offers the published checkpoint."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(published.parent))

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    call_command("weights", *args, "--json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    with pytest.raises(SystemExit) as end:
        call_command("weights", *args)
    assert end.value.code == 1
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence.endswith(".")
    return sentence


@pytest.mark.usefixtures("own_trunk")
def test_the_projects_own_weights_are_in_use_until_others_are_chosen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = run(capsys, "show")
    assert own["pretrained"]
    assert own["origin"] == "own"
    assert is_pretrained(own["name"])
    path = current_trunk_weights()
    assert path is not None
    assert path.stat().st_size < 15e6
    assert trunk_name(path) == own["name"]
    assert trunk_weights(own["name"]) == path
    assert run(capsys, "use", "random") == {"name": None, "pretrained": False}
    assert current_trunk_weights() is None
    assert run(capsys, "use", "own") == own
    with pytest.raises(CommandError, match="'own', 'random'"):
        call_command("weights", "use", "others")


def test_random_weights_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "show") == {"name": None, "pretrained": False}
    assert current_trunk_weights() is None
    call_command("weights", "show")
    assert "random weights" in capsys.readouterr().out


def test_an_imported_file_is_in_use(capsys: pytest.CaptureFixture[str], published: Path) -> None:
    answer = run(capsys, "import", str(published), "--sha256", sha256(published).upper())
    assert answer == run(capsys, "show")
    assert answer["sha256"] == sha256(published)
    assert answer["pretrained"]
    assert str(current_trunk_weights()) == answer["file"]
    assert is_pretrained(answer["name"])


def test_other_weights_take_over_under_another_path(
    capsys: pytest.CaptureFixture[str], published: Path, tmp_path: Path
) -> None:
    run(capsys, "import", str(published))
    first = current_trunk_weights()
    run(capsys, "import", str(checkpoint(tmp_path / "other.pyth", 2)))
    second = current_trunk_weights()
    assert first is not None
    assert second is not None
    assert first != second
    assert first.exists()


def test_a_wrong_checksum_is_refused_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], published: Path
) -> None:
    sentence = refused(capsys, "import", str(published), "--sha256", "0" * 64)
    assert sha256(published) in sentence
    assert current_trunk_weights() is None


def test_what_is_no_checkpoint_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "X3D_M.pyth").write_text("nothing")
    assert "checkpoint" in refused(capsys, "import", str(tmp_path / "X3D_M.pyth"))
    assert "no file" in refused(capsys, "import", str(tmp_path / "absent.pyth"))
    assert "is a folder" in refused(capsys, "import", str(tmp_path))


def test_a_download_is_checked_and_put_in_use(
    capsys: pytest.CaptureFixture[str], zoo: str, published: Path, data: Path
) -> None:
    answer = run(capsys, "fetch", "--url", f"{zoo}/X3D_M.pyth")
    assert answer["sha256"] == sha256(published)
    assert not list((data / "weights").glob(".*"))


@pytest.mark.parametrize("url", ["{zoo}/absent.pyth", "http://127.0.0.1:9/X3D_M.pyth"])
def test_where_there_is_no_network_a_sentence_says_what_to_do(
    capsys: pytest.CaptureFixture[str], zoo: str, url: str, data: Path
) -> None:
    sentence = refused(capsys, "fetch", "--url", url.format(zoo=zoo))
    assert "weights import FILE" in sentence
    assert not list((data / "weights").glob(".*"))


def test_only_the_web_is_fetched_from(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "not an address" in refused(capsys, "fetch", "--url", f"file://{tmp_path}/x")


def test_a_disk_that_cannot_be_written_is_told(
    capsys: pytest.CaptureFixture[str], published: Path, data: Path
) -> None:
    data.mkdir()
    (data / "weights").write_text("in the way")
    assert "could not be written" in refused(capsys, "import", str(published))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(CommandError):
        call_command("weights")
    with pytest.raises(CommandError):
        call_command("weights", "import")
