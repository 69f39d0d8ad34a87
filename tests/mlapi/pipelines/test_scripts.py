"""Words and candidates of texts in any script."""

import re
import sys
import unicodedata

import numpy as np
import pytest

from mlapi.pipelines.text_classification import features, scripts
from mlapi.pipelines.text_classification import model as text_model
from mlapi.pipelines.text_classification.features import TextVectors
from mlapi.pipelines.text_classification.model import TextModality

CHINESE = ["这部电影非常好看", "房间太小，服务也差。"]
JAPANESE = ["この本はとても面白い。", "ホテルの部屋が狭かった"]
THAI = ["หนังเรื่องนี้สนุกมาก", "ห้องเล็กเกินไป"]
KHMER = ["សៀវភៅនេះល្អណាស់", "បន្ទប់តូចពេក"]
SPACED = {
    "English": ["The film was great.", "a small room"],
    "German": ["Der Überfall war schön geplant.", "ein kleines Zimmer"],
    "Russian": ["Фильм был отличный.", "маленькая комната"],
    "Korean": ["이 영화는 정말 재미있어요", "방이 너무 작았습니다"],
    "Hindi": ["यह फ़िल्म बहुत अच्छी है", "कमरा छोटा था"],
    "Arabic": ["كان الفيلم رائعًا", "غرفة صغيرة"],
}


@pytest.mark.parametrize(
    "word",
    ["हिन्दी", "கடவுள்", "ភាសាខ្មែរ", "כְּתָב", "كِتَابٌ", "می‌خواهم", "naïve", "नमस्ते", "𑀓𑀸", "한글"],
)
def test_a_word_keeps_its_vowel_signs_points_and_joiners(word):
    found = scripts.word_or_sign().findall(f"“{word}”, {word}!")

    assert found == ["“", word, "”", ",", word, "!"]


def test_every_mark_of_unicode_is_of_a_word():
    of_class = re.compile(f"[{scripts.marks()}]+")
    marks = [c for c in map(chr, range(sys.maxunicode)) if unicodedata.category(c)[0] == "M"]

    assert of_class.fullmatch("".join(marks))
    assert of_class.findall("a1 _-日\u200d") == []


@pytest.mark.parametrize("texts", [CHINESE, JAPANESE, THAI, KHMER, [*CHINESE, "a film"]])
def test_scripts_without_spaces_are_learned_by_short_characters_alone(texts):
    assert TextModality().candidates_for(texts, 2) == (text_model.SHORT_CHAR,)


def test_both_kinds_are_compared_on_mixed_texts():
    candidates = TextModality().candidates_for([*CHINESE, *SPACED["English"]], 2)

    assert candidates == (text_model.WORD_CHAR, text_model.SHORT_CHAR)


@pytest.mark.parametrize(
    "texts", [*SPACED.values(), [], ["123 !?"], ["A film of 张艺谋 that lasts long"]]
)
def test_scripts_with_spaces_are_learned_by_words_and_characters(texts):
    candidates = TextModality().candidates_for(texts, 2)

    assert candidates == (text_model.WORD, text_model.WORD_CHAR, text_model.CHAR)


def test_words_are_the_refuge_where_characters_would_take_minutes(monkeypatch):
    monkeypatch.setattr(features, "_MOST_WORK", 10)

    assert text_model.WORD in TextModality().candidates_for(CHINESE, 2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("ﾎﾃﾙ", "ホテル"),
        (unicodedata.normalize("NFD", "한국어 Übung"), "한국어 übung"),
        ("ﻛﺘﺎﺏ", "كتاب"),
    ],
)
@pytest.mark.parametrize("candidate", TextModality.candidates)
def test_one_text_in_two_encodings_has_the_same_features(one, other, candidate):
    vectors = TextVectors(*candidate.analyzers)
    vectors.fit_transform([one, other, "some more"])

    first, second = vectors.transform([one, other]).toarray()

    assert first.tolist() == second.tolist()


def test_new_chinese_sentences_are_classified_by_their_characters():
    good = ["很好看", "非常好看", "好看极了", "真的很好吃", "非常好吃", "好吃极了"]
    bad = ["太差了", "服务很差", "质量太差", "房间太小了", "味道很差", "差得很"]
    estimator = text_model.SHORT_CHAR.fit([*good, *bad], np.repeat([0, 1], 6), 2, "single")

    scores = estimator.scores(["真好看", "太好吃了", "真差", "也很差啊"])
    assert scores.argmax(axis=1).tolist() == [0, 0, 1, 1]
