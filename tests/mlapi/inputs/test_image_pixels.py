"""Pixels as an input: what a model gets of an image in a run's folder and in a web process."""

import base64

import numpy as np
import pytest
from PIL import Image

from mlapi.domain import InputError, TargetSpec
from mlapi.images.feature_store import FeatureStore, StoredFeature
from mlapi.images.features import ExtractorRef
from mlapi.images.folder_store import FolderImageStore
from mlapi.images.online import OnlineImages
from mlapi.inputs import ImageFeatures, ImagePixels
from registry.actions.tasks import TaskState
from registry.models import Task
from tests.factories import ProjectFactory, mirror
from tests.mlapi.image_files import sha256
from tests.mlapi.image_projects import server
from tests.mlapi.images.drawn import BLUE, RED, exif, file_of, quarters

__all__ = ["server"]

TARGET = TargetSpec("kind", "img", "Image", "image", "choice", ("a", "b"))
PIXELS = ImagePixels(40)
EXTRACTOR = ExtractorRef("opencv", "opencv of a test")
HEIC = b"\0\0\0\x18ftypheic" + bytes(16)
pytestmark = pytest.mark.django_db


def rows_of(addresses):
    return [{"id": n, "data": {"image": address}} for n, address in enumerate(addresses, start=1)]


def prepared(folder, project, addresses, *inputs) -> FolderImageStore:
    """The source of a child process, as a run for these inputs prepares it."""
    preparation = inputs[0].preparation(project, folder, inputs, [TARGET], rows_of(addresses))
    preparation.prepare(lambda: None, 60)
    return inputs[0].source_in(folder)


def read(source, addresses, pixels=PIXELS):
    return pixels.read_all([{"image": address} for address in addresses], TARGET, source)


def both_ways(folder, project, addresses):
    """The inputs that a training child and a web process read."""
    child = read(prepared(folder, project, addresses, PIXELS), addresses)
    return zip(child, read(OnlineImages(project), addresses), strict=True)


def test_pixels_are_red_green_blue_upright_and_bounded(server, tmp_path):
    lying = quarters().transpose(Image.Transpose.ROTATE_90)
    addresses = [
        server.put("a.png", file_of(quarters(), "PNG")),
        server.put("b.png", file_of(lying, "PNG", exif=exif(6))),
    ]

    for child, online in both_ways(tmp_path, ProjectFactory(), addresses):
        assert child.shape == (30, 40, 3)
        assert child.dtype == np.uint8
        assert tuple(child[3, 3]) == RED
        assert tuple(child[-3, 3]) == BLUE
        assert np.array_equal(child, online)


def test_a_small_image_is_not_enlarged(server, tmp_path):
    address = server.put("a.png", file_of(quarters(8, 6), "PNG"))

    for child, online in both_ways(tmp_path, ProjectFactory(), [address]):
        assert child.shape == online.shape == (6, 8, 3)


def test_an_unreadable_image_has_the_reason_that_features_have(server, tmp_path):
    addresses = [
        server.put("a.png", file_of(quarters(), "PNG")),
        server.put("a.heic", HEIC),
        server.put("a.html", b"<html>Sign in</html>"),
        server.put("cut.png", file_of(quarters(), "PNG")[:60]),
        f"http://{server.host}/missing.png",
        "http://elsewhere.example/a.png",
        " ",
    ]
    project = ProjectFactory()
    codes = [
        [image.code if isinstance(image, InputError) else "" for image in pair]
        for pair in both_ways(tmp_path, project, addresses)
    ]

    reads = ImageFeatures(ExtractorRef("opencv", _opencv()))
    rows = [{"image": address} for address in addresses]
    features = reads.read_all(rows, TARGET, OnlineImages(project))
    expected = [value.code if isinstance(value, InputError) else "" for value in features]
    assert expected[:4] == ["", "image_format", "not_an_image", "image_broken"]
    assert codes == [[code, code] for code in expected]


def _opencv() -> str:
    from mlapi.images.extractors.loading import extractor

    return extractor("opencv").name


def test_without_a_source_the_reason_is_that_of_features():
    (problem,) = read(None, ["/data/upload/1/a.png"])
    assert problem.code == "images_unreachable"


def test_the_key_is_that_of_the_features_of_the_image():
    data = {"image": "http://host/a.png?X-Amz-Signature=1"}
    again = {"image": "http://host/a.png?X-Amz-Signature=2"}
    keys = PIXELS.keys(data, [TARGET])
    assert keys == PIXELS.keys(again, [TARGET]) == ImageFeatures().keys(data, [TARGET])
    assert PIXELS.medium == ImageFeatures.medium


def test_the_size_is_a_setting_of_a_version():
    assert ImagePixels(8).with_settings(PIXELS.settings) == PIXELS
    assert PIXELS.with_settings({}) == PIXELS


def with_stored_features(project, server):
    """Two images, of which the first has features."""
    files = [file_of(quarters(), "PNG"), file_of(quarters(60, 80), "PNG")]
    addresses = [server.put(f"{n}.png", content) for n, content in enumerate(files)]
    mirror(project, [TaskState(labelstudio_id=1, data={"image": addresses[0]})])
    task = Task.objects.get(project=project)
    vector = np.ones(3, np.float32)
    stored = StoredFeature(task.pk, addresses[0], sha256(files[0]), vector)
    FeatureStore(project, EXTRACTOR).save([stored])
    return addresses, files


def test_beside_features_a_run_has_the_files_of_all_images(server, tmp_path):
    project = ProjectFactory()
    addresses, files = with_stored_features(project, server)

    source = prepared(tmp_path, project, addresses, ImageFeatures(EXTRACTOR), PIXELS)

    assert [image.shape for image in read(source, addresses)] == [(30, 40, 3), (40, 30, 3)]
    vector, lacking = source.vectors(EXTRACTOR, addresses)
    assert vector.tolist() == [1, 1, 1]
    assert lacking.code == "image_not_embedded"
    assert list(source.missing(EXTRACTOR, addresses)) == [sha256(files[1])]


def test_for_features_alone_a_run_has_the_files_of_those_that_lack_them(server, tmp_path):
    project = ProjectFactory()
    addresses, files = with_stored_features(project, server)

    source = prepared(tmp_path, project, addresses, ImageFeatures(EXTRACTOR))

    assert server.requests == ["/1.png"]
    assert list(source.files) == [sha256(files[1])]
    assert source.pixels == {}


def test_stored_features_stay_those_of_an_image_whose_file_is_another_one_today(server, tmp_path):
    project = ProjectFactory()
    addresses, files = with_stored_features(project, server)
    server.put("0.png", file_of(quarters(20, 20), "PNG"))

    source = prepared(tmp_path, project, addresses[:1], ImageFeatures(EXTRACTOR), PIXELS)

    (image,), (vector,) = read(source, addresses[:1]), source.vectors(EXTRACTOR, addresses[:1])
    assert (image.shape, vector.tolist()) == ((20, 20, 3), [1, 1, 1])
    assert source.content(addresses[0]) == sha256(files[0])


def test_where_a_file_is_gone_features_are_read_and_pixels_have_the_reason(server, tmp_path):
    project = ProjectFactory()
    addresses, _ = with_stored_features(project, server)
    del server.files["/0.png"]
    inputs = ImageFeatures(EXTRACTOR), PIXELS
    preparation = PIXELS.preparation(project, tmp_path, inputs, [TARGET], rows_of(addresses))

    preparation.prepare(lambda: None, 60)

    source = PIXELS.source_in(tmp_path)
    gone, other = read(source, addresses)
    assert gone.code == "media_not_found"
    assert other.shape == (40, 30, 3)
    assert source.vectors(EXTRACTOR, addresses[:1])[0].tolist() == [1, 1, 1]
    assert (preparation.counts["images"], preparation.counts["unavailable"]) == (2, 1)


def test_a_load_check_reads_the_files_that_are_in_the_cache(server, tmp_path):
    project = ProjectFactory()
    inline = base64.b64encode(file_of(quarters(), "PNG")).decode()
    addresses = [
        server.put("a.png", file_of(quarters(), "PNG")),
        server.put("b.png", file_of(quarters(60, 80), "PNG")),
        f"data:image/png;base64,{inline}",
    ]
    read(OnlineImages(project), addresses[:1])
    server.requests.clear()

    preparation = PIXELS.preparation(project, tmp_path, [PIXELS], [TARGET], rows_of(addresses))
    preparation.prepare_stored()
    cached, unread, contained = read(PIXELS.source_in(tmp_path), addresses)

    assert cached.shape == contained.shape == (30, 40, 3)
    assert unread.code == "image_missing"
    assert server.requests == []


def test_event_processing_downloads_no_image(server):
    project = ProjectFactory()
    address = server.put("a.png", file_of(quarters(), "PNG"))

    (problem,) = read(OnlineImages(project, seconds=0), [address])

    assert problem.code == "image_pending"
    assert server.requests == []
