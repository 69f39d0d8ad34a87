"""The peer's application, as `label-studio-ml init` writes it, with redis."""

import logging
import os

from label_studio_ml.api import init_app
from model import TextClassifier

logging.basicConfig(level=logging.ERROR)

app = init_app(
    model_class=TextClassifier,
    model_dir=os.environ["MODEL_DIR"],
    redis_queue="default",
    redis_host="127.0.0.1",
    redis_port=int(os.environ["REDIS_PORT"]),
)
