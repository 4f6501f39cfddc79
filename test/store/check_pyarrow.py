"""Reads the Parquet and Arrow files of a folder with pyarrow and compares them with expected.json beside them.

expected.json: file name -> {"types": {column: type as pyarrow prints it}, "rows": [...]}; bytes are {"hex": ...}.
test/store/pyarrow.test.ts writes such a folder and runs this: python test/store/check_pyarrow.py FOLDER
"""

import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def plain(value):
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def rows_of(table):
    if "tensor" not in table.column_names:
        return plain(table.to_pylist())
    rows = []
    for batch in table.to_batches():
        tensors = batch.column("tensor")
        assert isinstance(tensors, pa.FixedShapeTensorArray), type(tensors)
        for name, tensor in zip(batch.column("name").to_pylist(), tensors.to_numpy_ndarray()):
            rows.append({"name": name, "tensor": tensor.tolist()})
    return rows


def check(path, wanted):
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    else:
        table = pa.ipc.open_file(path).read_all()
    table.validate(full=True)
    types = {field.name: str(field.type) for field in table.schema}
    assert types == wanted["types"], f"{path.name}: types are {types}, expected {wanted['types']}"
    rows = rows_of(table)
    assert len(rows) == len(wanted["rows"]), f"{path.name}: {len(rows)} rows, expected {len(wanted['rows'])}"
    for number, (found, row) in enumerate(zip(rows, wanted["rows"])):
        assert found == row, f"{path.name}: row {number} is {found}, expected {row}"


folder = pathlib.Path(sys.argv[1])
expected = json.loads((folder / "expected.json").read_text())
for file_name, wanted_table in expected.items():
    check(folder / file_name, wanted_table)
print(f"pyarrow {pa.__version__} reads {len(expected)} files as they were written")
