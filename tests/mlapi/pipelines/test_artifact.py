"""The artifact's format: what is written comes back, and a hostile file is refused clearly."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from mlapi.pipelines import PIPELINES
from mlapi.pipelines.artifact import (
    FORMAT,
    ArtifactFormatOld,
    Texts,
    join,
    pack,
    split,
    unpack,
    write,
)
from mlapi.pipelines.models import load_model
from mlapi.pipelines.parts import ArtifactInvalid
from registry.verified import ArtifactCorrupt
from tests.mlapi.pipelines.texts import text_classifier

PARTS = {
    "name": "a \u00e9 \U0001f600",
    "targets": [
        {
            "coef": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            "classes": np.array([2, 0]),
            "terms": Texts(["b", "a", "\u4e2d"]),
            "booster": b"\x00\x01",
            "none": None,
            "number": 0.1,
        }
    ],
}


def zipped(files: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def header(**values) -> bytes:
    return json.dumps({"format": FORMAT, "pipeline": "image_clusters", **values}).encode()


def npy(array, **options) -> bytes:
    written = io.BytesIO()
    np.save(written, array, **options)
    return written.getvalue()


def with_array(content: bytes) -> bytes:
    return zipped({"header.json": header(x={"$file": "parts/x.npy"}), "parts/x.npy": content})


def test_a_packed_artifact_is_unpacked_unchanged():
    parts = unpack(pack("image_clusters", PARTS), "image_clusters")

    assert parts.text("name") == PARTS["name"]
    target = parts.only("targets")
    coef = target.array("coef", 2, None)
    np.testing.assert_array_equal(coef, PARTS["targets"][0]["coef"])
    assert coef.flags.f_contiguous
    assert coef.flags.writeable
    assert target.places("classes", 3).tolist() == [2, 0]
    assert target.texts("terms") == ["b", "a", "\u4e2d"]
    assert target.data("booster") == b"\x00\x01"
    assert target.optional("none") is None
    assert target.number("number") == 0.1


def test_equal_contents_give_equal_bytes_whenever_they_are_written(monkeypatch):
    first = pack("image_clusters", PARTS)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert pack("image_clusters", dict(reversed(PARTS.items()))) == first
    entries = zipfile.ZipFile(io.BytesIO(first)).infolist()
    assert [e.filename for e in entries] == sorted(e.filename for e in entries)
    assert {e.compress_type for e in entries} == {zipfile.ZIP_STORED}
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_artifacts_that_were_joined_come_back_byte_for_byte():
    own = {"image_clusters": pack("image_clusters", PARTS), "b": pack("b", {"x": np.arange(3)})}
    joined = join(own)
    assert split(joined) == own
    assert join(dict(reversed(own.items()))) == joined
    assert join({"b": own["b"]}) == own["b"]
    assert split(own["b"]) == {"b": own["b"]}
    with pytest.raises(ArtifactInvalid):
        unpack(joined, "b")


@pytest.mark.parametrize(
    "files",
    [
        {"header.json": json.dumps({"format": FORMAT, "pipelines": ["a"]}).encode()},
        {"header.json": json.dumps({"format": FORMAT, "pipelines": {"a": 1}}).encode()},
        {"header.json": json.dumps({"format": FORMAT, "pipelines": {}}).encode()},
        {
            "header.json": json.dumps({"format": FORMAT, "pipelines": {"a": {}}}).encode(),
            "parts/b/x.bin": b"",
        },
    ],
)
def test_joined_artifacts_of_another_shape_are_refused(files):
    with pytest.raises(ArtifactInvalid):
        split(zipped(files))


def test_an_artifact_has_no_name_of_a_class_or_a_module():
    model = text_classifier(targets=2)
    content = pack(model.pipeline, model.to_parts())
    for name in (b"mlapi", b"sklearn", b"Classifier", b"Vectorizer", b"numpy"):
        assert name not in content


def test_an_array_of_objects_is_not_written():
    with pytest.raises(ValueError, match="no arrays of object"):
        pack("image_clusters", {"x": np.array([None])})


class RunsOnUnpickling:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_by_its_first_byte(tmp_path, protocol):
    content = pickle.dumps(RunsOnUnpickling(tmp_path / "it ran"), protocol)
    for pipeline in PIPELINES.values():
        with pytest.raises(ArtifactFormatOld) as refused:
            pipeline.load(content)
    assert refused.value.code == "artifact_format_old"
    assert "convert_artifacts" in refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_array_in_the_zip_is_not_unpickled(tmp_path):
    malicious = np.array([RunsOnUnpickling(tmp_path / "it ran")], dtype=object)
    with pytest.raises(ArtifactInvalid, match="array of object"):
        unpack(with_array(npy(malicious, allow_pickle=True)))
    assert list(tmp_path.iterdir()) == []


def claims(shape: str, descr: str = "<f8") -> bytes:
    """An `.npy` file that says it has this shape, and has eight bytes."""
    described = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(described).to_bytes(2, "little") + described + bytes(8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an array",
        npy(np.arange(3.0))[:-1],
        npy(np.arange(3.0)) + b"x",
        npy(np.array(["text"])),
        npy(np.zeros(2, dtype=[("a", "f4")])),
        npy(np.array(["2026-01-01"], dtype="M8[D]")),
        claims("(1099511627776,)"),
        claims("(99999999999999999999999999,)"),
        claims("(-1, -1)"),
        claims("(1.0,)"),
        claims("(0, 99999999999999999999999999)"),
        claims("__import__('os').system('true')"),
        claims("(1,)", "|O"),
        claims("(1,)", "(2,)f4"),
        b"\x93NUMPY\x03\x00" + npy(np.arange(3.0))[8:],
    ],
)
def test_an_invalid_array_is_refused(content):
    with pytest.raises(ArtifactInvalid, match=r"parts/x\.npy"):
        unpack(with_array(content))


@pytest.mark.parametrize(
    "name",
    ["../x.npy", "/etc/x.npy", "parts/../x.npy", "parts\\x.npy", "x.py", "parts//x.npy", "x"],
)
def test_a_name_that_is_a_path_elsewhere_is_refused(name):
    with pytest.raises(ArtifactInvalid, match="a file that it may not"):
        unpack(zipped({"header.json": header(), name: b""}))


def test_a_zip_that_would_grow_is_refused():
    bomb = zipped({"header.json": header(), "parts/x.bin": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(ArtifactInvalid, match="compressed"):
        unpack(bomb)


def test_files_that_share_their_bytes_are_refused():
    """A zip whose directory names the same bytes many times is larger inside than outside."""
    names = [f"parts/{i:04}.bin" for i in range(200)]
    whole = zipped({"header.json": header(), **dict.fromkeys(names, b"")})
    big = zipped({"header.json": header(), "parts/0000.bin": bytes(100_000)})
    directory = big.index(b"PK\x01\x02", 100_000)
    entries = big[directory:]
    end = entries.index(b"PK\x05\x06")
    central = entries[:end]
    second = central.index(b"PK\x01\x02", 4)
    copies = b"".join(central[second:].replace(b"0000", n[6:10].encode()) for n in names[1:])
    size = len(central) + len(copies)
    tail = entries[end : end + 8] + (201).to_bytes(2, "little") * 2
    tail += size.to_bytes(4, "little") + directory.to_bytes(4, "little") + b"\x00\x00"
    overlapping = big[:directory] + central + copies + tail
    assert len(zipfile.ZipFile(io.BytesIO(overlapping)).infolist()) == 201
    assert len(whole) < len(overlapping) < 200 * 100_000
    with pytest.raises(ArtifactInvalid):
        unpack(overlapping)


def test_two_files_of_one_name_are_refused():
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for _ in range(2):
            archive.writestr("header.json", header())
    with pytest.raises(ArtifactInvalid, match="two of one name"):
        unpack(written.getvalue())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Not an artifact"),
        (b"PK\x03\x04", "Not an artifact"),
        (pack("image_clusters", PARTS)[:-30], "Not an artifact"),
        (zipped({"other.json": b"{}"}), "Not an artifact"),
        (zipped({"header.json": b"[" * 100_000}), "Not an artifact"),
        (zipped({"header.json": b"[]"}), "Not an artifact"),
        (zipped({"header.json": header(format=3)}), "format 3, not 2"),
        (zipped({"header.json": header(pipeline="image_similarity")}), "of image_clusters"),
        (zipped({"header.json": header(x={"$file": "parts/x.npy"})}), "no file"),
        (zipped({"header.json": header(x={"$file": ["parts/x.npy"]})}), "no file"),
        (zipped({"header.json": header(), "parts/x.npy": npy(np.ones(1))}), "does not name"),
        (
            zipped({"header.json": header(x={"$file": "x.json"}), "x.json": b"[1]"}),
            "no list of texts",
        ),
    ],
)
def test_a_file_that_is_no_artifact_is_refused(content, why):
    with pytest.raises(ArtifactInvalid, match=why):
        unpack(content, "image_clusters")


@pytest.mark.parametrize("name", ["extractor", "targets"])
def test_a_part_that_is_missing_is_named(name):
    found = json.loads(header())
    content = zipped({"header.json": json.dumps(found).encode()})
    with pytest.raises(ArtifactInvalid, match="artifact's"):
        PIPELINES["image_clusters"].load(content)


def changed_artifact(change) -> bytes:
    """The artifact of a text model with one target, changed."""
    model = text_classifier()
    parts = model.to_parts()
    change(parts["targets"][0])
    return pack(model.pipeline, parts)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["spec"].update(kind="many"),
        lambda t: t["spec"].update(labels="fruit"),
        lambda t: t["spec"].update(labels=["fruit"]),
        lambda t: t["estimator"].update(kind="os.system"),
        lambda t: t["estimator"].update(n_labels=-1),
        lambda t: t["estimator"].update(classes=np.array([0, 1, 7])),
        lambda t: t["estimator"].update(classes=np.array([0, 1, 1])),
        lambda t: t["estimator"]["ridge"].update(coef=np.zeros((3, 2))),
        lambda t: t["estimator"]["ridge"].update(intercept=np.zeros(5)),
        lambda t: t["estimator"]["features"].update(kind="gaussian_kernel"),
        lambda t: t["estimator"]["features"].update(terms=[]),
        lambda t: t["estimator"]["features"]["terms"][0].update(terms=Texts(["a", "a"])),
        lambda t: t["calibration"].update(temperature="hot"),
        lambda t: t["calibration"].update(temperature=0),
        lambda t: t["calibration"].update(temperature=True),
        lambda t: t.update(needs=["no-such-package-at-all"]),
        lambda t: t.update(estimator=None),
    ],
)
def test_parts_that_do_not_fit_are_refused(change):
    assert PIPELINES["text_classification"].load(changed_artifact(lambda target: None))
    with pytest.raises(ArtifactInvalid):
        PIPELINES["text_classification"].load(changed_artifact(change))


def test_an_invalid_booster_is_refused():
    trees = {"booster": b"{}", "used": np.array([0]), "medians": np.zeros(1)}

    def change(target):
        estimator = target["estimator"]
        del estimator["ridge"]
        terms = [estimator["features"]["terms"][0]]
        size = len(terms[0]["terms"].texts)
        features = {"kind": "tfidf_svd", "terms": terms, "components": np.zeros((2, size))}
        estimator.update(kind="boosted_trees", trees=trees, features=features)

    with pytest.raises(ArtifactInvalid, match="booster"):
        PIPELINES["text_classification"].load(changed_artifact(change))


def test_a_file_is_opened_once_and_read_only_as_it_was_hashed(tmp_path, monkeypatch):
    """A file that is replaced after it was hashed is not read, as nothing opens it again."""
    model = text_classifier()
    path = tmp_path / "artifact.bin"
    sha256 = write(path, model.pipeline, model.to_parts())
    opened = []
    real = type(path).read_bytes

    def read_and_swap(self):
        content = real(self)
        opened.append(self)
        self.write_bytes(b"swapped")
        return content

    monkeypatch.setattr(type(path), "read_bytes", read_and_swap)
    assert [t.spec for t in load_model(str(path), sha256).targets] == [
        t.spec for t in model.targets
    ]
    assert opened == [path]
    other = tmp_path / "other.bin"
    other.write_bytes(b"swapped before")
    with pytest.raises(ArtifactCorrupt):
        load_model(str(other), sha256)
