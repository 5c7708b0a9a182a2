import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from ranking.artifact import read as read_artifact
from tests.training.worlds import small_world
from training.datasets import tables
from training.datasets.errors import DataError
from training.train import train

INTERACTIONS = """user_id,item_id,timestamp,rating
007,b,2026-01-02T00:00:00,5
007,a,2026-01-01T00:00:00,1
8,a,2026-01-01T12:00:00,3
8,new,2026-01-03T00:00:00,3
"""
ITEMS = """item_id,title,genre,year,price,fresh,added
a,"Alpha, the first",Drama|War Film,1990,1.5,true,2026-01-01
b,Beta,Drama,,2.5,false,2026-01-03
c,Gamma,War Film|Drama,2000,,true,2026-01-05
"""
USERS = "user_id,age,town\n007,40,Oslo\n9,20,Rome\n8,,Oslo\n10,30,Rome\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "events.csv").write_text(INTERACTIONS)
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "users.csv").write_text(USERS)
    return tmp_path


def test_interactions_become_histories_under_the_ids_as_written(folder: Path) -> None:
    dataset = tables.read(folder / "events.csv", folder / "items.csv", folder / "users.csv")
    assert dataset.name == "events"
    assert dataset.user_ids == ("007", "9", "8", "10")
    assert dataset.catalogue.ids == ("a", "b", "c", "new")
    assert dataset.interactions.of_user(0).tolist() == [1, 0]
    assert dataset.interactions.of_user(2).tolist() == [3, 0]
    assert dataset.interactions.times.tolist() == [
        1767225600000, 1767312000000, 1767268800000, 1767398400000
    ]  # fmt: skip


def test_columns_become_features_by_their_type(folder: Path) -> None:
    dataset = tables.read(folder / "events.csv", folder / "items.csv", folder / "users.csv")
    rows = [
        dict(zip(dataset.item_schema.columns, row, strict=True))
        for row in dataset.item_rows.tolist()
    ]
    assert rows[0] == {
        "genre=Drama": 1, "genre=War_Film": 1, "year": 1990, "price": 1.5, "fresh": 1,
        "added": 20454,
    }  # fmt: skip
    assert rows[1]["genre=War_Film"] == 0
    assert rows[1]["year"] == 1995  # the median stands in
    assert rows[3] == {
        "genre=Drama": 0, "genre=War_Film": 0, "year": 1995, "price": 2, "fresh": 1, "added": 20456
    }  # fmt: skip
    defaults = {feature.name: feature.default for feature in dataset.item_schema.features}
    assert defaults["year"] == 1995
    assert dataset.user_schema.columns == ("age", "town=Oslo", "town=Rome")
    assert dataset.user_rows[2].tolist() == [30, 1, 0]


def test_properties_are_what_a_response_can_show(folder: Path) -> None:
    dataset = tables.read(folder / "events.csv", folder / "items.csv")
    first, second, _, stranger = dataset.catalogue.properties
    assert first == {
        "title": "Alpha, the first", "genre": ["Drama", "War Film"], "year": 1990, "price": 1.5,
        "fresh": True, "added": "2026-01-01",
    }  # fmt: skip
    assert second["year"] is None
    assert stranger == {"title": "new"}
    json.dumps(dataset.catalogue.properties, allow_nan=False)


def test_tsv_and_parquet_give_the_same_data_set_as_csv(folder: Path) -> None:
    (folder / "events.tsv").write_text(INTERACTIONS.replace(",", "\t"))
    pyarrow.parquet.write_table(
        pyarrow.table(
            {
                "user_id": ["007", "007", "8", "8"],
                "item_id": ["b", "a", "a", "new"],
                "timestamp": pyarrow.array(
                    [1767312000, 1767225600, 1767268800, 1767398400], pyarrow.timestamp("s")
                ),
            }
        ),
        folder / "events.parquet",
    )
    csv = tables.read(folder / "events.csv")
    for name in ("events.tsv", "events.parquet"):
        other = tables.read(folder / name)
        assert (other.user_ids, other.catalogue) == (csv.user_ids, csv.catalogue)
        assert other.interactions.times.tolist() == csv.interactions.times.tolist()
        assert other.interactions.items.tolist() == csv.interactions.items.tolist()


def test_parquet_lists_are_labels_and_whole_numbers_are_ids(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(
        pyarrow.table({"user_id": [1, 2], "item_id": [30, 40], "timestamp": [5, 6]}),
        tmp_path / "events.parquet",
    )
    pyarrow.parquet.write_table(
        pyarrow.table({"item_id": [30, 40, 50], "tags": [["x", "y"], ["x"], None]}),
        tmp_path / "items.parquet",
    )
    dataset = tables.read(tmp_path / "events.parquet", tmp_path / "items.parquet")
    assert dataset.catalogue.ids == ("30", "40", "50")
    assert dataset.item_schema.columns == ("tags=x",)  # y occurs once: it says nothing
    assert dataset.item_rows.tolist() == [[1], [1], [0]]
    assert dataset.catalogue.properties[0] == {"tags": ["x", "y"]}


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("1767225600", 1767225600000),
        ("1767225600000", 1767225600000),
        ("1767225600.25", 1767225600250),
        ("2026-01-01T00:00:00Z", 1767225600000),
        ("2026-01-01 00:00:00", 1767225600000),
        ("2026-01-01", 1767225600000),
    ],
)
def test_a_timestamp_may_be_written_in_many_ways(
    tmp_path: Path, written: str, milliseconds: int
) -> None:
    (tmp_path / "e.csv").write_text(f"user_id,item_id,timestamp\nu,i,{written}\n")
    assert tables.read(tmp_path / "e.csv").interactions.times.tolist() == [milliseconds]


def test_a_long_vocabulary_keeps_its_most_frequent_words(tmp_path: Path) -> None:
    lines = [f"i{n},w{n % 100:03}|common" for n in range(300)] + ["j,w007", "k,w007"]
    (tmp_path / "items.csv").write_text("item_id,words\n" + "\n".join(lines))
    (tmp_path / "e.csv").write_text("user_id,item_id,timestamp\nu,i1,1\n")
    dataset = tables.read(tmp_path / "e.csv", tmp_path / "items.csv")
    assert dataset.item_schema.width == 64
    assert {"words=common", "words=w007"} <= set(dataset.item_schema.columns)


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ("user,item_id,timestamp\nu,i,1\n", "no column 'user_id' .*found: user, item_id.*rename"),
        ("user_id,item_id\nu,i\n", "no column 'timestamp'"),
        ("user_id,item_id,timestamp\nu,i,1\nu,i,\n", "'timestamp' is empty in data row 2"),
        ("user_id,item_id,timestamp\nu,i,soon\n", "'timestamp' holds string; give date-times"),
        ("user_id,item_id,timestamp\nu,i,inf\n", "'timestamp' holds a value that is no moment"),
        ("user_id,item_id,timestamp\n,i,1\n", "'user_id' has an id not 1-128 long"),
        (f"user_id,item_id,timestamp\n{'u' * 129},i,1\n", "'user_id' has an id not 1-128 long"),
        ("user_id,item_id,timestamp\n", "holds no interactions"),
        ("user_id,item_id,timestamp\nu,i,1,extra\n", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_interactions_file_is_refused_by_name(tmp_path: Path, events: str, says: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(events)
    with pytest.raises(DataError, match=says) as caught:
        tables.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ("title\nA\n", "no column 'item_id'"),
        ("item_id,year\na,1\na,2\n", "item_id 'a' stands in more than one row; keep one"),
        ("item_id,the year\na,1\nb,2\n", "rename that column"),
    ],
)
def test_a_bad_items_file_is_refused_by_name(folder: Path, items: str, says: str) -> None:
    path = folder / "items.csv"
    path.write_text(items)
    with pytest.raises(DataError, match=says) as caught:
        tables.read(folder / "events.csv", path)
    assert str(path) in str(caught.value)


def test_a_column_of_no_known_kind_is_refused_by_name(folder: Path) -> None:
    table = pyarrow.table({"item_id": ["a"], "box": [{"width": 1}]})
    pyarrow.parquet.write_table(table, folder / "items.parquet")
    with pytest.raises(DataError, match="column 'box' holds struct"):
        tables.read(folder / "events.csv", folder / "items.parquet")


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "events.xlsx"])
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=name):
        tables.read(tmp_path / name)


def test_interactions_alone_are_enough_to_train_and_serve(tmp_path: Path) -> None:
    world = small_world()
    own = world.interactions
    lines = [
        f"{world.user_ids[user]},{world.catalogue.ids[item]},{time}"
        for user, item, time in zip(own.users, own.items, own.times, strict=True)
    ]
    (tmp_path / "e.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(lines))
    snapshot = read_artifact(train(tables.read(tmp_path / "e.csv"), tmp_path / "artifacts"))
    assert set(snapshot.catalogue.ids) == set(world.catalogue.ids)
    assert snapshot.item_rows.shape == (60, 0)
    assert np.isfinite(snapshot.scorer(np.zeros((3, len(snapshot.columns)), np.float32))).all()
