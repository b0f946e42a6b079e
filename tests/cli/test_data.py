"""course data: the sets, fetching one, where they are kept."""

from course_lib import data


def test_list_names_every_set_with_its_kind(course):
    for arguments in (["data"], ["data", "list"]):
        result = course(*arguments)
        assert result.exit_code == 0
        rows = {line.split()[0]: line.split()[1] for line in result.stdout.splitlines()[1:]}
        assert rows == {sheet.name: sheet.kind for sheet in data.sheets()}


def test_fetch_of_what_is_there_already_says_so(course):
    result = course("data", "fetch", "digits")
    assert result.exit_code == 0, result.stderr
    assert "digits: 1,197 training examples of shape (1, 8, 8); it needs no download" in result.stdout


def test_fetch_of_a_set_without_a_training_split_counts_what_there_is(course):
    result = course("data", "fetch", "coins")
    assert result.exit_code == 0, result.stderr
    assert "coins: 1 examples in 'test' of shape (1, 303, 384); it needs no download" in result.stdout


def test_fetch_without_a_network_fails_with_the_reason(course, monkeypatch):
    def no_network(*_, **__):
        raise data.DownloadError("mnist could not be fetched; use digits instead")

    monkeypatch.setattr(data, "load", no_network)
    result = course("data", "fetch", "mnist")
    assert result.exit_code == 1
    assert "use digits instead" in result.stderr


def test_unknown_set_is_misuse(course):
    result = course("data", "fetch", "digitz")
    assert result.exit_code == 2
    assert "did you mean 'digits'" in result.stderr


def test_where_prints_the_folder_alone(course, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    assert course("data", "where").stdout == f"{tmp_path / 'data'}\n"
