"""Label Studio's own templates of label configs: which of their controls are served, and how.

The table holds all 69 of Label Studio 1.23.2, read from its wheel.
"""

from pathlib import Path

import pytest
import yaml

from mlapi import pipelines
from mlapi.labelstudio.label_config import parse
from tests.e2e.labelstudio_server import venv

TEMPLATES = next(
    (venv() / "lib").glob("python3*/site-packages/label_studio/annotation_templates"), None
)
pytestmark = pytest.mark.skipif(
    TEMPLATES is None, reason=f"no templates of Label Studio in {venv()}: run `make test`"
)

TEXT, IMAGE, BOXES = "text_classification", "image_classification", "object_detection"
# By template and control the pipeline that serves it, or the code of why none does.
TABLE: dict[str, dict[str, str]] = {
    "audio-speech-processing/automatic-speech-recognition-using-segments": {
        "labels": "control_not_served",
        "transcription": "control_not_served",
    },
    "audio-speech-processing/automatic-speech-recognition": {"transcription": "control_not_served"},
    "audio-speech-processing/conversational-analysis": {"label": "control_not_served"},
    "audio-speech-processing/intent-classification": {
        "labels": "control_not_served",
        "intent": "object_not_served",
    },
    "audio-speech-processing/signal-quality-detection": {"rating": "object_not_served"},
    "audio-speech-processing/sound-event-detection": {"label": "control_not_served"},
    "audio-speech-processing/speaker-segmentation": {"label": "control_not_served"},
    "audio-speech-processing/speech-transcription": {
        "label": "control_not_served",
        "transcription": "control_not_served",
        "sentiment": "object_not_served",
    },
    "chat/chat_eval": {"chat": "control_not_served"},
    "chat/chat_llm_eval": {
        "answered_rating": TEXT,
        "topics": TEXT,
        "comments": "control_not_served",
    },
    "chat/chat_red_team": {
        "user_risk": "per_region",
        "user_jailbreak_tactic": "per_region",
        "assistant_outcome": "per_region",
        "assistant_refusal_quality": "per_region",
    },
    "chat/chat_rlhf": {
        "rating": TEXT,
        "conversation_comment": "control_not_served",
        "assistant_response_accuracy": "per_region",
        "relevance": "per_region",
        "correctness": "per_region",
        "tone": "per_region",
        "message_comment": "control_not_served",
    },
    "chat/chatbot": {
        "accuracy": "per_region",
        "documentation": "per_region",
        "questions_answered": "per_region",
        "style": "per_region",
    },
    "community-contributions/breast-cancer-mammogram-classification": {
        "birads_left": "several_objects",
        "density_left": "several_objects",
        "findings_left": "several_objects",
        "birads_right": "several_objects",
        "density_right": "several_objects",
        "findings_right": "several_objects",
        "notes": "control_not_served",
    },
    "community-contributions/html-ner-tagging-person-and-organization": {
        "ner": "control_not_served"
    },
    "community-contributions/ner-tagging-invoices-bio-format": {"ner": "control_not_served"},
    "community-contributions/ocr-invoices-pre-ner-bio-format": {
        "label": BOXES,
        "transcription": "control_not_served",
    },
    "community-contributions/two-level-sentiment-analysis-of-x-twitter-posts": {
        "sentiment": TEXT,
        "other-props": TEXT,
    },
    "computer-vision/image-captioning": {"caption": "option_needed"},
    "computer-vision/image-classification": {"choice": IMAGE},
    "computer-vision/inventory-tracking": {"objects": "control_not_served"},
    "computer-vision/keypoints": {"kp-1": "control_not_served"},
    "computer-vision/medical-image-classification-with-bboxes": {
        "label": BOXES,
        "classification": IMAGE,
    },
    "computer-vision/multipage-documents": {"rectangles": "several_images"},
    "computer-vision/object-detection-with-bounding-boxes": {"label": BOXES},
    "computer-vision/optical-character-recognition": {
        "label": BOXES,
        "bbox": "control_not_served",
        "poly": "control_not_served",
        "transcription": "control_not_served",
    },
    "computer-vision/pdf_ocr": {"ocr": "control_not_served"},
    "computer-vision/semantic-segmentation-with-masks": {"tag": "control_not_served"},
    "computer-vision/semantic-segmentation-with-polygons": {"label": "control_not_served"},
    "computer-vision/visual-genome": {
        "regions": "dynamic",
        "attributes": "dynamic",
        "relationships": "dynamic",
    },
    "computer-vision/visual-question-answering": {
        "aspect": "control_not_served",
        "answer1": "control_not_served",
        "answer2": "control_not_served",
        "answer3": "control_not_served",
        "answer4": "control_not_served",
    },
    "conversational-ai/coreference-resolution-and-entity-linking": {"label": "control_not_served"},
    "conversational-ai/intent-classification-and-slot-filling": {
        "entity_slot": "control_not_served",
        "intent": TEXT,
    },
    "conversational-ai/response-generation": {"response": "control_not_served"},
    "conversational-ai/response-selection": {"resp": TEXT},
    "generative-ai/chatbot-assessment": {
        "fails_to_follow": TEXT,
        "inappropriate_for_customer": TEXT,
        "hallucination": TEXT,
        "satisfies_constraint": TEXT,
        "contains_sexual": TEXT,
        "contains_violent": TEXT,
        "encourages_violence": TEXT,
        "denigrates_protected_class": TEXT,
        "gives_harmful_advice": TEXT,
        "expresses_opinion": TEXT,
        "expresses_moral_judgment": TEXT,
    },
    "generative-ai/human-feedback-collection": {"comparison": TEXT},
    "generative-ai/llm-ranker": {"rank": "control_not_served"},
    "generative-ai/response-grading": {"rating": TEXT},
    "generative-ai/supervised-llm": {"instruction": "control_not_served"},
    "generative-ai/visual-ranker": {"rank": "control_not_served"},
    "natural-language-processing/content-moderation": {
        "content_moderation": TEXT,
        "comments": "control_not_served",
    },
    "natural-language-processing/machine-translation": {"spanish": "control_not_served"},
    "natural-language-processing/named-entity-recognition": {"label": "control_not_served"},
    "natural-language-processing/question-answering": {"answer": "control_not_served"},
    "natural-language-processing/relation-extraction": {"label": "control_not_served"},
    "natural-language-processing/taxonomy": {"taxonomy": TEXT},
    "natural-language-processing/text-classification": {"sentiment": TEXT},
    "natural-language-processing/text-summarization": {"answer": "control_not_served"},
    "ranking-and-scoring/asr-hypotheses": {"transcriptions": "object_not_served"},
    "ranking-and-scoring/content-based-image-search": {"similar": IMAGE},
    "ranking-and-scoring/document-retrieval": {"selection": TEXT},
    "ranking-and-scoring/pairwise-classification": {"pw": TEXT},
    "ranking-and-scoring/pairwise-regression": {"rating": "object_not_served"},
    "ranking-and-scoring/serp-ranking": {
        "dynamic_choices": "dynamic",
        "relevance": TEXT,
        "confidence": TEXT,
    },
    "ranking-and-scoring/text-to-image": {"images": "dynamic"},
    "structured-data-parsing/freeform-metadata": {
        "table_name_1": "control_not_served",
        "table_value_1": "control_not_served",
        "table_name_2": "control_not_served",
        "table_value_2": "control_not_served",
        "table_name_3": "control_not_served",
        "table_value_3": "control_not_served",
    },
    "structured-data-parsing/html-entity-recognition": {"ner": "control_not_served"},
    "structured-data-parsing/pdf-classification": {
        "rating": "object_not_served",
        "choices": "object_not_served",
    },
    "structured-data-parsing/tabular-data": {"choice": TEXT},
    "time-series-analysis/activity-recognition": {"label": "control_not_served"},
    "time-series-analysis/change-point-detection": {"label": "control_not_served"},
    "time-series-analysis/outliers-anomaly-detection": {
        "label": "control_not_served",
        "region_type": "object_not_served",
    },
    "time-series-analysis/signal-quality": {
        "label": "control_not_served",
        "rating": "object_not_served",
        "choices": "object_not_served",
    },
    "time-series-analysis/time-series-forecasting": {
        "predictable": "control_not_served",
        "trend_forecast": "object_not_served",
    },
    "videos/video-classification": {"choice": "object_not_served"},
    "videos/video-frame-classification": {"videoLabels": "control_not_served"},
    "videos/video-object-tracking": {
        "videoLabels": "control_not_served",
        "box": "control_not_served",
    },
    "videos/video-timeline-segmentation": {"tricks": "control_not_served"},
}


def template(name: str) -> dict[str, str]:
    """The pipeline or the reason of each control of a template."""
    assert TEMPLATES is not None
    xml = yaml.safe_load((TEMPLATES / name / "config.yml").read_text())["config"]
    matched = pipelines.match(parse(xml))
    return {
        **{target.name: target.pipeline for target in matched.targets},
        **{unserved.control: unserved.code for unserved in matched.unserved},
    }


def test_the_table_has_every_template():
    assert TEMPLATES is not None
    assert {str(Path(*path.parts[-3:-1])) for path in TEMPLATES.glob("*/*/config.yml")} == set(
        TABLE
    )


@pytest.mark.parametrize("name", TABLE)
def test_each_control_of_a_template_is_served_or_has_its_reason(name):
    assert template(name) == TABLE[name]


def test_so_many_templates_are_served():
    served = [
        [fate in (TEXT, IMAGE, BOXES) for fate in controls.values()] for controls in TABLE.values()
    ]
    assert sum(map(any, served)) == 21
    assert sum(bool(fates) and all(fates) for fates in served) == 14
