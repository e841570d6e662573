"""Celery's broker of files: messages are whole or not there."""

import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from clearinghouse import file_broker


@pytest.fixture
def folder(tmp_path):
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def channel(folder):
    with Connection(
        "filesystem://",
        transport_options={
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
        },
    ) as connection:
        yield connection.channel()


def files(folder: Path) -> list[str]:
    return [path.name for path in (folder / "messages").iterdir()]


def test_the_address_of_files_leads_to_our_transport(channel):
    assert isinstance(channel, file_broker.Channel)


def test_messages_come_out_whole_in_order_and_leave_nothing(channel, folder):
    for number in range(3):
        channel._put("celery", {"number": number})
    assert [channel._get("celery")["number"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Empty):
        channel._get("celery")
    assert files(folder) == []


def test_a_message_of_another_queue_stays(channel, folder):
    channel._put("other", {})
    with pytest.raises(Empty):
        channel._get("celery")
    assert len(files(folder)) == 1


def test_what_cannot_be_read_is_dropped_and_the_next_one_taken(channel, folder):
    (folder / "messages" / f"{0:020}_x.celery.msg").write_text("")
    channel._put("celery", {"number": 7})
    assert channel._get("celery") == {"number": 7}
    assert files(folder) == []


def test_many_writers_never_show_a_reader_half_a_message(channel):
    payload = {"text": "x" * 20_000}
    writers = [
        threading.Thread(target=lambda: [channel._put("celery", payload) for _ in range(40)])
        for _ in range(3)
    ]
    for writer in writers:
        writer.start()
    read = 0
    while read < 120:
        try:
            assert channel._get("celery") == payload
            read += 1
        except Empty:
            continue
    for writer in writers:
        writer.join()


def test_a_table_of_bindings_in_the_making_is_waited_for(channel, folder):
    table = folder / "control" / "celery.exchange"
    table.write_text("")
    threading.Timer(0.2, lambda: table.write_text('[["celery", "", "celery"]]')).start()
    assert [row.queue for row in channel.get_table("celery")] == ["celery"]
