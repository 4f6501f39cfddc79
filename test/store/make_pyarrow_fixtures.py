"""Makes the files of test/fixtures/pyarrow: what pyarrow writes, for our readers.

Run with a Python that has pyarrow and numpy: python test/store/make_pyarrow_fixtures.py
"""

import datetime
import decimal
import json
import pathlib
import struct
import uuid
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "pyarrow"
OUT.mkdir(parents=True, exist_ok=True)

ROWS = [
    {
        "id": f"s{i}",
        "taskKind": ["image_heavy", "text_heavy", "vqa"][i % 3],
        "split": "test",
        "question": f"which item is number {i} – und was 🐕 ?",
        "options": ["bag", "boot", "Größe", "x" * (i % 5 + 1)][: 2 + i % 3],
        "answer": i % 2,
        "context": None if i % 4 == 0 else f"photo of a {i} .",
        "image": None if i % 3 == 1 else {"bytes": bytes([137, 80, i % 256, 255]), "path": None if i % 2 else f"{i}.png"},
        "source": f"photo {i // 2}",
    }
    for i in range(40)
]
PREDICTIONS = [
    {
        "id": f"s{i}",
        "taskKind": "vqa",
        "perturbation": "origin",
        "answer": i % 3,
        "predicted": (i * 7) % 3,
        "probabilities": [0.5, 0.25 + i / 64, 0.25 - i / 64],
    }
    for i in range(8)
]

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def sample_schema(text, whole, options):
    return pa.schema(
        [
            ("id", text),
            ("taskKind", text),
            ("split", text),
            ("question", text),
            ("options", options(text)),
            ("answer", whole),
            ("context", text),
            ("image", IMAGE),
            ("source", text),
        ]
    )


def plain(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def parquet_files():
    common = pa.Table.from_pylist(ROWS, sample_schema(pa.string(), pa.int64(), pa.list_))
    pq.write_table(common, OUT / "default.parquet")
    for codec in ["gzip", "zstd", "brotli", "lz4", "none"]:
        pq.write_table(common, OUT / f"{codec}.parquet", compression=codec, row_group_size=16)
    pq.write_table(common, OUT / "plain.parquet", use_dictionary=False, row_group_size=7)
    pq.write_table(common, OUT / "pages_v2.parquet", data_page_version="2.0", data_page_size=64)
    pq.write_table(common, OUT / "old_lists.parquet", use_compliant_nested_type=False, version="1.0")
    large = pa.Table.from_pylist(ROWS, sample_schema(pa.large_string(), pa.uint8(), pa.large_list))
    pq.write_table(large, OUT / "large_types.parquet")
    predictions = pa.schema(
        [
            ("id", pa.string()),
            ("taskKind", pa.dictionary(pa.int8(), pa.string())),
            ("perturbation", pa.string()),
            ("answer", pa.int32()),
            ("predicted", pa.int16()),
            ("probabilities", pa.list_(pa.float32())),
        ]
    )
    pq.write_table(pa.Table.from_pylist(PREDICTIONS, predictions), OUT / "predictions.parquet")


def png(size):
    """A grey picture of size x size pixels."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes([y * 16 % 256] * size) for y in range(size))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def request_files():
    """The same requests with the types that pandas, databases and old writers leave, beside columns of every other type."""
    count = 4
    kinds = ["image_heavy", "text_heavy", "vqa", "text_heavy"]
    options = [["bag", "boot"], ["a", "b"], ["x", "y"], ["p", "q"]]
    questions = ["what is it ?"] * count
    pictures = [png(8), None, png(8), None]
    moment = datetime.datetime(2026, 11, 30, 12, 0, 0, 123456)
    beside = {
        "at_ns": pa.array([1764504000123456789] * count, pa.timestamp("ns")),
        "at_us": pa.array([moment] * count, pa.timestamp("us")),
        "at_utc": pa.array([moment] * count, pa.timestamp("ms", "UTC")),
        "price": pa.array([decimal.Decimal("1.25")] * count, pa.decimal128(20, 2)),
        "wide": pa.array([decimal.Decimal("1.25")] * count, pa.decimal256(60, 2)),
        "byte": pa.array([255] * count, pa.uint8()),
        "flag": pa.array([True, None, False, True]),
        "nothing": pa.nulls(count),
        "took": pa.array([5] * count, pa.duration("ns")),
        "time": pa.array([datetime.time(1, 2, 3)] * count, pa.time64("us")),
        "day": pa.array([moment.date()] * count, pa.date32()),
        "tags": pa.array([[("a", 1)]] * count, pa.map_(pa.string(), pa.int64())),
        "nested": pa.array([[[1], [2, 3]]] * count, pa.list_(pa.list_(pa.int8()))),
        "pair": pa.array([[1, 2]] * count, pa.list_(pa.int32(), 2)),
        "half": pa.array([1.5] * count, pa.float16()),
        "four": pa.array([b"abcd"] * count, pa.binary(4)),
        "trace": pa.array([uuid.UUID(int=i).bytes for i in range(count)], pa.uuid()),
    }
    whole = pa.struct([("bytes", pa.large_binary()), ("path", pa.null())])
    tables = {
        "requests_pandas": {
            "id": pa.array([1, 2, 3, 4], pa.int64()),
            "taskKind": pa.array(kinds).dictionary_encode(),
            "question": pa.array(questions, pa.string_view()),
            "options": pa.array(options, pa.large_list(pa.large_string())),
            "answer": pa.array([0, float("nan"), None, 1.0], pa.float64()),
            "context": pa.nulls(count),
            "image": pa.array([one and {"bytes": one, "path": None} for one in pictures], whole),
            "source": pa.array([7, 8, 9, 10], pa.uint64()),
        },
        "requests_database": {
            "taskKind": pa.array([kind.encode() for kind in kinds]),
            "question": pa.array(questions, pa.large_string()),
            "options": pa.array(options, pa.list_(pa.string(), 2)),
            "answer": pa.array([decimal.Decimal(0), None, None, decimal.Decimal(1)], pa.decimal128(3, 0)),
            "context": pa.nulls(count, pa.string()).dictionary_encode(),
            "image": pa.array(pictures, pa.binary()),
            "source": pa.array(["7", "8", "9", "10"]).dictionary_encode(),
        },
        "requests_texts": {
            "taskKind": pa.array(["text_heavy"] * count),
            "question": pa.array(questions),
            "options": pa.array(options),
            "answer": pa.nulls(count),
            "context": pa.nulls(count),
            "image": pa.nulls(count),
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table({**columns, **beside}), OUT / f"{name}.parquet")


def tensor_table(values, **names):
    array = pa.FixedShapeTensorArray.from_numpy_ndarray(values, **names)
    return pa.table({"name": pa.array([f"t{i}" for i in range(len(values))]), "tensor": array})


def write_arrow(name, table, **options):
    with pa.ipc.new_file(OUT / name, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=2)


def arrow_files():
    values = np.arange(5 * 2 * 3, dtype=np.float32).reshape(5, 2, 3) / 8
    write_arrow("tensors.arrow", tensor_table(values))
    write_arrow("dim_names.arrow", tensor_table(values, dim_names=["row", "column"]))
    # Stored as [2, 3, 4], seen as [4, 3, 2]; and a rotation, of which pyarrow records the inverse of what the format says.
    stored = np.arange(3 * 2 * 3 * 4, dtype=np.float32).reshape(3, 2, 3, 4)
    seen = stored.transpose(0, 3, 2, 1)
    write_arrow("permuted.arrow", tensor_table(seen))
    write_arrow("rotated.arrow", tensor_table(stored.transpose(0, 2, 3, 1)))
    write_arrow("float64.arrow", tensor_table(values.astype(np.float64)))
    write_arrow("compressed.arrow", tensor_table(values), compression="zstd")
    kind = pa.fixed_shape_tensor(pa.float32(), [2])
    hole = pa.ExtensionArray.from_storage(kind, pa.array([[1, 2], None], pa.list_(pa.float32(), 2)))
    write_arrow("null.arrow", pa.table({"name": pa.array(["a", "b"]), "tensor": hole}))
    lists = pa.array([[1, 2], [3, 4]], pa.list_(pa.float32(), 2))
    write_arrow("lists.arrow", pa.table({"name": pa.array(["a", "b"]), "tensor": lists}))
    return {
        "tensors": {"shape": [2, 3], "data": values.reshape(-1).tolist()},
        "permuted": {"shape": list(seen.shape[1:]), "data": np.ascontiguousarray(seen).reshape(-1).tolist()},
    }


parquet_files()
request_files()
expected = {"samples": plain(ROWS), "predictions": PREDICTIONS, **arrow_files()}
(OUT / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")
print(f"pyarrow {pa.__version__}: {len(list(OUT.iterdir()))} files in {OUT.name}")
