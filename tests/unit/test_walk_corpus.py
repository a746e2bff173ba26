"""The structural walk over real files: it agrees with pydicom, and sees what is broken."""

from __future__ import annotations

import csv
import io
import random
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset

from gurney.core.walk import FaultKind, Walked, walk, walk_file

KEYWORDS = [
    *("SpecificCharacterSet", "StudyDate", "StudyTime", "AccessionNumber", "Modality"),
    *("InstitutionName", "StudyDescription", "SeriesDescription", "PatientName", "PatientID"),
    *("PatientBirthDate", "PatientSex", "SeriesNumber", "InstanceNumber", "NumberOfFrames"),
    *("Rows", "PixelSpacing", "ReferencedImageSequence", "RequestAttributesSequence"),
]

# In files said to be readable: real archives hold them, and no reader complains.
KNOWN_FAULTS = {
    "single/fo-dicom/GH1339.dcm": "cut in (7FE0,0010) PixelData, which is not closed",
}
# Text in the right place says DICM: pydicom begins to read there.
FOOLS_PYDICOM = "single/dcm4che/no_preamble_dicm_in_data"

NOT_DICOM, CUT, MALFORMED = FaultKind.NOT_DICOM, FaultKind.CUT, FaultKind.MALFORMED
META_UID = "SOP Instance UID of the file meta differs from that of the data set"

# For each of malformed/EXPECTED.csv: the kind of fault, if any; how it or an oddity begins.
MALFORMED_FILES: dict[str, tuple[FaultKind | None, str]] = {
    "as-found/3gb-bulk-data-truncated": (CUT, "cut in (7FE0,0010)"),
    "as-found/ExplVR_BigEndNoMeta.dcm": (None, "no preamble"),
    "as-found/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm": (None, ""),
    "as-found/JPEG2000-embedded-sequence-delimiter.dcm": (None, ""),
    "as-found/MR_truncated.dcm": (CUT, "cut in (7FE0,0010)"),
    "as-found/UN_sequence.dcm": (None, ""),
    "as-found/badVR.dcm": (None, META_UID),
    "as-found/bad_sequence.dcm": (None, META_UID),
    "as-found/emri_small_jpeg_2k_lossless_too_short.dcm": (CUT, "cut in (7FE0,0010)"),
    "as-found/meta_missing_tsyntax.dcm": (None, "no transfer syntax"),
    "as-found/no_meta.dcm": (NOT_DICOM, "not DICOM: neither"),
    "as-found/no_meta_group_length.dcm": (None, "no group length of the file meta"),
    "as-found/rtplan_truncated.dcm": (CUT, "cut in (300A,00B0)"),
    "as-found/zipMR.gz": (NOT_DICOM, "not DICOM: a gzip file"),
    "made/bad-number-of-frames.dcm": (None, ""),
    "made/bad-study-date-time.dcm": (None, ""),
    "made/charset-says-utf8-is-latin1.dcm": (None, ""),
    "made/charset-unknown.dcm": (None, ""),
    "made/declares-explicit-is-implicit.dcm": (None, "declared explicit VR little endian, is"),
    "made/declares-implicit-is-explicit.dcm": (None, "declared implicit VR little endian, is"),
    "made/deflated-corrupt.dcm": (MALFORMED, "malformed: the deflated stream is whole, but cut"),
    "made/deflated-truncated.dcm": (CUT, "cut in the deflated data set"),
    "made/duplicate-element.dcm": (None, "element occurs twice: (0010,0020) PatientID"),
    "made/elements-out-of-order.dcm": (None, "element out of order: (0010,0020) PatientID"),
    "made/empty-series-uid.dcm": (None, ""),
    "made/empty-sop-instance-uid.dcm": (None, ""),
    "made/empty-study-uid.dcm": (None, ""),
    "made/empty.dcm": (NOT_DICOM, "not DICOM: no bytes at all"),
    "made/encapsulated-declared-but-native.dcm": (None, "(7FE0,0010) PixelData is native, but"),
    "made/encapsulated-no-delimiter.dcm": (CUT, "cut in (7FE0,0010) PixelData, which is not"),
    "made/gzip-of-dicom.dcm": (NOT_DICOM, "not DICOM: a gzip file"),
    "made/html-error-page.dcm": (NOT_DICOM, "not DICOM: an HTML page"),
    "made/instance-number-not-a-number.dcm": (None, ""),
    "made/item-length-too-long.dcm": (None, ""),
    "made/json-error.dcm": (NOT_DICOM, "not DICOM: JSON text"),
    "made/length-overrun-patient-id.dcm": (CUT, "cut in (0010,0020) PatientID"),
    "made/meta-sop-class-differs.dcm": (None, "SOP Class UID of the file meta differs"),
    "made/meta-sop-uid-differs.dcm": (None, META_UID),
    "made/missing-series-uid.dcm": (None, ""),
    "made/missing-sop-instance-uid.dcm": (None, ""),
    "made/missing-study-uid.dcm": (None, ""),
    "made/nested-sequence-100.dcm": (None, ""),
    "made/no-preamble-no-meta-explicit.dcm": (None, "no file meta"),
    "made/no-preamble-no-meta-implicit.dcm": (None, "no file meta"),
    "made/no-preamble-with-meta.dcm": (None, "no preamble"),
    "made/odd-length-value.dcm": (None, "odd length: (0010,0020) PatientID"),
    "made/pixeldata-length-4g.dcm": (CUT, "cut in (7FE0,0010) PixelData"),
    "made/plain-text.dcm": (NOT_DICOM, "not DICOM: text"),
    "made/png-image.dcm": (NOT_DICOM, "not DICOM: a PNG image"),
    "made/preamble-only.dcm": (NOT_DICOM, "not DICOM: nothing after the preamble"),
    "made/sequence-never-closed.dcm": (CUT, "cut in (0008,1140) ReferencedImageSequence, which"),
    "made/series-uid-leading-zeros.dcm": (None, ""),
    "made/short-string-marked-SQ.dcm": (CUT, "cut in (0008,0020) StudyDate"),
    "made/sop-uid-74-chars.dcm": (None, ""),
    "made/sop-uid-space-padded.dcm": (None, ""),
    "made/study-uid-letters.dcm": (None, ""),
    "made/trailing-padding-fffc.dcm": (None, "element occurs twice: (FFFC,FFFC)"),
    "made/trailing-zeros.dcm": (None, "512 zero bytes after the data set"),
    "made/truncated-in-meta.dcm": (CUT, "cut in (0002,0003) MediaStorageSOPInstanceUID"),
    "made/truncated-in-pixeldata.dcm": (CUT, "cut in (7FE0,0010) PixelData"),
    "made/truncated-mid-dataset.dcm": (CUT, "cut in the header of an element"),
    "made/unknown-transfer-syntax.dcm": (None, ""),
    "made/unknown-vr-ZZ.dcm": (None, "unknown value representation: (0028,0010) Rows"),
    "made/zip-of-dicom.dcm": (NOT_DICOM, "not DICOM: a ZIP archive"),
}


def rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(line.replace("\0", "") for line in lines)  # for Python 3.10


def of_file(file: Path) -> Walked:
    with file.open("rb", buffering=0) as opened:
        return walk_file(opened, KEYWORDS)


def read(content: bytes) -> FileDataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dcmread(io.BytesIO(content), force=True)


def test_malformed_files(corpus: Path) -> None:
    """Each broken file is called what it is; none raises."""
    folder = corpus / "malformed"
    expected = {row["path"].removeprefix("malformed/") for row in rows(folder / "EXPECTED.csv")}

    assert expected == set(MALFORMED_FILES)
    for name, (kind, text) in MALFORMED_FILES.items():
        found = of_file(folder / name)

        assert kind is found.kind, (name, found)
        said = (found.fault,) if found.fault else found.oddities or ("",)
        assert any(one.startswith(text) for one in said), (name, found)
        assert walk([(folder / name).read_bytes()], KEYWORDS) == found


def test_uids_of_malformed_files(corpus: Path) -> None:
    """What can be indexed of a broken file, is: its UIDs are found wherever pydicom finds them."""
    for row in rows(corpus / "malformed" / "EXPECTED.csv"):
        _, _, uids = row["pydicom_3_0_2"].partition("uids ")
        found = of_file(corpus / row["path"])
        found_uids = (found.study_uid, found.series_uid, found.instance_uid)
        if found.is_dicom and uids:
            for letter, uid in zip(uids[:3], found_uids, strict=True):
                assert letter == "n" or uid, row["path"]


def test_readable_files(corpus: Path) -> None:
    """Every plain file is whole, to its last byte, with the UIDs of the manifest."""
    seen = 0
    for row in rows(corpus / "MANIFEST.csv"):
        if row["readable"] != "yes" or row["path"].startswith(("malformed/", FOOLS_PYDICOM)):
            continue
        found = of_file(corpus / row["path"])
        seen += 1

        fault = KNOWN_FAULTS.get(row["path"], "")
        assert found.fault.startswith(fault), row["path"]
        assert found.whole is not bool(fault), (row["path"], found)
        uids = (found.study_uid, found.series_uid, found.instance_uid)
        assert (row["study_uid"], row["series_uid"], row["sop_uid"]) == uids, row["path"]
        assert row["sop_class"] in (found.sop_class_uid or found.meta_class_uid), row["path"]
        assert row["transfer_syntax"] == found.transfer_syntax
        assert int(row["size"]) == found.size
        assert found.end == found.size or "8 bytes after the deflated data set" in found.oddities
    assert seen > 700


def test_file_that_fools_pydicom(corpus: Path) -> None:
    """A bare data set is read from its beginning, DICM or not."""
    found = of_file(corpus / FOOLS_PYDICOM)

    assert found.whole
    assert 0 == found.data_set_offset
    assert "MG" == found.dataset.Modality


def test_values_are_those_of_pydicom(corpus: Path) -> None:
    """What is kept is what pydicom reads: the same elements, raw and decoded."""
    for row in rows(corpus / "MANIFEST.csv"):
        readable = row["readable"] in ("yes", "forced") and row["path"] not in KNOWN_FAULTS
        if not readable or row["path"].startswith(("malformed/", FOOLS_PYDICOM)):
            continue
        content = (corpus / row["path"]).read_bytes()
        theirs = read(content)

        ours = walk([content], KEYWORDS).dataset

        for keyword in KEYWORDS:
            assert (keyword in theirs) == (keyword in ours), (row["path"], keyword)
        for tag in list(ours.keys()):
            raw, other = ours.get_item(tag), theirs.get_item(tag)
            if isinstance(raw, RawDataElement) and isinstance(other, RawDataElement):
                assert raw._replace(value_tell=0) == other._replace(value_tell=0), row["path"]
            else:  # decoded while it was read
                assert ours[tag].value == theirs[tag].value, (row["path"], tag)


def test_chunks_of_any_size(corpus: Path) -> None:
    """Real files give the same result however they come."""
    for path in _smallest_of_each_syntax(corpus):
        content = path.read_bytes()
        expected = walk([content], KEYWORDS)
        for size in (1, 7, 1000):
            pieces = (content[at : at + size] for at in range(0, len(content), size))

            assert expected == walk(pieces, KEYWORDS), (path, size)


def test_cut_anywhere(corpus: Path) -> None:
    """No real file that was cut is whole, but at the end of an element of its data set."""
    dice = random.Random(2)
    for path in _smallest_of_each_syntax(corpus):
        content = path.read_bytes()
        whole = walk([content])
        if not whole.whole:
            continue
        starts = _element_starts(content, whole)
        near = {start + step for start in starts for step in (-1, 0, 1, 4, 7, 8, 11, 13)}
        near |= {*range(0, 1200, 7), *range(len(content) - 40, len(content))}
        near |= {dice.randrange(len(content)) for _ in range(200)}
        for length in sorted(near):
            if not 0 <= length < whole.end:
                continue

            cut = walk([content[:length]])

            assert cut.whole is (length in starts), (path, length, cut)
            assert cut == walk_file(io.BytesIO(content[:length]))


def _element_starts(content: bytes, whole: Walked) -> set[int]:
    """Return where elements begin, after the first: pydicom says where their values do."""
    if whole.transfer_syntax == "1.2.840.10008.1.2.1.99":
        return set()
    starts: set[int] = set()
    dataset = read(content)
    order = "<HH" if whole.little_endian else ">HH"
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag)
        value: int = getattr(element, "value_tell" if element.is_raw else "file_tell")
        is_short = struct.pack(order, tag.group, tag.elem) == content[value - 8 : value - 4]
        starts.add(value - (8 if is_short else 12))
    return starts - {whole.data_set_offset}


def _smallest_of_each_syntax(corpus: Path) -> list[Path]:
    smallest: dict[str, tuple[int, str]] = {}
    for row in rows(corpus / "MANIFEST.csv"):
        is_plain = row["readable"] == "yes" and row["transfer_syntax"] != ""
        if is_plain and not row["path"].startswith("malformed/"):
            syntax = row["transfer_syntax"]
            smallest[syntax] = min(
                smallest.get(syntax, (100_000, "")), (int(row["size"]), row["path"])
            )
    return [corpus / path for _, path in smallest.values() if path]
