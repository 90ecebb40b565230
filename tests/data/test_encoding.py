"""Encodings: named, marked, UTF-8, detected and said, never guessed in silence."""

import codecs

import pytest

from titlekit.core.data.encoding import clip, find_encoding
from titlekit.core.errors import DataError, UsageError

CHINESE = ["基于深度学习的文本分类方法研究", "图像检索", "糖尿病患者的护理", "量子计算"]
TAIWAN = ["基於深度學習的文本分類方法研究", "臺灣地區國小教師工作壓力研究", "量子計算"]
JAPANESE = ["機械学習による文書分類", "高齢者の生活の質に関する研究", "画像検索システムの開発"]
KOREAN = ["한국어 논문 제목 분류", "농촌 경제 발전에 관한 연구", "양자 컴퓨터"]
RUSSIAN = ["Методы машинного обучения", "Анализ данных", "Экономика России в XXI веке"]
GREEK = ["Ταξινόμηση κειμένων με νευρωνικά δίκτυα", "Ανάλυση δεδομένων"]
POLISH = ["Źródła energii odnawialnej w Polsce", "Wpływ pogody na zdrowie człowieka"]
FRENCH = ["Les méthodes d’apprentissage", "Étude de la qualité de l'eau", "L’école française"]
GERMAN = ["Über die Größe der Städte", "Künstliche Intelligenz für Anfänger"]
ENGLISH = ["A “quoted” word in English", "The cost of war — revisited", "Don’t look back"]


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(data: bytes, name: str = "a.csv") -> str:
        (tmp_path / name).write_bytes(data)
        return name

    return write


def table(titles, codec):
    rows = [f"{index},{title},{index % 2}\n" for index, title in enumerate(titles)]
    return ("id,title,label\n" + "".join(rows)).encode(codec)


@pytest.mark.parametrize(
    ("data", "codec"),
    [
        (b"title\nplain\n", "utf-8"),
        ("title\nGödel\n".encode(), "utf-8"),
        (codecs.BOM_UTF8 + "title\nGödel\n".encode(), "utf-8-sig"),
        ("title\nGödel\n".encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + "title\n".encode("utf-16-be"), "utf-16"),
        ("title\nGödel\n".encode("utf-32"), "utf-32"),
        (b"", "utf-8"),
    ],
)
def test_marks_and_utf8_need_no_word(write, data, codec):
    path = write(data)
    assert find_encoding(path) == (codec, "")
    data.decode(codec)


@pytest.mark.parametrize(
    ("titles", "written", "expected"),
    [
        (CHINESE, "gbk", "gb18030"),
        (TAIWAN, "big5", "big5"),
        (JAPANESE, "shift_jis", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (KOREAN, "euc_kr", "cp949"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8_r", "koi8_r"),
        (GREEK, "cp1253", "cp1253"),
        (POLISH, "cp1250", "cp1250"),
        (FRENCH, "cp1252", "cp1252"),
        (GERMAN, "latin_1", "cp1252"),
        (ENGLISH, "cp1252", "cp1252"),
        (ENGLISH, "gbk", "gb18030"),
    ],
)
def test_detected_encodings_give_the_text_back(write, titles, written, expected):
    data = table(titles, written)
    codec, sentence = find_encoding(write(data))
    assert codec == expected
    assert data.decode(codec) == data.decode(written)
    assert sentence == (
        f"a.csv: not UTF-8; read as {expected}: '0,{titles[0]},0'; --encoding NAME overrides"
    )


@pytest.mark.parametrize("title", CHINESE)
def test_one_short_chinese_title_is_gbk(write, title):
    assert find_encoding(write(f"title\n{title}\n".encode("gbk")))[0] == "gb18030"


def test_the_whole_file_must_fit_the_detected_codec(write):
    # Far behind the sample stands a character that gb18030 has and gbk lacks.
    data = table(CHINESE * 5000, "gb18030") + "9,𠀀,0\n".encode("gb18030")
    assert find_encoding(write(data))[0] == "gb18030"
    data = table(TAIWAN * 5000, "big5") + "9,㗎,0\n".encode("big5hkscs")
    assert find_encoding(write(data))[0] == "big5hkscs"
    path = write(table(CHINESE * 5000, "gbk") + b"9,\xff\xff,0\n")
    with pytest.raises(DataError) as caught:
        find_encoding(path)
    assert str(caught.value) == (
        "a.csv:20002: byte 0xff at character 3 does not decode as gb18030, which the rest looks "
        "like; mend this "
        "line, or name another encoding with --encoding"
    )


def test_a_named_encoding_wins(write):
    path = write(table(FRENCH, "cp1252"))
    assert find_encoding(path, "latin-1") == ("iso8859-1", "")
    assert find_encoding(path, "CP1252") == ("cp1252", "")
    marked = write(codecs.BOM_UTF8 + b"title\n", "b.csv")
    assert find_encoding(marked, "utf8") == ("utf-8-sig", "")


@pytest.mark.parametrize("ending", ["le", "be"])
@pytest.mark.parametrize("family", ["utf-16", "utf-32"])
def test_utf16_and_utf32_without_a_mark_can_be_named(write, family, ending):
    path = write("title\nGödel\n".encode(f"{family}-{ending}"))
    assert find_encoding(path, family) == (f"{family}-{ending}", "")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("gb18300", "--encoding: no character encoding 'gb18300'; did you mean 'gb18030'?"),
        ("zip", "--encoding: no character encoding 'zip'"),
        ("qqqq", "--encoding: no character encoding 'qqqq'"),
        ("a\0b", "--encoding: no character encoding 'a\\x00b'"),
    ],
)
def test_unknown_encodings(write, asked, message):
    path = write(b"title\n")
    with pytest.raises(UsageError) as caught:
        find_encoding(path, asked)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("data", "asked", "message"),
    [
        (
            "title\nfine\nGödel\n".encode("cp1252"),
            "utf-8",
            "a.csv:3: byte 0xf6 at character 2 does not decode as utf-8; without --encoding the "
            "encoding is "
            "detected",
        ),
        (
            "title\nfine\nGödel\n".encode(),
            "ascii",
            "a.csv:3: byte 0xc3 at character 2 does not decode as ascii; without --encoding the "
            "encoding is "
            "detected",
        ),
        (
            "title\nab\n".encode("utf-16") + b"\x00\xd8\x61\x00",
            "utf-16",
            "a.csv:3: byte 0x00 at character 1 does not decode as utf-16; without --encoding the "
            "encoding is "
            "detected",
        ),
        (
            codecs.BOM_UTF8 + b"title\n\xff\n",
            "",
            "a.csv:2: byte 0xff at character 1 does not decode as utf-8-sig, which the mark at "
            "the file's start "
            "stands for; --encoding NAME overrides",
        ),
        (
            "title\nGödel\nErdős\nnaïve\n".encode() + b"caf\xe9\n",
            "",
            "a.csv:5: byte 0xe9 at character 4 is not UTF-8, yet 3 other lines are; mend this "
            "line, or name the "
            "encoding of the whole file with --encoding",
        ),
        (
            b"title\n" + bytes(range(128, 160)) * 3 + b"\n",
            "",
            "a.csv:2: byte 0x80 at character 1 is not UTF-8 and no other encoding fits; name it "
            "with --encoding",
        ),
        (
            "标题\n中文\n".encode("utf-16-le"),
            "",
            "a.csv:1: NUL bytes; is it UTF-16? --encoding utf-16",
        ),
    ],
)
def test_faults_name_the_line(write, data, asked, message):
    path = write(data)
    with pytest.raises(DataError) as caught:
        find_encoding(path, asked)
    assert str(caught.value) == message


def test_characters_over_the_border_of_two_chunks(write):
    path = write(b"x" + "中".encode() * 1_100_000)  # one line of 3.3 MB
    assert find_encoding(path) == ("utf-8", "")
    path = write(b"title\n" + "中\n".encode("gb18030") * 1_100_000 + b"\xff")
    said = r"^a\.csv:1100002: byte 0xff at character 1 does not decode as gb18030;"
    with pytest.raises(DataError, match=said):
        find_encoding(path, "gb18030")


def test_a_giant_line_is_sampled_only(write):
    data = b"title\n" + " ".join(CHINESE * 20_000).encode("gbk") + b"\n"
    codec, sentence = find_encoding(write(data))
    assert codec == "gb18030"
    assert len(sentence) < 200


def test_the_decoded_line_is_safe_to_print(write):
    _, sentence = find_encoding(
        write("title\n\x1b[31m基于深度学习的文本分类方法研究\n".encode("gbk"))
    )
    assert "'\\x1b[31m基于深度学习的文本分类方法研究'" in sentence
    assert sentence.isprintable()


def test_clip():
    assert clip("a\tb") == "'a\\tb'"
    assert clip("x" * 61) == "'" + "x" * 60 + "…'"
