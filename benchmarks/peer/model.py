"""The peer's model: TF-IDF and logistic regression, as Label Studio's own text classifier has it.

It runs in label-studio-ml's virtual environment. What it learns from is the file PEER_TEXTS, a
JSON list of [text, label] pairs: there is no Label Studio to export from, so the peer is given
for nothing what it would have to read.
"""

import json
import os
import pickle
from pathlib import Path

from label_studio_ml.model import LabelStudioMLBase
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class TextClassifier(LabelStudioMLBase):
    """One Choices on one Text."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.from_name, schema = next(iter(self.parsed_label_config.items()))
        self.to_name = schema["to_name"][0]
        self.value = schema["inputs"][0]["value"]
        self.pipeline = None
        if "file" in self.train_output:
            self.pipeline = pickle.loads(Path(self.train_output["file"]).read_bytes())

    def predict(self, tasks, **kwargs):
        """One prediction per task."""
        if self.pipeline is None:
            return []
        probabilities = self.pipeline.predict_proba([t["data"][self.value] for t in tasks])
        best = probabilities.argmax(axis=1)
        return [
            {
                "result": [
                    {
                        "from_name": self.from_name,
                        "to_name": self.to_name,
                        "type": "choices",
                        "value": {"choices": [str(self.pipeline.classes_[i])]},
                    }
                ],
                "score": float(row[i]),
            }
            for i, row in zip(best, probabilities, strict=True)
        ]

    def fit(self, tasks, workdir=None, **kwargs):
        """Train on all texts anew."""
        pairs = json.loads(Path(os.environ["PEER_TEXTS"]).read_text())
        pipeline = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 3), token_pattern=r"(?u)\b\w\w+\b|\w"),
            LogisticRegression(C=10),
        )
        pipeline.fit([text for text, _ in pairs], [label for _, label in pairs])
        file = Path(os.environ["MODEL_DIR"]) / f"{kwargs['job_id']}.pickle"
        file.write_bytes(pickle.dumps(pipeline))
        return {"file": str(file)}
