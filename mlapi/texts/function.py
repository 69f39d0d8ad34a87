"""The EvaDB function that makes texts vectors by a sentence encoder."""

import pandas as pd

from mlapi.eva.functions import Column, Function
from mlapi.texts.encoders.loading import encoder_for
from mlapi.texts.refs import EncoderRef


class SentenceEmbedding(
    Function,
    kind="FeatureExtraction",
    inputs=[Column("text", "str", (None,))],
    outputs=[Column("embedding", "float32", (None,))],
):
    """One text in, one vector out; `encoder` is the project's option, `name` its full name."""

    threads = 1

    def setup(self, encoder: str = "", name: str = "", threads: str = "1") -> None:
        self.threads = int(threads)
        self.encoder = encoder_for(EncoderRef(str(encoder), str(name))) if name else None

    def evaluate(self, frame: pd.DataFrame) -> dict[str, pd.Series]:
        if self.encoder is None:
            raise ValueError("This function was made without NAME.")
        texts = frame.iloc[:, 0].tolist()
        return {
            "embedding": pd.Series(list(self.encoder.encode(texts, self.threads)), dtype=object)
        }
